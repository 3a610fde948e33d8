use std::collections::{HashMap, HashSet};

use time::{OffsetDateTime, macros::datetime};
use wheelhouse_core::{BrokerOrderId, InstrumentId, Order, Result};
use wheelhouse_http::Endpoint;

use crate::{
    accounts::{AccountState, RowList, account_path},
    client::Inner,
    convert::{List, Rows},
    error,
    wire::{number::to_millis, orders::order, table::Table},
};

/// Nothing at TradeLocker is older.
const BEGINNING: OffsetDateTime = datetime!(2015-01-01 00:00 UTC);
/// More parts than this are taken for a server that never has enough.
const MAX_WINDOWS: usize = 500;
/// How far the broker's clock may be ahead.
pub(crate) const SKEW: time::Duration = time::Duration::DAY;

/// Which part of the history to read; both ends are inclusive.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) from: Option<OffsetDateTime>,
    pub(crate) to: Option<OffsetDateTime>,
}

impl Inner {
    /// Reads open orders, those of stop losses and take profits of positions included.
    pub(crate) async fn read_open(
        &self,
        account: &AccountState,
        endpoint: &'static Endpoint,
        instrument: Option<&InstrumentId>,
    ) -> Result<Vec<Order>> {
        let list = RowList {
            name: "orders",
            columns: |config| &config.orders,
            single: false,
        };
        let table = self
            .table(account, endpoint, list, |call| {
                let call = account_path(call, account.id());
                match instrument {
                    Some(instrument) => call.query("tradableInstrumentId", instrument),
                    None => call,
                }
            })
            .await?;
        let mut orders = self.convert(account, endpoint, &table, List::Open)?;
        orders.retain(|order| instrument.is_none_or(|wanted| order.instrument == *wanted));
        Ok(orders)
    }

    /// Reads final orders, all of them: where the broker leaves some out, in smaller parts.
    pub(crate) async fn read_history(
        &self,
        account: &AccountState,
        endpoint: &'static Endpoint,
        span: Span,
        instrument: Option<&InstrumentId>,
    ) -> Result<Vec<Order>> {
        let mut seen = HashSet::new();
        let mut orders = Vec::new();
        let mut parts = vec![span];
        for _ in 0..MAX_WINDOWS {
            let Some(part) = parts.pop() else {
                return Ok(orders);
            };
            let (table, complete) = self.read_part(account, endpoint, part, instrument).await?;
            if !complete {
                let now = self.clock().now();
                let (earlier, later) = halves(part, now).ok_or_else(|| {
                    let error =
                        error::unexpected("d.hasMore", "stays true for a single millisecond");
                    self.api.place(endpoint, error)
                })?;
                // What has been read of this part comes again with its halves.
                parts.extend([earlier, later]);
                continue;
            }
            for order in self.convert(account, endpoint, &table, List::Final)? {
                let fits = instrument.is_none_or(|wanted| order.instrument == *wanted)
                    && span.holds(order.created_at);
                if fits && seen.insert(order.id.clone()) {
                    orders.push(order);
                }
            }
        }
        let error = error::unexpected("the history", "has more parts than can be read");
        Err(self.api.place(endpoint, error))
    }

    async fn read_part(
        &self,
        account: &AccountState,
        endpoint: &'static Endpoint,
        part: Span,
        instrument: Option<&InstrumentId>,
    ) -> Result<(Table<{ order::COUNT }>, bool)> {
        let list = RowList {
            name: "ordersHistory",
            columns: |config| &config.history,
            single: false,
        };
        let table = self
            .table(account, endpoint, list, |call| {
                let mut call = account_path(call, account.id());
                if let Some(from) = part.from {
                    call = call.query("from", to_millis(from));
                }
                if let Some(to) = part.to {
                    call = call.query("to", to_millis(to));
                }
                match instrument {
                    Some(instrument) => call.query("tradableInstrumentId", instrument),
                    None => call,
                }
            })
            .await?;
        let most = self.config(account).await?.max_history.unwrap_or(u64::MAX);
        let complete = table.has_more() != Some(true) && (table.len() as u64) < most;
        Ok((table, complete))
    }

    fn convert(
        &self,
        account: &AccountState,
        endpoint: &Endpoint,
        table: &Table<{ order::COUNT }>,
        list: List,
    ) -> Result<Vec<Order>> {
        let symbol_of = |id: &InstrumentId| account.symbol_of(id);
        let mut rows = Rows::new(account.id(), account.account.currency, &symbol_of);
        table
            .read_all(|row| rows.order(row, table.body(), list))
            .map_err(|error| self.api.place(endpoint, error))
    }
}

impl Span {
    pub(crate) fn holds(&self, time: Option<OffsetDateTime>) -> bool {
        // The broker counts in milliseconds.
        let time = time.map(to_millis);
        let after = |from: OffsetDateTime| time.is_none_or(|time| time >= to_millis(from));
        let before = |to: OffsetDateTime| time.is_none_or(|time| time <= to_millis(to));
        self.from.is_none_or(after) && self.to.is_none_or(before)
    }
}

/// Cuts a span in two that share no millisecond; `None` if it has only one.
fn halves(span: Span, now: OffsetDateTime) -> Option<(Span, Span)> {
    let from = to_millis(span.from.unwrap_or(BEGINNING));
    let to = to_millis(span.to.unwrap_or(now + SKEW));
    if to <= from {
        return None;
    }
    let middle = from + (to - from) / 2;
    let at = |millis: i64| {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
    };
    let earlier = Span {
        from: span.from.or(at(from)),
        to: Some(at(middle)?),
    };
    let later = Span {
        from: Some(at(middle + 1)?),
        to: span.to.or(at(to)),
    };
    Some((earlier, later))
}

/// Puts both lists together; of an order in both, the final one counts.
pub(crate) fn merged(open: Vec<Order>, history: Vec<Order>) -> Vec<Order> {
    let mut orders: Vec<Order> = Vec::with_capacity(open.len() + history.len());
    let mut at: HashMap<BrokerOrderId, usize> = HashMap::new();
    for order in open.into_iter().chain(history) {
        match at.get(&order.id) {
            Some(index) => orders[*index] = order,
            None => {
                at.insert(order.id.clone(), orders.len());
                orders.push(order);
            }
        }
    }
    orders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_meet_and_end() {
        let now = datetime!(2030-01-01 00:00 UTC);
        let at = |millis: i64| {
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
        };
        let (earlier, later) = halves(
            Span {
                from: at(1_000),
                to: at(1_003),
            },
            now,
        )
        .unwrap();
        assert_eq!((earlier.from, earlier.to), (at(1_000), at(1_001)));
        assert_eq!((later.from, later.to), (at(1_002), at(1_003)));
        assert!(
            halves(
                Span {
                    from: at(1_000),
                    to: at(1_000)
                },
                now
            )
            .is_none()
        );
        let (earlier, later) = halves(Span::default(), now).unwrap();
        assert_eq!(
            (earlier.from, later.to),
            (Some(BEGINNING), Some(now + SKEW))
        );
    }
}
