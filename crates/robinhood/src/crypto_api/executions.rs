use wheelhouse_core::{AccountId, Execution, ExecutionQuery, Page, PageToken, Result};

use super::{
    api::read_json,
    client::Inner,
    convert::{self, Place},
    market::check_symbol,
    orders::stamp,
    wire,
};
use crate::wire::{Page as WirePage, Text};

impl Inner {
    /// Reads executions out of the orders that have them, a page of orders at a time.
    pub(crate) async fn list_executions(
        &self,
        id: &AccountId,
        query: ExecutionQuery,
    ) -> Result<Page<Execution>> {
        let endpoint = &self.api.routes.executions;
        if let Some(instrument) = &query.instrument {
            check_symbol(instrument).map_err(|error| self.api.place(endpoint, error))?;
        }
        self.check_account(id, "executions").await?;
        let link = query.page.as_ref().map(PageToken::as_str);
        let with = |call| {
            let mut call = self.of_account(call, id);
            if let Some(instrument) = &query.instrument {
                call = call.query("symbol", instrument);
            }
            // An order that was executed then has changed then or later.
            match query.from.and_then(stamp) {
                Some(from) => call.query("updated_at_start", from),
                None => call,
            }
        };
        let body = self.api.page(endpoint, link, with).await?;
        let read = || -> Result<Page<Execution>> {
            let page: WirePage<'_, wire::Order<'_>> = read_json(&body)?;
            let mut items = Vec::new();
            for (index, order) in page.results.iter().enumerate() {
                if order.account_number.as_str() == id.as_str() {
                    items.extend(convert::executions(order, Place::Row(&body, index))?);
                }
            }
            let next = page.next.as_ref().map(Text::owned).map(PageToken::new);
            Ok(Page { items, next })
        };
        let mut page = read().map_err(|error| self.api.place(endpoint, error))?;
        page.items.retain(|execution| {
            let of = query.instrument.as_ref();
            of.is_none_or(|it| execution.instrument.as_ref() == Some(it))
                && query
                    .from
                    .is_none_or(|from| execution.time.is_none_or(|at| at >= from))
        });
        Ok(page)
    }
}
