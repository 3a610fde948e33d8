use async_trait::async_trait;

use crate::{
    AccountId, Broker, Error, ErrorKind, Instrument, InstrumentId, Order, OrderQuery, Position,
    PositionQuery, Quote, Resolution, Result, Submission, Symbol,
};

/// The most pages that are read for one list; a broker that links more is refused.
const MAX_PAGES: usize = 1_000;

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

    /// Reads all positions, over all pages.
    ///
    /// # Errors
    ///
    /// As [`Broker::positions`]; a page that fails fails the whole.
    async fn all_positions(&self, account: impl Into<AccountId> + Send) -> Result<Vec<Position>> {
        let account = account.into();
        let mut query = PositionQuery::all();
        let mut all = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = self.positions(&account, query.clone()).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => query.page = Some(next),
                None => return Ok(all),
            }
        }
        Err(endless("positions"))
    }

    /// Reads all orders that fit the query, over all pages.
    ///
    /// # Errors
    ///
    /// As [`Broker::orders`]; a page that fails fails the whole.
    async fn all_orders(
        &self,
        account: impl Into<AccountId> + Send,
        query: OrderQuery,
    ) -> Result<Vec<Order>> {
        let account = account.into();
        let mut query = query;
        let mut all = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = self.orders(&account, query.clone()).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => query.page = Some(next),
                None => return Ok(all),
            }
        }
        Err(endless("orders"))
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

fn endless(operation: &'static str) -> Error {
    let message = format!("the broker linked more than {MAX_PAGES} pages");
    Error::new(ErrorKind::UnexpectedAnswer, message).in_operation(operation)
}
