use serde::{Deserialize, Serialize};

use crate::{Decimal, Error, ErrorKind, Price, Quantity, Result};

/// What an instrument's broker accepts as quantity and price, for checks without a network.
///
/// ```
/// use wheelhouse_core::{InstrumentRules, Price, Quantity, Tick, dec};
///
/// let mut rules = InstrumentRules::default();
/// rules.min_quantity = Some(Quantity::new(dec!(0.01)));
/// rules.quantity_step = Some(Quantity::new(dec!(0.01)));
/// rules.ticks = vec![Tick { from: None, size: dec!(0.00001) }];
///
/// rules.check_quantity(Quantity::new(dec!(0.10)))?;
/// let error = rules.check_quantity(Quantity::new(dec!(0.123))).unwrap_err();
/// assert!(error.to_string().contains("nearest are 0.12 and 0.13"));
/// rules.check_price("limit price", Price::new(dec!(1.08123)))?;
/// # Ok::<(), wheelhouse_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InstrumentRules {
    /// The smallest quantity of an order, in the instrument's order unit.
    pub min_quantity: Option<Quantity>,
    /// The largest quantity of an order.
    pub max_quantity: Option<Quantity>,
    /// Quantities are multiples of this.
    pub quantity_step: Option<Quantity>,
    /// How many units a lot or contract has.
    pub lot_size: Option<Decimal>,
    /// Price steps by range, in rising order of [`Tick::from`].
    pub ticks: Vec<Tick>,
}

/// A price step that holds from a price on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// The lowest price it holds for; `None` is from zero.
    pub from: Option<Decimal>,
    /// Prices are multiples of this.
    pub size: Decimal,
}

impl InstrumentRules {
    /// Checks a quantity in the instrument's order unit. Nothing is ever rounded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`], with the nearest legal quantities in the message.
    pub fn check_quantity(&self, quantity: Quantity) -> Result<()> {
        let value = quantity.value();
        if value <= Decimal::ZERO {
            let least = self.min_quantity.map(Quantity::value).or(self.step());
            let hint = least.map_or(String::new(), |least| format!("; the least is {least}"));
            return Err(invalid(format!(
                "the quantity {value} is not above zero{hint}"
            )));
        }
        if let Some(min) = self
            .min_quantity
            .map(Quantity::value)
            .filter(|min| value < *min)
        {
            return Err(invalid(format!(
                "the quantity {value} is below the least, {min}"
            )));
        }
        if let Some(max) = self
            .max_quantity
            .map(Quantity::value)
            .filter(|max| value > *max)
        {
            return Err(invalid(format!(
                "the quantity {value} is above the most, {max}"
            )));
        }
        match self.step().and_then(|step| neighbours(value, step)) {
            None => Ok(()),
            Some((below, above, step)) => {
                let floor = self.min_quantity.map(Quantity::value).unwrap_or(step);
                Err(off_grid(
                    "the quantity",
                    value,
                    below.max(floor),
                    above,
                    step,
                ))
            }
        }
    }

    /// Checks a price; `what` names it in the error, such as `limit price`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`], with the nearest legal prices in the message.
    pub fn check_price(&self, what: &str, price: Price) -> Result<()> {
        let value = price.value();
        if value <= Decimal::ZERO {
            return Err(invalid(format!("the {what} {value} is not above zero")));
        }
        match self.tick_at(value).and_then(|tick| neighbours(value, tick)) {
            None => Ok(()),
            Some((below, above, tick)) => Err(off_grid(
                &format!("the {what}"),
                value,
                below.max(tick),
                above,
                tick,
            )),
        }
    }

