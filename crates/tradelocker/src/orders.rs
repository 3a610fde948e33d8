use std::collections::{HashMap, HashSet};
use std::time::Duration;

use time::{OffsetDateTime, macros::datetime};
use wheelhouse_core::{
    AccountId, BrokerOrderId, Effect, Error, ErrorKind, InstrumentId, Order, OrderChange,
    OrderKind, OrderQuery, OrderRequest, OrderState, OrderStatusFilter, OrderType, Page, PageToken,
    PositionId, Result,
};
use wheelhouse_http::Endpoint;

use crate::{
    accounts::{AccountState, RowList, account_path},
    api::Changed,
    capabilities::capabilities,
    client::Inner,
    convert::{List, Rows},
    endpoints, error,
    place::{brackets, no_such_type, validity},
    wire::{
        number::to_millis,
        orders::{ExactNumber, ModifyOrder, order},
        table::Table,
    },
};

/// Nothing at TradeLocker is older.
const BEGINNING: OffsetDateTime = datetime!(2015-01-01 00:00 UTC);
/// More parts than this are taken for a server that never has enough.
const MAX_WINDOWS: usize = 500;
/// How far the broker's clock may be ahead.
const SKEW: time::Duration = time::Duration::DAY;

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
        let orders = table.rows().map(|row| rows.order(&row, table.body(), list));
        orders
            .collect::<Result<_>>()
            .map_err(|error| self.api.place(endpoint, error))
    }

    pub(crate) async fn list_orders(
        &self,
        id: &AccountId,
        query: OrderQuery,
    ) -> Result<Page<Order>> {
        let account = self.account(id, "orders").await?;
        let span = Span {
            from: query.from,
            to: query.to,
        };
        let instrument = query.instrument.as_ref();
        let mut orders = Vec::new();
        if query.status != Some(OrderStatusFilter::Final) {
            let open = self
                .read_open(&account, &endpoints::GET_ORDERS, instrument)
                .await?;
            orders.extend(
                open.into_iter()
                    .filter(|order| span.holds(order.created_at)),
            );
        }
        if query.status == Some(OrderStatusFilter::Open) {
            orders.retain(|order| !order.state.is_final());
        } else {
            // Open orders are read first: one that becomes final in between is in both lists then,
            // never in none.
            let history = self
                .read_history(&account, &endpoints::GET_HISTORY, span, instrument)
                .await?;
            orders = merged(orders, history);
        }
        page(orders, query.limit, query.page.as_ref())
            .map_err(|error| self.place_in(error, "orders"))
    }

    /// Finds an order among open and final ones.
    pub(crate) async fn find_order(
        &self,
        account: &AccountState,
        id: &BrokerOrderId,
    ) -> Result<Option<Order>> {
        let named = |orders: Vec<Order>| orders.into_iter().find(|order| order.id == *id);
        if let Some(order) = named(
            self.read_open(account, &endpoints::GET_ORDERS, None)
                .await?,
        ) {
            return Ok(Some(order));
        }
        let recent = Span {
            from: Some(self.clock().now() - SKEW),
            to: None,
        };
        for span in [recent, Span::default()] {
            let history = self
                .read_history(account, &endpoints::GET_HISTORY, span, None)
                .await?;
            if let Some(order) = named(history) {
                return Ok(Some(order));
            }
        }
        Ok(None)
    }

    pub(crate) async fn read_order(&self, id: &AccountId, order: &BrokerOrderId) -> Result<Order> {
        let account = self.account(id, "order").await?;
        let found = self.find_order(&account, order).await?;
        found.ok_or_else(|| self.place_in(no_order(order), "order"))
    }

    /// Waits until an order has its position: the broker tells it in the history only, a moment after
    /// the fill.
    pub(crate) async fn wait_for_position(
        &self,
        id: &AccountId,
        order: &BrokerOrderId,
    ) -> Result<Option<PositionId>> {
        let account = self.account(id, "position_of_order").await?;
        let until = self.clock().monotonic() + self.config.position_wait;
        let mut pause = Duration::from_millis(300);
        loop {
            if let Some(found) = self.find_order(&account, order).await? {
                let settled = found.state.is_final() && found.state != OrderState::Filled;
                if found.position.is_some() || (settled && found.filled.value().is_zero()) {
                    return Ok(found.position);
                }
            }
            let left = until.saturating_sub(self.clock().monotonic());
            if left.is_zero() {
                return Ok(None);
            }
            self.clock().sleep(pause.min(left)).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    pub(crate) async fn cancel(&self, id: &AccountId, order: &BrokerOrderId) -> Result<()> {
        let endpoint = &endpoints::CANCEL_ORDER;
        let account = self.account(id, endpoint.operation()).await?;
        let call = self
            .api
            .call(endpoint, account.acc_num)
            .path("orderId", order.as_str());
        let refusal = match self.api.change(endpoint, call).await? {
            Changed::Taken => return Ok(()),
            Changed::Refused(refusal) => refusal,
        };
        // The broker says the same of an order that is final and of one that it does not know.
        match self.find_order(&account, order).await {
            Ok(Some(order)) if order.state.is_final() => Ok(()),
            Ok(Some(_)) => Err(self.api.place(endpoint, refusal)),
            Ok(None) => Err(self.api.place(endpoint, no_order(order))),
            Err(error) => Err(error.with_effect(Effect::MaybeApplied)),
        }
    }

    pub(crate) async fn cancel_all(
        &self,
        id: &AccountId,
        instrument: Option<&InstrumentId>,
    ) -> Result<()> {
        let endpoint = &endpoints::CANCEL_ALL_ORDERS;
        let account = self.account(id, endpoint.operation()).await?;
        let call = account_path(self.api.call(endpoint, account.acc_num), id);
        let call = match instrument {
            Some(instrument) => call.query("tradableInstrumentId", instrument),
            None => call,
        };
        match self.api.change(endpoint, call).await? {
            Changed::Taken => Ok(()),
            Changed::Refused(error) => Err(self.api.place(endpoint, error)),
        }
    }

    pub(crate) async fn replace(
        &self,
        id: &AccountId,
        order: &BrokerOrderId,
        change: &OrderChange,
    ) -> Result<BrokerOrderId> {
        let endpoint = &endpoints::REPLACE_ORDER;
        let named = |error| self.api.place(endpoint, error);
        let body = modify_body(change).map_err(named)?;
        let account = self.account(id, endpoint.operation()).await?;
        // The route has no account in its path: that the order is found here proves that the header
        // names the right one.
        let found = self
            .find_order(&account, order)
            .await?
            .ok_or_else(|| named(no_order(order)))?;
        if found.state.is_final() {
            let message = format!("order {order} is {} and cannot be changed", found.state);
            return Err(named(Error::new(ErrorKind::InvalidRequest, message)));
        }
        let listed = self.listed(&account, &found.instrument).await?;
        let details = self.details(&account, &listed).await?;
        let changed = as_changed(&found, change).map_err(named)?;
        changed
            .check(&capabilities(), &details.instrument, None)
            .map_err(named)?;
        let call = self.api.call(endpoint, account.acc_num);
        let call = call.path("orderId", order.as_str()).json(&body);
        match self.api.change(endpoint, call).await? {
            Changed::Taken => Ok(order.clone()),
            Changed::Refused(error) => Err(named(error)),
        }
    }
}

impl Span {
    fn holds(&self, time: Option<OffsetDateTime>) -> bool {
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

/// Sorts orders, the newest first, and cuts a page out of them. The broker has no pages.
fn page(
    mut orders: Vec<Order>,
    limit: Option<u32>,
    token: Option<&PageToken>,
) -> Result<Page<Order>> {
    let key = |order: &Order| {
        (
            order.created_at.map_or(i64::MIN, to_millis),
            order.id.clone(),
        )
    };
    orders.sort_by_cached_key(|order| std::cmp::Reverse(key(order)));
    if let Some(token) = token {
        let wrong = || error::invalid("the page is not one of this list");
        let (millis, id) = token.as_str().split_once(':').ok_or_else(wrong)?;
        let after = (
            millis.parse().map_err(|_| wrong())?,
            BrokerOrderId::new(id).map_err(|_| wrong())?,
        );
        orders.retain(|order| key(order) < after);
    }
    let most = limit.map_or(usize::MAX, |limit| limit.max(1) as usize);
    let next = match orders.len() > most {
        true => orders.get(most - 1).map(|last| {
            let (millis, id) = key(last);
            PageToken::new(format!("{millis}:{id}"))
        }),
        false => None,
    };
    orders.truncate(most);
    Ok(Page {
        items: orders,
        next,
    })
}

fn no_order(id: &BrokerOrderId) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("the broker does not know order {id} in this account"),
    )
}

fn modify_body(change: &OrderChange) -> Result<ModifyOrder> {
    if *change == OrderChange::new() {
        return Err(error::invalid("the change changes nothing"));
    }
    Ok(ModifyOrder {
        qty: change.size.map(|size| ExactNumber(size.amount())),
        price: change.limit_price.map(|price| ExactNumber(price.value())),
        stop_price: change.stop_price.map(|price| ExactNumber(price.value())),
        validity: change.time_in_force.as_ref().map(validity).transpose()?,
        brackets: brackets(change.stop_loss.as_ref(), change.take_profit.as_ref())?,
    })
}

/// Makes the order that the change would lead to, so that it can be checked like a new one.
fn as_changed(order: &Order, change: &OrderChange) -> Result<OrderRequest> {
    let missing = |what: &str| error::unexpected(format_args!("order {}", order.id), what);
    let kind = match &order.order_type {
        OrderType::Limit if change.stop_price.is_none() => OrderKind::Limit {
            price: change
                .limit_price
                .or(order.limit_price)
                .ok_or_else(|| missing("has no price"))?,
        },
        OrderType::Stop if change.limit_price.is_none() => OrderKind::Stop {
            stop: change
                .stop_price
                .or(order.stop_price)
                .ok_or_else(|| missing("has no stop price"))?,
        },
        OrderType::Limit => return Err(error::invalid("a limit order has no stop price")),
        OrderType::Stop => return Err(error::invalid("a stop order has no limit price")),
        other => return Err(no_such_type(other)),
    };
    let size = change.size.unwrap_or(order.size);
    let mut request = OrderRequest::new(&order.account, &order.instrument, order.side, size, kind);
    request.time_in_force.clone_from(&change.time_in_force);
    // What stays was accepted before; only what changes is checked.
    request.stop_loss = change.stop_loss;
    request.take_profit = change.take_profit;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use wheelhouse_core::{InstrumentId, Side, lots};

    use super::*;

    fn order(id: &str, seconds: i64, state: OrderState) -> Order {
        let mut order = Order::new(
            BrokerOrderId::new(id).unwrap(),
            AccountId::new("1").unwrap(),
            InstrumentId::new("278").unwrap(),
            Side::Buy,
            OrderType::Limit,
            lots!(1),
        );
        order.created_at =
            Some(OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap());
        order.state = state;
        order
    }

    #[test]
    fn an_order_in_both_lists_is_final_and_there_once() {
        let open = vec![
            order("1", 0, OrderState::Working),
            order("2", 1, OrderState::Working),
        ];
        let history = vec![
            order("2", 1, OrderState::Filled),
            order("3", 2, OrderState::Canceled),
        ];
        let merged = merged(open, history);
        let states: Vec<_> = merged
            .iter()
            .map(|o| (o.id.as_str(), o.state.is_final()))
            .collect();
        assert_eq!(states, [("1", false), ("2", true), ("3", true)]);
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let all: Vec<_> = (0..7)
            .map(|n| order(&n.to_string(), n / 2, OrderState::Filled))
            .collect();
        let mut token = None;
        let mut seen = Vec::new();
        loop {
            let page = page(all.clone(), Some(3), token.as_ref()).unwrap();
            assert!(page.items.len() <= 3);
            seen.extend(page.items.iter().map(|order| order.id.to_string()));
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["6", "5", "4", "3", "2", "1", "0"]);
        assert_eq!(
            page(all, None, Some(&PageToken::new("x")))
                .unwrap_err()
                .code(),
            5001
        );
    }

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
