use std::fmt;

use serde::Serialize;
use wheelhouse_core::{AccountId, Decimal, Price, Symbol};

use crate::{
    hazard::Hazard,
    leg::{Aside, Basis, CallLeg, PutLeg, SHARES_PER_CONTRACT},
    picture::Picture,
    report::Secured,
};

/// One underlying in one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Wheel {
    /// In which account.
    pub account: AccountId,
    /// Of which underlying.
    pub underlying: Symbol,
    /// Where it stands, the most telling stage first; never empty. There are several when a put is
    /// written beside calls or when contracts are being assigned.
    pub stages: Vec<Stage>,
    /// The price of the underlying.
    pub price: Option<Price>,
    /// The shares.
    pub shares: Shares,
    /// The written puts, by expiry and strike.
    pub puts: Vec<PutLeg>,
    /// The written calls, by expiry and strike.
    pub calls: Vec<CallLeg>,
    /// Whether cash stands behind the puts. It is judged over all puts of the account.
    pub secured: Secured,
    /// Options that do not count, by expiry and strike.
    pub aside: Vec<Aside>,
    /// What the holder may want to know.
    pub hazards: Vec<Hazard>,
}

impl Wheel {
    /// Returns the most telling stage.
    pub fn stage(&self) -> Stage {
        self.stages.first().copied().unwrap_or(Stage::NotStarted)
    }

    /// Returns the cash that buys the shares if all puts are assigned.
    pub fn collateral(&self) -> Decimal {
        let each = self.puts.iter().map(|put| put.collateral);
        each.fold(Decimal::ZERO, Decimal::saturating_add)
    }

    /// Returns how many puts are written.
    pub fn put_contracts(&self) -> Decimal {
        let each = self.puts.iter().map(|put| put.leg.contracts.value());
        each.fold(Decimal::ZERO, Decimal::saturating_add)
    }

    /// Returns how many calls are written.
    pub fn call_contracts(&self) -> Decimal {
        let each = self.calls.iter().map(|call| call.leg.contracts.value());
        each.fold(Decimal::ZERO, Decimal::saturating_add)
    }

    /// Returns a drawing of the wheel, with its legs and hazards below, for a terminal.
    pub fn picture(&self) -> Picture<'_> {
        Picture::of(self)
    }
}

/// The shares of an underlying.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Shares {
    /// How many are held, fractions included; 0 if they are sold short.
    pub held: Decimal,
    /// For how many the written calls stand; more than are held if the calls are undercovered.
    pub covered: Decimal,
    /// How many stand behind no call that counts, never negative.
    pub free: Decimal,
    /// How many whole lots of 100 are free: neither behind a call that counts nor held by the broker
    /// behind any option. 0 while contracts are being assigned, because the shares may be on their
    /// way, and while a written call does not count and the broker does not tell what it holds.
    pub free_lots: u64,
    /// How many the broker says can be sold now: orders and other options aside.
    pub available: Option<Decimal>,
    /// How many the broker holds behind written options.
    pub held_for_options: Option<Decimal>,
    /// What one cost. A cost of 0 is taken for not known.
    pub cost: Basis,
    /// How many came in through the assignments that were named; the effective cost is theirs.
    pub assigned: Decimal,
    /// Profit or loss at the price now, by the broker's cost.
    pub open_pnl: Option<Decimal>,
}

impl Shares {
    /// `None` if there are more lots than can be counted.
    pub(crate) fn count(held: Decimal, covered: Decimal) -> Option<Self> {
        let free = held.checked_sub(covered)?.max(Decimal::ZERO);
        let lots = free.floor().checked_div(SHARES_PER_CONTRACT)?;
        Some(Self {
            held,
            covered,
            free,
            free_lots: u64::try_from(lots.floor()).ok()?,
            ..Self::default()
        })
    }
}

/// Where an underlying stands on the wheel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stage {
    /// Contracts are being assigned; what else is shown may be of before or of after.
    AssignmentPending,
    /// Puts are written, and there are fewer than 100 shares. Whether cash secures them is told by
    /// [`Wheel::secured`].
    CashSecuredPutOpen,
    /// Calls are written, and there are shares behind all of them.
    CoveredCallOpen,
    /// Puts are written beside 100 shares or more, and no calls.
    CspPlusShares,
    /// There are no shares and no written options.
    NotStarted,
    /// There are 100 shares or more and no written options.
    SharesUncovered,
    /// Calls are written for more shares than there are. This is no stage of the wheel.
    ShortCallUndercovered,
    /// There are fewer than 100 shares and no written options.
    #[serde(rename = "sub-100-shares")]
    Sub100Shares,
}

impl Stage {
    /// Returns the stages of an underlying, the most telling first.
    pub(crate) fn all_of(shares: &Shares, puts: bool, pending: bool) -> Vec<Self> {
        let calls = shares.covered > Decimal::ZERO;
        let lot = shares.held >= SHARES_PER_CONTRACT;
        let first = if shares.covered > shares.held {
            Self::ShortCallUndercovered
        } else if calls {
            Self::CoveredCallOpen
        } else if puts && lot {
            Self::CspPlusShares
        } else if puts {
            Self::CashSecuredPutOpen
        } else if lot {
            Self::SharesUncovered
        } else if shares.held > Decimal::ZERO {
            Self::Sub100Shares
        } else {
            Self::NotStarted
        };
        let mut stages = Vec::new();
        if pending {
            stages.push(Self::AssignmentPending);
        }
        stages.push(first);
        if calls && puts {
            stages.push(Self::CashSecuredPutOpen);
        }
        stages
    }

    /// Returns the name: `cash-secured-put-open`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AssignmentPending => "assignment-pending",
            Self::CashSecuredPutOpen => "cash-secured-put-open",
            Self::CoveredCallOpen => "covered-call-open",
            Self::CspPlusShares => "csp-plus-shares",
            Self::NotStarted => "not-started",
            Self::SharesUncovered => "shares-uncovered",
            Self::ShortCallUndercovered => "short-call-undercovered",
            Self::Sub100Shares => "sub-100-shares",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use wheelhouse_core::dec;

    use super::*;

    #[test]
    fn free_lots_are_whole_and_never_below_zero() {
        for (held, covered, lots) in [
            (dec!(0), dec!(0), 0),
            (dec!(99.99999999), dec!(0), 0),
            (dec!(100), dec!(100), 0),
            (dec!(100), dec!(200), 0),
            (dec!(399.999999999999999999999999), dec!(100), 2),
            (dec!(150), dec!(0), 1),
        ] {
            let shares = Shares::count(held, covered).unwrap();
            assert_eq!(shares.free_lots, lots, "{held} less {covered}");
        }
        assert_eq!(Shares::count(Decimal::MAX, dec!(0)), None);
        assert_eq!(Shares::count(dec!(0), Decimal::MIN), None);
    }

    #[test]
    fn a_stage_is_serialized_by_its_name() {
        use Stage::*;
        for stage in [
            AssignmentPending,
            CashSecuredPutOpen,
            CoveredCallOpen,
            CspPlusShares,
            NotStarted,
            SharesUncovered,
            ShortCallUndercovered,
            Sub100Shares,
        ] {
            let json = serde_json::to_string(&stage).unwrap();
            assert_eq!(json, format!("\"{stage}\""));
        }
    }
}
