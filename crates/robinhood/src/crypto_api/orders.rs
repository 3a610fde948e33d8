//! Reading and cancelling orders.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use wheelhouse_core::{
    AccountId, BrokerOrderId, ErrorKind, InstrumentId, Order, OrderQuery, OrderStatusFilter, Page,
    PageToken, Result,
};
use wheelhouse_http::{Call, Endpoint};

use super::{
    CryptoApiVersion,
    api::read_json,
    client::Inner,
    convert::{self, Place},
    endpoints,
    error::{self, not_found},
    ids,
    market::check_symbol,
    wire,
};
use crate::wire::{Page as WirePage, Text};

impl Inner {
    pub(crate) async fn list_orders(
        &self,
        id: &AccountId,
        query: OrderQuery,
    ) -> Result<Page<Order>> {
        let endpoint = &self.api.routes.orders;
        if let Some(instrument) = &query.instrument {
            check_symbol(instrument).map_err(|error| self.api.place(endpoint, error))?;
        }
        self.check_account(id, "orders").await?;
        if query.status == Some(OrderStatusFilter::Open) && query.page.is_none() {
            let mut open = self.read_open(id, query.instrument.as_ref()).await?;
            open.retain(|order| fits(order, &query));
            return Ok(Page::last(open));
        }
        let link = query.page.as_ref().map(PageToken::as_str);
        let with = |call| {
            let call = self.listed(call, id, query.instrument.as_ref(), query.from);
            let call = match query.to.and_then(stamp) {
                Some(to) => call.query("created_at_end", to),
                None => call,
            };
            match query.limit {
                Some(limit) => call.query("limit", limit.max(1)),
                None => call,
            }
        };
        let body = self.api.page(endpoint, link, with).await?;
        let (mut orders, next) =
            orders(&body, id).map_err(|error| self.api.place(endpoint, error))?;
        // Parameters that the broker does not know it ignores.
        orders.retain(|order| fits(order, &query));
        self.name(&mut orders);
        Ok(Page {
            items: orders,
            next: next.map(PageToken::new),
        })
    }

