use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Capabilities, ClientOrderId, Error, ErrorKind, Instrument, InstrumentId, OrderKind,
    OrderSize, PositionEffect, Price, Quantity, Result, Side, StopLoss, TakeProfit, TimeInForce,
    TradingHours,
};

/// An order to be placed.
///
/// ```
/// use wheelhouse_core::{
///     AccountId, Instrument, InstrumentId, InstrumentKind, OrderRequest, Side, StopLoss, Symbol,
///     dec, lots,
/// };
///
/// let account = AccountId::new("1002003")?;
/// let eurusd = Instrument::new(
///     InstrumentId::new("278")?,
///     Symbol::new("EURUSD")?,
///     InstrumentKind::Forex,
/// );
/// let order = OrderRequest::limit(&account, &eurusd, Side::Buy, lots!(0.10), dec!(1.05))
///     .stop_loss(StopLoss::at(dec!(1.04)));
/// assert_eq!(order.kind.limit_price(), Some(dec!(1.05).into()));
/// # Ok::<(), wheelhouse_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OrderRequest {
    /// In which account.
    pub account: AccountId,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub size: OrderSize,
    /// How it executes.
    pub kind: OrderKind,
    /// How long it stands; the broker's usual one for the kind if `None`.
    pub time_in_force: Option<TimeInForce>,
    /// When in the day it may execute.
    pub hours: TradingHours,
    /// Where losses are taken.
    pub stop_loss: Option<StopLoss>,
    /// Where profits are taken.
    pub take_profit: Option<TakeProfit>,
    /// Whether it opens or closes, where the broker wants to know.
    pub effect: Option<PositionEffect>,
    /// This side's identifier; the adapter makes one if `None`.
    pub client_order_id: Option<ClientOrderId>,
}

impl OrderRequest {
    /// Makes an order of any kind.
    pub fn new(
        account: impl Into<AccountId>,
        instrument: impl Into<InstrumentId>,
        side: Side,
        size: OrderSize,
        kind: OrderKind,
    ) -> Self {
        Self {
            account: account.into(),
            instrument: instrument.into(),
            side,
            size,
            kind,
            time_in_force: None,
            hours: TradingHours::default(),
            stop_loss: None,
            take_profit: None,
            effect: None,
            client_order_id: None,
        }
    }

    /// Makes an order at the best price there is.
    pub fn market(
        account: impl Into<AccountId>,
        instrument: impl Into<InstrumentId>,
        side: Side,
        size: OrderSize,
    ) -> Self {
        Self::new(account, instrument, side, size, OrderKind::Market)
    }

    /// Makes an order at `price` or better.
    pub fn limit(
        account: impl Into<AccountId>,
        instrument: impl Into<InstrumentId>,
        side: Side,
        size: OrderSize,
        price: impl Into<Price>,
    ) -> Self {
        Self::new(
            account,
            instrument,
            side,
            size,
            OrderKind::Limit {
                price: price.into(),
            },
        )
    }

    /// Makes an order that goes to market when the price reaches `stop`.
    pub fn stop(
        account: impl Into<AccountId>,
        instrument: impl Into<InstrumentId>,
        side: Side,
        size: OrderSize,
        stop: impl Into<Price>,
    ) -> Self {
        Self::new(
            account,
            instrument,
            side,
            size,
            OrderKind::Stop { stop: stop.into() },
        )
    }

    /// Sets how long it stands.
    #[must_use]
    pub fn time_in_force(mut self, time_in_force: TimeInForce) -> Self {
        self.time_in_force = Some(time_in_force);
        self
    }

    /// Sets when in the day it may execute. The default is the regular session.
    #[must_use]
    pub fn hours(mut self, hours: TradingHours) -> Self {
        self.hours = hours;
        self
    }

    /// Sets where losses are taken.
    #[must_use]
    pub fn stop_loss(mut self, stop_loss: StopLoss) -> Self {
        self.stop_loss = Some(stop_loss);
        self
    }

