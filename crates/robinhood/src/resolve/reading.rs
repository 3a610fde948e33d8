use time::{Duration, OffsetDateTime};
use wheelhouse_core::{AccountId, Order, Result};

use super::Book;
use crate::{
    api::rows,
    client::Inner,
    config::Host,
    convert::{self, Place},
    endpoints,
    orders::written,
    readings::{Outcome, Snapshot},
    wire::{option_order as option_wire, order as wire},
};

/// The states of options in which an order can still change, as the filter of their list names them.
pub(crate) const OPEN_STATES: &str =
    "new,queued,unconfirmed,confirmed,partially_filled,pending_cancelled";

/// Which orders of a book to read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    /// Those that can still change, however old, and maybe others.
    Open,
    /// Those that were made at this time or later, and maybe others.
    Since(OffsetDateTime),
}

impl Inner {
    /// Reads the orders of a book that were made at `from` or later.
    pub(crate) async fn reading(
        &self,
        book: Book,
        account: &AccountId,
        from: OffsetDateTime,
    ) -> Outcome {
        let read = |from| self.read_book(book, account, from);
        let list = (account.clone(), book);
        let readings = self
            .readings
            .of(&list, wheelhouse_adapter::Readings::default);
        readings.take_part(self.clock(), from, read).await
    }

    async fn read_book(
        &self,
        book: Book,
        account: &AccountId,
        from: OffsetDateTime,
    ) -> Result<Snapshot> {
        let began = self.clock().monotonic();
        let orders = self.scan(book, account, Which::Since(from)).await?;
        Ok(Snapshot::new(orders, began, self.clock().now()))
    }

    /// Reads orders of a book, over all pages that can have some.
    pub(crate) async fn scan(
        &self,
        book: Book,
        account: &AccountId,
        which: Which,
    ) -> Result<Vec<Order>> {
        match book {
            Book::Crypto => {
                let endpoint = &endpoints::SCAN_CRYPTO_ORDERS;
                self.read_crypto_orders(account, endpoint, which).await
            }
            Book::Options => self.scan_option_orders(account, which).await,
            Book::Shares => self.scan_orders(account, which).await,
        }
    }

    async fn scan_orders(&self, account: &AccountId, which: Which) -> Result<Vec<Order>> {
        let endpoint = &endpoints::SCAN_ORDERS;
        let call = self
            .api
            .call(Host::Api, endpoint)
            .query("account_numbers", account);
        let call = match which {
            Which::Open => call.query("is_closed", false),
            Which::Since(from) => call.query("created_at[gte]", written(from)?),
        };
        let (mut orders, mut end) = (Vec::new(), EndOfList::new(which));
        self.api
            .all_pages(Host::Api, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &wire::Order<'_>, index| {
                    convert::equity_order(row, Place::Row(body, index)).map(Some)
                })?;
                let go_on = !end.is_reached(&items);
                orders.extend(items.into_iter().filter(|order| order.account == *account));
                Ok((next, go_on))
            })
            .await?;
        Ok(orders)
    }

    async fn scan_option_orders(&self, account: &AccountId, which: Which) -> Result<Vec<Order>> {
        let endpoint = &endpoints::SCAN_OPTION_ORDERS;
        let call = self
            .api
            .call(Host::Api, endpoint)
            .query("account_numbers", account);
        let call = match which {
            Which::Open => call.query("states", OPEN_STATES),
            Which::Since(from) => call.query("created_at__gte", written(from)?),
        };
        let (mut orders, mut end) = (Vec::new(), EndOfList::new(which));
        self.api
            .all_pages(Host::Api, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &option_wire::OptionOrder<'_>, index| {
                    let order = convert::option_order(row, Place::Row(body, index))?;
                    Ok(Some(order.order))
                })?;
                let go_on = !end.is_reached(&items);
                orders.extend(items.into_iter().filter(|order| order.account == *account));
                Ok((next, go_on))
            })
            .await?;
        Ok(orders)
    }
}

/// Tells on which page of a list all that follows is too old, where the broker ignores the filter by
/// time or has none. Nobody promises that its lists are the newest first, so it has to show in the
/// rows: their times fall by more than a day, and never rise by as much.
#[derive(Debug)]
pub(crate) struct EndOfList {
    from: Option<OffsetDateTime>,
    newest: Option<OffsetDateTime>,
    oldest: Option<OffsetDateTime>,
    falls: bool,
    rises: bool,
}

/// How much a list may be out of order.
const DISORDER: Duration = Duration::DAY;

impl EndOfList {
    pub(crate) fn new(which: Which) -> Self {
        let from = match which {
            Which::Open => None,
            Which::Since(from) => Some(from),
        };
        Self {
            from,
            newest: None,
            oldest: None,
            falls: false,
            rises: false,
        }
    }

    /// Takes the next page.
    pub(crate) fn is_reached(&mut self, page: &[Order]) -> bool {
        let Some(from) = self.from else {
            return false;
        };
        let mut all_are_old = !page.is_empty();
        for order in page {
            let Some(at) = order.created_at else {
                all_are_old = false;
                continue;
            };
            self.falls |= self.newest.is_some_and(|newest| newest - at > DISORDER);
            self.rises |= self.oldest.is_some_and(|oldest| at - oldest > DISORDER);
            self.newest = self.newest.max(Some(at));
            self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
            all_are_old &= from - at > DISORDER;
        }
        all_are_old && self.falls && !self.rises
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use wheelhouse_core::{
        AccountId, BrokerOrderId, InstrumentId, OrderSize, OrderType, Quantity, Side, dec,
    };

    use super::*;

    const FROM: OffsetDateTime = datetime!(2026-11-20 15:00 UTC);

    /// Orders that are so many hours older than what is asked for.
    fn page(hours: &[i64]) -> Vec<Order> {
        let order = |hours: &i64| {
            let mut order = Order::new(
                BrokerOrderId::new("7").unwrap(),
                AccountId::new("1").unwrap(),
                InstrumentId::new("f").unwrap(),
                Side::Buy,
                OrderType::Market,
                OrderSize::Shares(Quantity::new(dec!(1))),
            );
            order.created_at = Some(FROM - Duration::hours(*hours));
            order
        };
        hours.iter().map(order).collect()
    }

    fn ends(pages: &[&[i64]]) -> bool {
        let mut end = EndOfList::new(Which::Since(FROM));
        let reached: Vec<_> = pages
            .iter()
            .map(|hours| end.is_reached(&page(hours)))
            .collect();
        reached.last().copied().unwrap_or_default()
    }

    #[test]
    fn a_list_that_is_seen_to_fall_ends_with_its_first_page_of_old_orders() {
        assert!(ends(&[&[-1, 30, 400], &[401, 500]]));
        assert!(
            ends(&[&[-1, -2, 0, 30], &[31, 60]]),
            "a little out of order"
        );
        assert!(!ends(&[&[-1, 30, 400]]), "there may be more of today");
        assert!(!ends(&[&[0, 1], &[20, 23]]), "less than a day older");
    }

    #[test]
    fn a_list_that_may_be_in_another_order_is_read_to_its_end() {
        assert!(!ends(&[&[500, 499], &[498]]), "it hardly moves");
        assert!(!ends(&[&[900, 500], &[400]]), "oldest first");
        assert!(!ends(&[&[400, 900, 100], &[200, 800]]), "in no order");
        assert!(!ends(&[&[-1, 30, 400], &[]]), "an empty page tells nothing");
    }

    #[test]
    fn open_orders_can_be_of_any_age() {
        let mut end = EndOfList::new(Which::Open);
        assert!(!end.is_reached(&page(&[-1, 400, 900])));
    }
}