    fn listed<'a>(
        &self,
        call: Call<'a>,
        id: &AccountId,
        instrument: Option<&InstrumentId>,
        from: Option<OffsetDateTime>,
    ) -> Call<'a> {
        let call = self.of_account(call, id);
        let call = match instrument {
            Some(instrument) => call.query("symbol", instrument),
            None => call,
        };
        match from.and_then(stamp) {
            Some(from) => call.query("created_at_start", from),
            None => call,
        }
    }

    /// Reads every order that can still change, over all pages.
    pub(crate) async fn read_open(
        &self,
        id: &AccountId,
        instrument: Option<&InstrumentId>,
    ) -> Result<Vec<Order>> {
        let endpoint = &self.api.routes.orders;
        let mut all = Vec::new();
        // In the order of an order's life: one that moves on meanwhile is in the next list.
        if self.config.version == CryptoApiVersion::V2 {
            let pending = self.read_in_state(endpoint, id, instrument, Some("pending"));
            all.extend(pending.await?);
        }
        let open = self.read_in_state(endpoint, id, instrument, Some("open"));
        all.extend(open.await?);
        all.extend(self.read_partly_filled(id, instrument).await?);
        // It is there twice then.
        let mut seen = HashSet::new();
        all.retain(|order: &Order| seen.insert(order.id.clone()));
        self.name(&mut all);
        Ok(all)
    }

    /// Reads the orders that are partly filled. Version 2 gives orders that state and its
    /// documentation does not let ask for it; version 1 does, for users with one account. For
    /// others all orders are read.
    async fn read_partly_filled(
        &self,
        id: &AccountId,
        instrument: Option<&InstrumentId>,
    ) -> Result<Vec<Order>> {
        const STATE: Option<&str> = Some("partially_filled");
        let endpoint = &self.api.routes.orders;
        if !self.asks_otherwise.load(Ordering::Relaxed) {
            match self.read_in_state(endpoint, id, instrument, STATE).await {
                Err(error)
                    if error.kind() == ErrorKind::InvalidRequest
                        && self.config.version == CryptoApiVersion::V2 =>
                {
                    self.asks_otherwise.store(true, Ordering::Relaxed);
                }
                outcome => return outcome,
            }
        }
        if self.check_account(id, "orders").await?.len() > 1 {
            return self.read_in_state(endpoint, id, instrument, None).await;
        }
        let first = &endpoints::V1.orders;
        self.read_in_state(first, id, instrument, STATE).await
    }

    async fn read_in_state(
        &self,
        endpoint: &'static Endpoint,
        id: &AccountId,
        instrument: Option<&InstrumentId>,
        state: Option<&'static str>,
    ) -> Result<Vec<Order>> {
        let mut all = Vec::new();
        let page = |body: &Bytes| {
            let (some, next) = orders(body, id)?;
            let wanted = |order: &Order| {
                !order.state.is_final() && instrument.is_none_or(|it| order.instrument == *it)
            };
            all.extend(some.into_iter().filter(wanted));
            Ok(next)
        };
        let with = |call| {
            let call = self.listed(call, id, instrument, None);
            match state {
                Some(state) => call.query("state", state),
                None => call,
            }
        };
        self.api.walk(endpoint, with, page).await?;
        Ok(all)
    }

    pub(crate) async fn read_order(
        &self,
        id: &AccountId,
        order: &BrokerOrderId,
        operation: &'static str,
    ) -> Result<Order> {
        self.check_account(id, operation).await?;
        let missing = || self.place_in(not_found("the broker does not know the order"), operation);
        let Some(uuid) = ids::order_on_the_wire(order) else {
            return Err(missing());
        };
        let routes = self.api.routes;
        let with = |call| self.of_account(Call::path(call, "id", &uuid), id);
        let found = match self.api.read(&routes.order, with).await {
            Ok(body) => {
                let one = || convert::order(&read_json(&body)?, Place::Whole(&body));
                Some(one().map_err(|error| self.api.place(&routes.order, error))?)
            }
            // The route is not in the published description; the list is.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported) => {
                let with = |call| self.of_account(call, id).query("id", &uuid);
                match self.api.read(&routes.order_in_list, with).await {
                    Ok(body) => {
                        let listed = orders(&body, id);
                        let (listed, _) =
                            listed.map_err(|error| self.api.place(&routes.order, error))?;
                        listed
                            .into_iter()
                            .find(|it| it.id.as_str().eq_ignore_ascii_case(&uuid))
                    }
                    Err(error)
                        if matches!(
                            error.kind(),
                            ErrorKind::NotFound | ErrorKind::InvalidRequest
                        ) =>
                    {
                        None
                    }
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        let mut found = found
            .filter(|found| found.account == *id)
            .ok_or_else(missing)?;
        self.name(std::slice::from_mut(&mut found));
        Ok(found)
    }

    pub(crate) async fn cancel(&self, id: &AccountId, order: &BrokerOrderId) -> Result<()> {
        const OPERATION: &str = "cancel_order";
        let accounts = self.check_account(id, OPERATION).await?;
        let Some(uuid) = ids::order_on_the_wire(order) else {
            let error = not_found("the broker does not know the order");
            return Err(self.place_in(error, OPERATION));
        };
        // Cancelling names no account: what is another account's must not be reached by this one.
        if accounts.len() > 1 {
            self.read_order(id, order, OPERATION).await?;
        }
        let endpoint = &self.api.routes.cancel;
        let answer = self
            .api
            .exchange(endpoint, |call| call.path("id", &uuid))
            .await?;
        let Some(error) = error::of_status(&answer) else {
            return Ok(());
        };
        let refused = error::refusal_of(&answer).is_some()
            && !matches!(answer.status(), 401 | 403 | 404 | 429);
        if refused
            && self
                .read_order(id, order, OPERATION)
                .await?
                .state
                .is_final()
        {
            return Ok(());
        }
        Err(self.api.place(endpoint, error))
    }
}

/// Reads a page of orders of one account.
pub(crate) fn orders(body: &Bytes, id: &AccountId) -> Result<(Vec<Order>, Option<String>)> {
    let page: WirePage<'_, wire::Order<'_>> = read_json(body)?;
    let mut orders = Vec::with_capacity(page.results.len());
    for (index, order) in page.results.iter().enumerate() {
        if order.account_number.as_str() == id.as_str() {
            orders.push(convert::order(order, Place::Row(body, index))?);
        }
    }
    Ok((orders, page.next.as_ref().map(Text::owned)))
}

/// Writes a time as the filters take it, in UTC.
pub(crate) fn stamp(at: OffsetDateTime) -> Option<String> {
    at.to_offset(UtcOffset::UTC).format(&Rfc3339).ok()
}

fn fits(order: &Order, query: &OrderQuery) -> bool {
    let status = match query.status {
        Some(OrderStatusFilter::Open) => !order.state.is_final(),
        Some(OrderStatusFilter::Final) => order.state.is_final(),
        _ => true,
    };
    status
        && query
            .instrument
            .as_ref()
            .is_none_or(|it| order.instrument == *it)
        && query
            .from
            .is_none_or(|from| order.created_at.is_none_or(|at| at >= from))
        && query
            .to
            .is_none_or(|to| order.created_at.is_none_or(|at| at <= to))
}