    /// Sets where profits are taken.
    #[must_use]
    pub fn take_profit(mut self, take_profit: TakeProfit) -> Self {
        self.take_profit = Some(take_profit);
        self
    }

    /// Says whether it opens or closes a position.
    #[must_use]
    pub fn effect(mut self, effect: PositionEffect) -> Self {
        self.effect = Some(effect);
        self
    }

    /// Gives it this side's identifier. Use each for one order only.
    #[must_use]
    pub fn client_order_id(mut self, id: ClientOrderId) -> Self {
        self.client_order_id = Some(id);
        self
    }

    /// Checks the order against what the broker can do and what the instrument accepts, without a
    /// network. Nothing is rounded or changed.
    ///
    /// `market` is a price near the market, if one is known; with it a bracket on the wrong side of
    /// a market order is found too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if the broker lacks the kind, unit or time in force;
    /// [`ErrorKind::InvalidInput`] if a number is not accepted, with the nearest that is.
    pub fn check(
        &self,
        capabilities: &Capabilities,
        instrument: &Instrument,
        market: Option<Price>,
    ) -> Result<()> {
        capabilities.check_order(self)?;
        let rules = &instrument.rules;
        match self.size {
            OrderSize::Notional(money)
                if money.amount.is_sign_positive() && !money.amount.is_zero() => {}
            OrderSize::Notional(money) => {
                let message = format!("the amount {money} is not above zero");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
            size if size.unit() != instrument.unit => {
                let message = format!(
                    "{} is ordered in {:?}, not in {:?}",
                    instrument.symbol,
                    instrument.unit,
                    size.unit()
                );
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
            size => rules.check_quantity(Quantity::new(size.amount()))?,
        }
        if let Some(price) = self.kind.limit_price() {
            rules.check_price("limit price", price)?;
        }
        if let Some(stop) = self.kind.stop_price() {
            rules.check_price("stop price", stop)?;
        }
        self.check_brackets(instrument, market)
    }

    fn check_brackets(&self, instrument: &Instrument, market: Option<Price>) -> Result<()> {
        let entry = self
            .kind
            .limit_price()
            .or(self.kind.stop_price())
            .or(market);
        if let Some(StopLoss::At(price)) = self.stop_loss {
            instrument.rules.check_price("stop loss", price)?;
            let wrong = |entry: &Price| match self.side {
                Side::Buy => price >= *entry,
                Side::Sell => price <= *entry,
            };
            if let Some(entry) = entry.filter(wrong) {
                return Err(wrong_side(
                    "stop loss",
                    price,
                    entry,
                    self.side,
                    "below",
                    "above",
                ));
            }
        }
        if let Some(TakeProfit::At(price)) = self.take_profit {
            instrument.rules.check_price("take profit", price)?;
            let wrong = |entry: &Price| match self.side {
                Side::Buy => price <= *entry,
                Side::Sell => price >= *entry,
            };
            if let Some(entry) = entry.filter(wrong) {
                return Err(wrong_side(
                    "take profit",
                    price,
                    entry,
                    self.side,
                    "above",
                    "below",
                ));
            }
        }
        Ok(())
    }
}

fn wrong_side(what: &str, price: Price, entry: Price, side: Side, buy: &str, sell: &str) -> Error {
    let right = if side == Side::Buy { buy } else { sell };
    let message = format!(
        "the {what} {price} is on the wrong side: for a {side} at {entry} it must be {right}"
    );
    Error::new(ErrorKind::InvalidInput, message)
}

/// What to change of a working order. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OrderChange {
    /// The new size.
    pub size: Option<OrderSize>,
    /// The new limit price.
    pub limit_price: Option<Price>,
    /// The new stop price.
    pub stop_price: Option<Price>,
    /// The new time in force.
    pub time_in_force: Option<TimeInForce>,
    /// The new stop loss.
    pub stop_loss: Option<StopLoss>,
    /// The new take profit.
    pub take_profit: Option<TakeProfit>,
}

impl OrderChange {
    /// Starts with no change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes the size.
    #[must_use]
    pub fn size(mut self, size: OrderSize) -> Self {
        self.size = Some(size);
        self
    }

