use serde::Serialize;
use time::Date;
use wheelhouse_core::{
    Decimal, InstrumentId, OptionContract, OptionPosition, OptionRight, PositionId, Price,
    Quantity, Side, dec,
};

use crate::calendar::days_to;

/// How many shares a contract of the wheel stands for.
pub const SHARES_PER_CONTRACT: Decimal = Decimal::ONE_HUNDRED;

/// A written option that counts for the wheel: it stands by itself and delivers 100 shares.
///
/// A figure is `None` if one of its parts is not known or it is too large to be exact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ShortLeg {
    /// Which position.
    pub position: PositionId,
    /// Of which contract.
    pub contract: InstrumentId,
    /// Call or put.
    pub right: OptionRight,
    /// The strike.
    pub strike: Price,
    /// The date of expiry.
    #[serde(serialize_with = "crate::calendar::iso")]
    pub expiration: Date,
    /// Days to expiry by dates in New York; 0 on the day of expiry, negative after it.
    pub days_to_expiry: i64,
    /// How many contracts, never negative.
    pub contracts: Quantity,
    /// For how many shares the contracts stand.
    pub shares: Decimal,
    /// What was received, per share.
    pub credit: Option<Price>,
    /// What was received for all contracts.
    pub premium: Option<Decimal>,
    /// The price now, per share.
    pub mark: Option<Price>,
    /// What buying back all contracts costs at the mark.
    pub cost_to_close: Option<Decimal>,
    /// Premium less cost to close.
    pub open_pnl: Option<Decimal>,
    /// How far the option is in the money, per share; 0 if it is not.
    pub intrinsic: Option<Price>,
    /// How many contracts are being assigned.
    pub pending_assignment: Quantity,
    /// How many contracts are expiring.
    pub pending_expiration: Quantity,
}

impl ShortLeg {
    /// `None` if it stands for more shares than a decimal can count.
    pub(crate) fn new(
        option: &OptionPosition,
        today: Date,
        mark: Option<Price>,
        price: Option<Price>,
    ) -> Option<Self> {
        let contract = &option.contract;
        let contracts = option.contracts.value().abs();
        let total = |per_share: Option<Price>| times_shares(per_share?.value(), contracts);
        let credit = option.average_price.map(|c| Price::new(c.value().abs()));
        let premium = total(credit);
        let cost_to_close = total(mark);
        Some(Self {
            position: option.id.clone(),
            contract: contract.id.clone(),
            right: contract.right,
            strike: contract.strike,
            expiration: contract.expiration,
            days_to_expiry: days_to(contract.expiration, today),
            contracts: Quantity::new(contracts),
            shares: contracts.checked_mul(SHARES_PER_CONTRACT)?,
            credit,
            premium,
            mark,
            cost_to_close,
            open_pnl: minus(premium, cost_to_close),
            intrinsic: price.and_then(|price| intrinsic(contract, price)),
            pending_assignment: option.pending_assignment.unwrap_or_default(),
            pending_expiration: option.pending_expiration.unwrap_or_default(),
        })
    }
}

/// A written put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PutLeg {
    /// What it has in common with a written call.
    pub leg: ShortLeg,
    /// The cash that buys the shares: strike × 100 × contracts.
    pub collateral: Decimal,
    /// Strike less credit: what a share costs in effect if the put is assigned.
    pub break_even: Option<Price>,
    /// The premium for the days that are left, as a yearly part of the collateral: 0.12 is 12 %.
    /// `None` on the day of expiry and after it.
    pub annualised_return: Option<Decimal>,
}

impl PutLeg {
    /// `None` if it takes more cash than a decimal can count.
    pub(crate) fn new(leg: ShortLeg) -> Option<Self> {
        let collateral = leg.strike.value().checked_mul(leg.shares)?;
        let break_even = minus(Some(leg.strike.value()), leg.credit.map(Price::value));
        let annualised_return = annualised(leg.premium, collateral, leg.days_to_expiry);
        Some(Self {
            leg,
            collateral,
            break_even: break_even.map(Price::new),
            annualised_return,
        })
    }
}

/// A written call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CallLeg {
    /// What it has in common with a written put.
    pub leg: ShortLeg,
    /// How many shares it needs: 100 × contracts.
    pub covers: Decimal,
    /// Cost of a share less credit.
    pub break_even: Basis,
    /// Profit if all contracts are assigned, before fees: (strike + credit − cost) × 100 × contracts.
    pub if_called: Basis,
}

