use std::collections::HashSet;

use async_trait::async_trait;

use crate::{
    AccountId, Broker, ContractPages, Error, ErrorKind, Instrument, InstrumentId, OptionQuery,
    Order, OrderQuery, Position, PositionQuery, Quote, Resolution, Result, Submission, Symbol,
    pages::Walk,
};

/// Comfort over any [`Broker`], made from its methods alone.
#[async_trait]
pub trait BrokerExt: Broker {
    /// Reads the instrument with this symbol, given as text.
    ///
    /// # Errors
    ///
    /// As [`Broker::instrument`], and [`ErrorKind::InvalidInput`] if `symbol` is no symbol.
    async fn find_instrument(
        &self,
        account: impl Into<AccountId> + Send,
        symbol: &str,
    ) -> Result<Instrument> {
        let account = account.into();
        let symbol = Symbol::new(symbol).map_err(|e| e.in_operation("instrument"))?;
        self.instrument(&account, &symbol).await
    }

    /// Reads all positions, over all pages. What stands on two pages, because the list has moved in
    /// between, is there once.
    ///
    /// # Errors
    ///
    /// As [`Broker::positions`]; a page that fails fails the whole.
    /// [`ErrorKind::UnexpectedAnswer`] if the pages do not end.
    async fn all_positions(&self, account: impl Into<AccountId> + Send) -> Result<Vec<Position>> {
        let account = account.into();
        let mut query = PositionQuery::all();
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        let mut walk = Walk::default();
        loop {
            let mut page = self.positions(&account, query.clone()).await?;
            page.items.retain(|it| !seen.contains(&it.id));
            if page.next.is_some() {
                seen.extend(page.items.iter().map(|it| it.id.clone()));
            }
            match all.is_empty() {
                true => all = page.items,
                false => all.append(&mut page.items),
            }
            let Some(next) = page.next else {
                return Ok(all);
            };
            walk.visit(&next)
                .map_err(|error| error.in_operation("positions").at_broker(self.id()))?;
            query.page = Some(next);
        }
    }

    /// Reads all orders that fit the query, over all pages. What stands on two pages, because the
    /// list has moved in between, is there once.
    ///
    /// # Errors
    ///
    /// As [`Broker::orders`]; a page that fails fails the whole. [`ErrorKind::UnexpectedAnswer`] if
    /// the pages do not end.
    async fn all_orders(
        &self,
        account: impl Into<AccountId> + Send,
        query: OrderQuery,
    ) -> Result<Vec<Order>> {
        let account = account.into();
        let mut query = query;
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        let mut walk = Walk::default();
        loop {
            let page = self.orders(&account, query.clone()).await?;
            let new = |it: &Order| seen.insert(it.id.clone());
            all.extend(page.items.into_iter().filter(new));
            let Some(next) = page.next else {
                return Ok(all);
            };
            walk.visit(&next)
                .map_err(|error| error.in_operation("orders").at_broker(self.id()))?;
            query.page = Some(next);
        }
    }

    /// Walks through the contracts that fit the query, page after page, with one page in memory.
    ///
    /// ```
    /// use wheelhouse_core::{AccountId, Broker, BrokerExt, OptionQuery, Result, Symbol};
    ///
    /// async fn cheapest(broker: &dyn Broker, account: &AccountId) -> Result<Option<String>> {
    ///     let mut lowest = None;
    ///     let mut pages = broker.option_pages(account, OptionQuery::new(Symbol::new("F")?))?;
    ///     while let Some(contracts) = pages.next().await? {
    ///         lowest = lowest.into_iter().chain(contracts).min_by_key(|it| it.strike);
    ///     }
    ///     Ok(lowest.map(|it| it.id.to_string()))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if the broker has no options.
    fn option_pages(
        &self,
        account: impl Into<AccountId>,
        query: OptionQuery,
    ) -> Result<ContractPages<'_>> {
        let Some(options) = self.options() else {
            let error = Error::new(ErrorKind::Unsupported, "this broker has no options");
            return Err(error.at_broker(self.id()).in_operation("option_contracts"));
        };
        Ok(ContractPages::new(
            options,
            self.id(),
            account.into(),
            query,
        ))
    }

    /// Reads the best prices of one instrument.
    ///
    /// # Errors
    ///
    /// As [`Broker::quotes`].
    async fn quote(
        &self,
        account: impl Into<AccountId> + Send,
        instrument: impl Into<InstrumentId> + Send,
    ) -> Result<Quote> {
        let (account, instrument) = (account.into(), instrument.into());
        let quotes = self
            .quotes(&account, std::slice::from_ref(&instrument))
            .await?;
        quotes.into_iter().next().ok_or_else(|| {
            Error::new(ErrorKind::UnexpectedAnswer, "the broker gave no quote")
                .at_broker(self.id())
                .in_operation("quotes")
        })
    }

    /// Resolves a submission if it is unknown; `None` if there is nothing to resolve.
    ///
    /// # Errors
    ///
    /// As [`Broker::resolve`].
    async fn settle(&self, submission: &Submission) -> Result<Option<Resolution>> {
        match submission {
            Submission::Unknown(open) => self.resolve(open).await.map(Some),
            _ => Ok(None),
        }
    }
}

impl<B: Broker + ?Sized> BrokerExt for B {}