    /// Changes the limit price.
    #[must_use]
    pub fn limit_price(mut self, price: impl Into<Price>) -> Self {
        self.limit_price = Some(price.into());
        self
    }

    /// Changes the stop price.
    #[must_use]
    pub fn stop_price(mut self, price: impl Into<Price>) -> Self {
        self.stop_price = Some(price.into());
        self
    }

    /// Changes where losses are taken.
    #[must_use]
    pub fn stop_loss(mut self, stop_loss: StopLoss) -> Self {
        self.stop_loss = Some(stop_loss);
        self
    }

    /// Changes where profits are taken.
    #[must_use]
    pub fn take_profit(mut self, take_profit: TakeProfit) -> Self {
        self.take_profit = Some(take_profit);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BrokerId, Decimal, InstrumentKind, InstrumentRules, OrderType, SizeUnit, Support, Symbol,
        Tick, dec, lots, shares,
    };

    fn eurusd() -> Instrument {
        let mut instrument = Instrument::new(
            InstrumentId::new("278").unwrap(),
            Symbol::new("EURUSD").unwrap(),
            InstrumentKind::Forex,
        );
        instrument.unit = SizeUnit::Lots;
        instrument.rules = InstrumentRules {
            quantity_step: Some(Quantity::new(dec!(0.01))),
            ticks: vec![Tick {
                from: None,
                size: dec!(0.00001),
            }],
            ..InstrumentRules::default()
        };
        instrument
    }

    fn capabilities() -> Capabilities {
        let mut capabilities = Capabilities::none(BrokerId::tradelocker());
        capabilities.order_sizes = vec![SizeUnit::Lots];
        capabilities.brackets = Support::Native;
        capabilities.allow_order(OrderType::Market, [TimeInForce::Ioc]);
        capabilities.allow_order(OrderType::Limit, [TimeInForce::Gtc]);
        capabilities
    }

    fn limit(price: Decimal) -> OrderRequest {
        let account = AccountId::new("1").unwrap();
        OrderRequest::limit(account, &eurusd(), Side::Buy, lots!(0.10), price)
    }

    fn check(request: &OrderRequest) -> Result<()> {
        request.check(&capabilities(), &eurusd(), Some(Price::new(dec!(1.06))))
    }

    #[test]
    fn f52_brackets_on_the_wrong_side_are_refused() {
        check(&limit(dec!(1.05)).stop_loss(StopLoss::at(dec!(1.04)))).unwrap();
        let error = check(&limit(dec!(1.05)).stop_loss(StopLoss::at(dec!(1.05)))).unwrap_err();
        assert_eq!(error.code(), 5001);
        assert!(error.message().contains("must be below"), "{error}");
        let error = check(&limit(dec!(1.05)).take_profit(TakeProfit::at(dec!(1.04)))).unwrap_err();
        assert!(error.message().contains("must be above"), "{error}");
        let account = AccountId::new("1").unwrap();
        let market = OrderRequest::market(account, &eurusd(), Side::Sell, lots!(1))
            .stop_loss(StopLoss::at(dec!(1.05)));
        assert!(
            check(&market).is_err(),
            "a sell at 1.06 cannot stop at 1.05"
        );
    }

    #[test]
    fn f51_numbers_off_the_grid_are_refused_and_never_rounded() {
        assert!(
            check(&limit(dec!(1.0500001)))
                .unwrap_err()
                .message()
                .contains("nearest")
        );
        let mut request = limit(dec!(1.05));
        request.size = lots!(0.015);
        assert!(
            check(&request)
                .unwrap_err()
                .message()
                .contains("0.01 and 0.02")
        );
    }

    #[test]
    fn units_and_kinds_that_the_broker_lacks_are_refused() {
        let mut request = limit(dec!(1.05));
        request.size = shares!(1);
        assert_eq!(check(&request).unwrap_err().kind(), ErrorKind::Unsupported);
        let request = limit(dec!(1.05)).time_in_force(TimeInForce::Day);
        let error = check(&request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("GTC"), "{error}");
    }
}
