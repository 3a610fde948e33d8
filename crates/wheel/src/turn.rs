use wheelhouse_core::{Decimal, Price, Quantity};

use crate::leg::{minus, plus, times_shares};

/// A whole turn of the wheel: a put sold and assigned, then a call sold and assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// The strike of the put, at which the shares came in.
    pub put_strike: Price,
    /// What was received for the put, per share.
    pub put_credit: Price,
    /// The strike of the call, at which the shares left.
    pub call_strike: Price,
    /// What was received for the call, per share.
    pub call_credit: Price,
    /// How many contracts on 100 shares.
    pub contracts: Quantity,
    /// All fees together.
    pub fees: Decimal,
}

impl Turn {
    /// Describes a turn without fees.
    pub fn new(
        put_strike: Price,
        put_credit: Price,
        call_strike: Price,
        call_credit: Price,
        contracts: Quantity,
    ) -> Self {
        Self {
            put_strike,
            put_credit,
            call_strike,
            call_credit,
            contracts,
            fees: Decimal::ZERO,
        }
    }

    /// Takes fees off.
    #[must_use]
    pub fn fees(mut self, fees: Decimal) -> Self {
        self.fees = fees;
        self
    }

    /// Returns the profit; `None` if it is too large to be exact.
    ///
    /// ```
    /// use wheelhouse_core::{Decimal, Price, Quantity, dec};
    /// use wheelhouse_wheel::Turn;
    ///
    /// let price = |value: Decimal| Price::new(value);
    /// let one = Quantity::new(Decimal::ONE);
    /// let turn = Turn::new(price(dec!(10)), price(dec!(0.28)), price(dec!(11)), price(dec!(0.30)), one);
    /// assert_eq!(turn.fees(dec!(0.12)).profit(), Some(dec!(157.88)));
    /// ```
    pub fn profit(&self) -> Option<Decimal> {
        let credits = plus(
            Some(self.put_credit.value()),
            Some(self.call_credit.value()),
        );
        let shares = minus(
            Some(self.call_strike.value()),
            Some(self.put_strike.value()),
        );
        let gross = times_shares(plus(credits, shares)?, self.contracts.value());
        minus(gross, Some(self.fees))
    }
}