    /// Returns the highest legal price that is not above `price`, for callers who want to round.
    ///
    /// ```
    /// # use wheelhouse_core::{InstrumentRules, Price, Tick, dec};
    /// let mut rules = InstrumentRules::default();
    /// rules.ticks = vec![Tick { from: None, size: dec!(0.05) }];
    /// assert_eq!(rules.price_at_or_below(Price::new(dec!(1.09))), Price::new(dec!(1.05)));
    /// ```
    pub fn price_at_or_below(&self, price: Price) -> Price {
        let value = price.value();
        match self.tick_at(value).and_then(|tick| neighbours(value, tick)) {
            Some((below, _, _)) => Price::new(below),
            None => Price::new(value.normalize()),
        }
    }

    /// Returns the price step at `price`.
    pub fn tick_at(&self, price: Decimal) -> Option<Decimal> {
        let holds = |tick: &&Tick| tick.from.is_none_or(|from| from <= price);
        self.ticks
            .iter()
            .rev()
            .find(holds)
            .map(|tick| tick.size)
            .filter(|s| *s > Decimal::ZERO)
    }

    fn step(&self) -> Option<Decimal> {
        self.quantity_step
            .map(Quantity::value)
            .filter(|step| *step > Decimal::ZERO)
    }
}

/// The multiples of `step` around `value`; `None` if `value` is one.
fn neighbours(value: Decimal, step: Decimal) -> Option<(Decimal, Decimal, Decimal)> {
    let rest = value.checked_rem(step)?;
    if rest.is_zero() {
        return None;
    }
    let below = (value - rest).normalize();
    Some((below, (below + step).normalize(), step))
}

fn off_grid(what: &str, value: Decimal, below: Decimal, above: Decimal, step: Decimal) -> Error {
    let nearest = if below == above {
        format!("the nearest is {above}")
    } else {
        format!("the nearest are {below} and {above}")
    };
    invalid(format!(
        "{what} {value} is not a multiple of {step}; {nearest}"
    ))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dec;

    fn rules() -> InstrumentRules {
        InstrumentRules {
            min_quantity: Some(Quantity::new(dec!(0.02))),
            max_quantity: Some(Quantity::new(dec!(50))),
            quantity_step: Some(Quantity::new(dec!(0.01))),
            lot_size: Some(dec!(100000)),
            ticks: vec![
                Tick {
                    from: None,
                    size: dec!(0.01),
                },
                Tick {
                    from: Some(dec!(100)),
                    size: dec!(0.05),
                },
            ],
        }
    }

    #[test]
    fn f50_quantities_that_are_not_above_zero_are_refused() {
        for value in [dec!(0), dec!(-0.05)] {
            assert_eq!(
                rules()
                    .check_quantity(Quantity::new(value))
                    .unwrap_err()
                    .code(),
                5001
            );
        }
    }

    #[test]
    fn f51_the_nearest_legal_values_stand_in_the_error() {
        let text = |q| {
            rules()
                .check_quantity(Quantity::new(q))
                .unwrap_err()
                .to_string()
        };
        assert!(text(dec!(0.123)).contains("the nearest are 0.12 and 0.13"));
        assert!(text(dec!(0.001)).contains("below the least, 0.02"));
        assert!(text(dec!(1000000000)).contains("above the most, 50"));
        let price = |p| {
            rules()
                .check_price("limit price", Price::new(p))
                .unwrap_err()
                .to_string()
        };
        assert!(price(dec!(120.02)).contains("the nearest are 120 and 120.05"));
        assert!(price(dec!(0)).contains("not above zero"));
        assert!(
            rules()
                .check_price("limit price", Price::new(dec!(99.99)))
                .is_ok()
        );
    }

    proptest! {
        #[test]
        fn the_values_that_an_error_offers_are_legal(cents in 2i64..6_000_000) {
            let value = Decimal::new(cents, 3);
            let rules = InstrumentRules { max_quantity: None, ..rules() };
            if rules.check_quantity(Quantity::new(value)).is_err() && value > dec!(0.02) {
                let (below, above, _) = neighbours(value, dec!(0.01)).unwrap();
                prop_assert!(rules.check_quantity(Quantity::new(below)).is_ok());
                prop_assert!(rules.check_quantity(Quantity::new(above)).is_ok());
            }
        }
    }
}
