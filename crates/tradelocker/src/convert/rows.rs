use std::borrow::Cow;

use bytes::Bytes;
use time::OffsetDateTime;
use wheelhouse_core::{
    AccountId, BrokerOrderId, ClientOrderId, Currency, Decimal, Execution, ExecutionId,
    InstrumentId, Money, Offset, Order, OrderSize, OrderState, OrderType, Position, PositionEffect,
    PositionId, Price, Quantity, Result, StopLoss, Symbol, TakeProfit, TimeInForce,
};

use super::{NO_ID, element, plain, side};
use crate::wire::{
    orders::{execution, order},
    positions::position,
    table::Row,
    token::Token,
};

/// What rows do not tell: whose they are, and what instruments are called.
pub(crate) struct Rows<'a> {
    account: &'a AccountId,
    currency: Option<Currency>,
    symbol_of: &'a (dyn Fn(&InstrumentId) -> Option<Symbol> + Send + Sync),
    /// Instruments already met in this answer: there are few, and most rows share one.
    met: Vec<(InstrumentId, Option<Symbol>)>,
}

/// Which list an order stands in: the broker keeps final orders apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Final,
    Open,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(
        account: &'a AccountId,
        currency: Option<Currency>,
        symbol_of: &'a (dyn Fn(&InstrumentId) -> Option<Symbol> + Send + Sync),
    ) -> Self {
        Self {
            account,
            currency,
            symbol_of,
            met: Vec::new(),
        }
    }

    pub(crate) fn position(
        &mut self,
        row: &Row<'_, { position::COUNT }>,
        body: &Bytes,
    ) -> Result<Position> {
        use position::*;
        let id = required_id(row, &IDS, ID, PositionId::new)?;
        let instrument = required_text(row, &IDS, INSTRUMENT)?;
        let (instrument, symbol) =
            self.instrument(&instrument, || row.misfit(&IDS, INSTRUMENT, NO_ID))?;
        let size = row.required_decimal(&IDS, QTY)?;
        let side =
            side(&row.required_text(&IDS, SIDE)?).map_err(|m| row.misfit(&IDS, SIDE, m.0))?;
        let size = OrderSize::Lots(Quantity::new(size.abs()));
        let mut position = Position::new(id, self.account.clone(), instrument, side, size);
        position.symbol = symbol;
        position.average_price = row.read(&IDS, AVG_PRICE, Token::nonzero)?.map(Price::new);
        position.stop_loss_order = optional_id(row, &IDS, STOP_LOSS, BrokerOrderId::new)?;
        position.take_profit_order = optional_id(row, &IDS, TAKE_PROFIT, BrokerOrderId::new)?;
        position.opened_at = row.time(&IDS, OPEN_DATE)?;
        let pnl = row.read(&IDS, UNREALIZED_PL, Token::decimal)?;
        position.unrealized_pnl = pnl
            .zip(self.currency)
            .map(|(pnl, currency)| Money::new(pnl, currency));
        position.client_order_id = label(row.read(&IDS, STRATEGY, Token::text)?);
        position.raw = element(body, &["d", "positions"], row.index());
        Ok(position)
    }

    pub(crate) fn order(
        &mut self,
        row: &Row<'_, { order::COUNT }>,
        body: &Bytes,
        list: List,
    ) -> Result<Order> {
        use order::*;
        let id = required_id(row, &IDS, ID, BrokerOrderId::new)?;
        let instrument = required_text(row, &IDS, INSTRUMENT)?;
        let (instrument, symbol) =
            self.instrument(&instrument, || row.misfit(&IDS, INSTRUMENT, NO_ID))?;
        let side =
            side(&row.required_text(&IDS, SIDE)?).map_err(|m| row.misfit(&IDS, SIDE, m.0))?;
        let quantity = Quantity::new(row.required_decimal(&IDS, QTY)?);
        let order_type = order_type(row.required_text(&IDS, TYPE)?);
        let size = OrderSize::Lots(quantity);
        let mut order = Order::new(id, self.account.clone(), instrument, side, order_type, size);
        order.symbol = symbol;
        order.filled = Quantity::new(
            row.read(&IDS, FILLED_QTY, Token::decimal)?
                .unwrap_or_default(),
        );
        order.state = state_of(
            &row.required_text(&IDS, STATUS)?,
            list,
            order.filled,
            quantity,
        );
        order.average_price = row.read(&IDS, AVG_PRICE, Token::nonzero)?.map(Price::new);
        // The price of a market order is what the market was at when it came.
        if order.order_type != OrderType::Market {
            order.limit_price = row.read(&IDS, PRICE, Token::nonzero)?.map(Price::new);
        }
        order.stop_price = row.read(&IDS, STOP_PRICE, Token::nonzero)?.map(Price::new);
        let expires = row.time(&IDS, EXPIRE_DATE)?;
        order.time_in_force = time_in_force(row.read(&IDS, VALIDITY, Token::text)?, expires);
        order.created_at = row.time(&IDS, CREATED_DATE)?;
        // It is rounded to seconds and can lie before the creation.
        order.updated_at = row.time(&IDS, LAST_MODIFIED)?.max(order.created_at);
        order.effect = row
            .read(&IDS, IS_OPEN, Token::boolean)?
            .map(|opens| match opens {
                true => PositionEffect::Open,
                false => PositionEffect::Close,
            });
        order.position = optional_id(row, &IDS, POSITION, PositionId::new)?;
        let kind = row.read(&IDS, STOP_LOSS_TYPE, Token::text)?;
        let value = row.read(&IDS, STOP_LOSS, Token::nonzero)?;
        order.stop_loss = value.and_then(|value| stop_loss(kind.as_deref(), value));
        let kind = row.read(&IDS, TAKE_PROFIT_TYPE, Token::text)?;
        let value = row.read(&IDS, TAKE_PROFIT, Token::nonzero)?;
        order.take_profit = value.and_then(|value| take_profit(kind.as_deref(), value));
        order.client_order_id = label(row.read(&IDS, STRATEGY, Token::text)?);
        order.raw = match list {
            List::Final => element(body, &["d", "ordersHistory"], row.index()),
            List::Open => element(body, &["d", "orders"], row.index()),
        };
        Ok(order)
    }

    pub(crate) fn execution(
        &mut self,
        row: &Row<'_, { execution::COUNT }>,
        body: &Bytes,
    ) -> Result<Execution> {
        use execution::*;
        let mut execution = Execution::new(
            required_id(row, &IDS, ID, ExecutionId::new)?,
            required_id(row, &IDS, ORDER, BrokerOrderId::new)?,
            self.account.clone(),
            side(&row.required_text(&IDS, SIDE)?).map_err(|m| row.misfit(&IDS, SIDE, m.0))?,
            Quantity::new(row.required_decimal(&IDS, QTY)?),
            Price::new(row.required_decimal(&IDS, PRICE)?),
        );
        execution.instrument = optional_id(row, &IDS, INSTRUMENT, InstrumentId::new)?;
        execution.position = optional_id(row, &IDS, POSITION, PositionId::new)?;
        execution.time = row.time(&IDS, CREATED_DATE)?;
        execution.raw = element(body, &["d", "executions"], row.index());
        Ok(execution)
    }

    fn instrument(
        &mut self,
        text: &str,
        misfit: impl FnOnce() -> wheelhouse_core::Error,
    ) -> Result<(InstrumentId, Option<Symbol>)> {
        if let Some((id, symbol)) = self.met.iter().find(|(id, _)| id.as_str() == text) {
            return Ok((id.clone(), symbol.clone()));
        }
        let id = InstrumentId::new(text).map_err(|_| misfit())?;
        let symbol = (self.symbol_of)(&id);
        self.met.push((id.clone(), symbol.clone()));
        Ok((id, symbol))
    }
}