impl CallLeg {
    pub(crate) fn new(leg: ShortLeg, cost: Basis) -> Self {
        let credit = leg.credit.map(Price::value);
        let received = plus(Some(leg.strike.value()), credit);
        let contracts = leg.contracts.value();
        Self {
            covers: leg.shares,
            break_even: cost.map(|cost| minus(Some(cost), credit)),
            if_called: cost
                .map(|cost| minus(received, Some(cost)).and_then(|p| times_shares(p, contracts))),
            leg,
        }
    }
}

/// A figure that rests on what a share cost, by both ways to count that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Basis {
    /// From the broker's cost, which may or may not contain the premium of an assigned put.
    pub broker: Option<Decimal>,
    /// From the effective cost of assigned shares: strike less the credit of the put.
    pub effective: Option<Decimal>,
}

impl Basis {
    pub(crate) fn map(self, figure: impl Fn(Decimal) -> Option<Decimal>) -> Self {
        Self {
            broker: self.broker.and_then(&figure),
            effective: self.effective.and_then(&figure),
        }
    }
}

/// An option that stands beside the wheel and counts for nothing in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Aside {
    /// Which position.
    pub position: PositionId,
    /// Of which contract.
    pub contract: InstrumentId,
    /// Held or written.
    pub side: Side,
    /// Call or put.
    pub right: OptionRight,
    /// The strike.
    pub strike: Price,
    /// The date of expiry.
    #[serde(serialize_with = "crate::calendar::iso")]
    pub expiration: Date,
    /// How many contracts.
    pub contracts: Quantity,
    /// Why it does not count.
    pub reason: AsideReason,
}

impl Aside {
    pub(crate) fn new(option: &OptionPosition, reason: AsideReason) -> Self {
        Self {
            position: option.id.clone(),
            contract: option.contract.id.clone(),
            side: option.side,
            right: option.contract.right,
            strike: option.contract.strike,
            expiration: option.contract.expiration,
            contracts: Quantity::new(option.contracts.value().abs()),
            reason,
        }
    }
}

/// Why an option does not count for the wheel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AsideReason {
    /// It delivers money, or something else than 100 shares.
    Deliverable,
    /// It is held, not written.
    Long,
    /// It is one of several legs.
    MultiLeg,
}

impl AsideReason {
    /// Returns why `option` does not count, `None` if it does.
    pub(crate) fn of(option: &OptionPosition) -> Option<Self> {
        use wheelhouse_core::Deliverable;

        let contract = &option.contract;
        let standard = contract.multiplier == SHARES_PER_CONTRACT
            && matches!(contract.deliverable, None | Some(Deliverable::Standard));
        if option.side == Side::Buy {
            Some(Self::Long)
        } else if option.strategy.is_some() {
            Some(Self::MultiLeg)
        } else if !standard {
            Some(Self::Deliverable)
        } else {
            None
        }
    }
}

pub(crate) fn plus(a: Option<Decimal>, b: Option<Decimal>) -> Option<Decimal> {
    a?.checked_add(b?)
}

pub(crate) fn minus(a: Option<Decimal>, b: Option<Decimal>) -> Option<Decimal> {
    a?.checked_sub(b?)
}

/// Multiplies a figure per share by the shares of `contracts`.
pub(crate) fn times_shares(per_share: Decimal, contracts: Decimal) -> Option<Decimal> {
    per_share
        .checked_mul(SHARES_PER_CONTRACT)?
        .checked_mul(contracts)
}

fn intrinsic(contract: &OptionContract, price: Price) -> Option<Price> {
    let (price, strike) = (price.value(), contract.strike.value());
    let value = match contract.right {
        OptionRight::Call => price.checked_sub(strike)?,
        OptionRight::Put => strike.checked_sub(price)?,
    };
    Some(Price::new(value.max(Decimal::ZERO)))
}

fn annualised(premium: Option<Decimal>, collateral: Decimal, days: i64) -> Option<Decimal> {
    if days <= 0 {
        return None;
    }
    let base = collateral.checked_mul(Decimal::from(days))?;
    premium?.checked_mul(dec!(365))?.checked_div(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_on_the_day_of_expiry_or_on_nothing_is_none() {
        let premium = Some(dec!(28));
        assert_eq!(annualised(premium, dec!(1000), 28), Some(dec!(0.365)));
        assert_eq!(annualised(premium, dec!(1000), 0), None);
        assert_eq!(annualised(premium, dec!(1000), -3), None);
        assert_eq!(annualised(premium, Decimal::ZERO, 28), None);
        assert_eq!(annualised(premium, Decimal::MAX, 28), None);
    }
}
