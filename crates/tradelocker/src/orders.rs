use std::time::Duration;

use wheelhouse_core::{
    AccountId, BrokerOrderId, Effect, Error, ErrorKind, InstrumentId, Order, OrderChange,
    OrderKind, OrderQuery, OrderRequest, OrderState, OrderStatusFilter, OrderType, Page, PageToken,
    PositionId, Result,
};

use crate::{
    accounts::{AccountState, account_path},
    api::Changed,
    capabilities::capabilities,
    client::Inner,
    endpoints, error,
    history::{SKEW, Span, merged},
    place::{brackets, no_such_type, validity},
    wire::{
        number::to_millis,
        orders::{ExactNumber, ModifyOrder},
    },
};

impl Inner {
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

    /// Finds an order among open and final ones, however old.
    pub(crate) async fn find_order(
        &self,
        account: &AccountState,
        id: &BrokerOrderId,
    ) -> Result<Option<Order>> {
        if let Some(order) = self.find_recent_order(account, id).await? {
            return Ok(Some(order));
        }
        let endpoint = &endpoints::GET_HISTORY;
        let history = self.read_history(account, endpoint, Span::default(), None);
        Ok(named(history.await?, id))
    }

    /// Finds an order among open ones and final ones of the last day.
    async fn find_recent_order(
        &self,
        account: &AccountState,
        id: &BrokerOrderId,
    ) -> Result<Option<Order>> {
        let open = self
            .read_open(account, &endpoints::GET_ORDERS, None)
            .await?;
        if let Some(order) = named(open, id) {
            return Ok(Some(order));
        }
        let recent = Span {
            from: Some(self.clock().now() - SKEW),
            to: None,
        };
        let history = self.read_history(account, &endpoints::GET_HISTORY, recent, None);
        Ok(named(history.await?, id))
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
        let mut found = self.find_order(&account, order).await?;
        loop {
            if let Some(found) = found {
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
            found = self.find_recent_order(&account, order).await?;
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
            Ok(None) => {
                let error = no_order(order).with_effect(refusal.effect());
                Err(self.api.place(endpoint, error))
            }
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

fn named(orders: Vec<Order>, id: &BrokerOrderId) -> Option<Order> {
    orders.into_iter().find(|order| order.id == *id)
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
    use time::OffsetDateTime;
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
}