fn required_text<'a, const N: usize>(
    row: &Row<'a, N>,
    ids: &[&'static str; N],
    column: usize,
) -> Result<Cow<'a, str>> {
    row.required_text(ids, column)
}

fn required_id<'a, T, const N: usize>(
    row: &Row<'a, N>,
    ids: &[&'static str; N],
    column: usize,
    make: impl FnOnce(Cow<'a, str>) -> Result<T>,
) -> Result<T> {
    let text = row.required_text(ids, column)?;
    make(text).map_err(|_| row.misfit(ids, column, NO_ID))
}

fn optional_id<'a, T, const N: usize>(
    row: &Row<'a, N>,
    ids: &[&'static str; N],
    column: usize,
    make: impl FnOnce(Cow<'a, str>) -> Result<T>,
) -> Result<Option<T>> {
    // Some answers write "0" where there is none.
    match row
        .read(ids, column, Token::text)?
        .filter(|text| text != "0")
    {
        None => Ok(None),
        Some(text) => make(text)
            .map(Some)
            .map_err(|_| row.misfit(ids, column, NO_ID)),
    }
}

/// A label that is no identifier was not made by this side.
fn label(text: Option<Cow<'_, str>>) -> Option<ClientOrderId> {
    ClientOrderId::new(text?).ok()
}

fn order_type(text: Cow<'_, str>) -> OrderType {
    match plain(&text).as_str() {
        "limit" => OrderType::Limit,
        "market" => OrderType::Market,
        "stop" => OrderType::Stop,
        "stoplimit" => OrderType::StopLimit,
        "trailingstop" => OrderType::TrailingStop,
        _ => OrderType::Unknown(text.into_owned()),
    }
}

fn time_in_force(text: Option<Cow<'_, str>>, expires: Option<OffsetDateTime>) -> TimeInForce {
    let Some(text) = text else {
        return TimeInForce::Unknown(String::new());
    };
    match (plain(&text).as_str(), expires) {
        ("gtc", _) => TimeInForce::Gtc,
        ("ioc", _) => TimeInForce::Ioc,
        ("fok", _) => TimeInForce::Fok,
        ("day", _) => TimeInForce::Day,
        ("gtd", Some(date)) => TimeInForce::Gtd(date),
        _ => TimeInForce::Unknown(text.into_owned()),
    }
}

/// Reads a status. What is not known stays open: an order is never taken for final by guessing.
fn state_of(text: &str, list: List, filled: Quantity, ordered: Quantity) -> OrderState {
    let partly = filled.value() > Decimal::ZERO && filled < ordered;
    let name = plain(text);
    match name.strip_prefix("status").unwrap_or(&name) {
        "pendingnew" | "pendingexecution" => OrderState::PendingNew,
        "pendingcancel" => OrderState::PendingCancel,
        "pendingreplace" | "pendingreplacenotactive" => OrderState::PendingReplace,
        "partfilled" | "partiallyfilled" => OrderState::PartiallyFilled,
        "new" | "accepted" | "working" | "pending" | "restated" if list == List::Open => {
            match partly {
                true => OrderState::PartiallyFilled,
                false => OrderState::Working,
            }
        }
        // A changed order keeps its identifier and goes on.
        "replaced" if list == List::Open => OrderState::Working,
        "replaced" => OrderState::Replaced,
        "waitingmarket" | "offmarket" => OrderState::Held,
        "filled" => OrderState::Filled,
        "cancelled" | "canceled" | "removed" => OrderState::Canceled,
        "rejected" | "refused" => OrderState::Rejected,
        "expired" => OrderState::Expired,
        _ => OrderState::Other(text.to_owned()),
    }
}

fn stop_loss(kind: Option<&str>, value: Decimal) -> Option<StopLoss> {
    match plain(kind?).as_str() {
        "absolute" => Some(StopLoss::at(value)),
        "offset" => Some(StopLoss::Offset(Offset::Pips(value))),
        "trailingoffset" => Some(StopLoss::Trailing(Offset::Pips(value))),
        _ => None,
    }
}

fn take_profit(kind: Option<&str>, value: Decimal) -> Option<TakeProfit> {
    match plain(kind?).as_str() {
        "absolute" => Some(TakeProfit::at(value)),
        "offset" => Some(TakeProfit::Offset(Offset::Pips(value))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use wheelhouse_core::dec;

    use super::*;

    fn state(text: &str, list: List) -> OrderState {
        state_of(text, list, Quantity::default(), Quantity::new(dec!(1)))
    }

    #[test]
    fn statuses_are_read_in_every_spelling() {
        for (text, list, expected) in [
            ("New", List::Open, OrderState::Working),
            ("STATUS_NEW", List::Open, OrderState::Working),
            ("STATUS_PENDING_NEW", List::Open, OrderState::PendingNew),
            ("part_filled", List::Open, OrderState::PartiallyFilled),
            ("Filled", List::Final, OrderState::Filled),
            ("Cancelled", List::Final, OrderState::Canceled),
            ("STATUS_CANCELED", List::Final, OrderState::Canceled),
            ("Refused", List::Final, OrderState::Rejected),
            ("WAITING_MARKET", List::Open, OrderState::Held),
            ("Replaced", List::Open, OrderState::Working),
            ("Replaced", List::Final, OrderState::Replaced),
        ] {
            assert_eq!(state(text, list), expected, "{text}");
        }
    }

    #[test]
    fn f25_an_unknown_status_is_kept_and_never_final() {
        for text in ["None", "Unplaced", "MODIFY_TRADING_MODE", "frobnicated"] {
            let state = state(text, List::Final);
            assert_eq!(state, OrderState::Other(text.to_owned()));
            assert!(!state.is_final());
        }
    }

    #[test]
    fn f46_an_open_order_with_a_part_filled_says_so() {
        let state = state_of(
            "New",
            List::Open,
            Quantity::new(dec!(0.5)),
            Quantity::new(dec!(1)),
        );
        assert_eq!(state, OrderState::PartiallyFilled);
    }

    #[test]
    fn a_stop_loss_without_a_known_type_is_none() {
        assert_eq!(stop_loss(None, dec!(1)), None);
        assert_eq!(
            stop_loss(Some("absolute"), dec!(1)),
            Some(StopLoss::at(dec!(1)))
        );
        let trailing = StopLoss::Trailing(Offset::Pips(dec!(5)));
        assert_eq!(stop_loss(Some("trailingOffset"), dec!(5)), Some(trailing));
    }
}
