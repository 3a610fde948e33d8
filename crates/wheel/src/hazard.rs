use std::fmt;

use serde::Serialize;
use time::Date;
use wheelhouse_core::{Decimal, InstrumentId, OptionRight, PositionId, Price, Quantity};

use crate::leg::ShortLeg;

/// Something that the holder may want to know. It is a fact, never advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "hazard", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Hazard {
    /// Contracts are being assigned. Shares and cash may show it already or not yet.
    AssignmentPending {
        /// Which position.
        position: PositionId,
        /// Call or put.
        right: OptionRight,
        /// The strike.
        strike: Price,
        /// How many contracts.
        contracts: Quantity,
    },
    /// A written call would take the shares away for less than they cost.
    CallBelowCost {
        /// Which position.
        position: PositionId,
        /// The strike.
        strike: Price,
        /// The cost per share: the broker's or the effective one, the greater of them.
        cost: Decimal,
    },
    /// The broker does not show whether cash is set aside for the written puts.
    CashNotShown {
        /// What it takes to pay for the shares.
        collateral: Decimal,
    },
    /// The broker holds another number of shares behind written options than the calls need.
    CollateralDiffers {
        /// What the broker holds.
        held: Decimal,
        /// What the calls that count need.
        covered: Decimal,
    },
    /// A written option is in the money: it can be assigned on any day.
    InTheMoney {
        /// Which position.
        position: PositionId,
        /// Call or put.
        right: OptionRight,
        /// The strike.
        strike: Price,
        /// How far, per share.
        by: Price,
    },
    /// A written option is still shown after it expired.
    PastExpiry {
        /// Which position.
        position: PositionId,
        /// When it expired.
        #[serde(serialize_with = "crate::calendar::iso")]
        expiration: Date,
    },
    /// There is less cash for the written puts of the account than they may take.
    PutsNotSecured {
        /// What it takes to pay for the shares.
        collateral: Decimal,
        /// How much of it is not there.
        missing: Decimal,
    },
    /// A written option does not count for the wheel, so what it needs is in no figure here.
    ShortLegAside {
        /// Which position.
        position: PositionId,
        /// Call or put.
        right: OptionRight,
        /// The strike.
        strike: Price,
        /// How many contracts.
        contracts: Quantity,
    },
    /// Shares were sold short.
    ShortShares {
        /// How many, more than 0.
        shares: Decimal,
    },
    /// Written calls stand for more shares than the account holds: the loss has no limit.
    UndercoveredCalls {
        /// For how many shares the calls stand.
        covered: Decimal,
        /// How many shares there are.
        shares: Decimal,
    },
    /// A position in shares has no name here, so it counts for no underlying.
    UnnamedShares {
        /// Of which instrument.
        instrument: InstrumentId,
        /// How many.
        shares: Decimal,
    },
}

impl Hazard {
    /// Returns what is to be told of one leg, given the greatest known cost of a share.
    pub(crate) fn of_leg(leg: &ShortLeg, cost: Option<Decimal>) -> Vec<Self> {
        let mut hazards = Vec::new();
        let (right, strike) = (leg.right, leg.strike);
        let position = || leg.position.clone();
        if leg.contracts.value().is_zero() {
            return hazards;
        }
        if leg.days_to_expiry < 0 {
            hazards.push(Self::PastExpiry {
                position: position(),
                expiration: leg.expiration,
            });
        } else if let Some(by) = leg.intrinsic.filter(|by| !by.value().is_zero()) {
            hazards.push(Self::InTheMoney {
                position: position(),
                right,
                strike,
                by,
            });
        }
        if let Some(cost) = cost
            && right == OptionRight::Call
            && strike.value() < cost
        {
            hazards.push(Self::CallBelowCost {
                position: position(),
                strike,
                cost,
            });
        }
        hazards
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AssignmentPending {
                right,
                strike,
                contracts,
                ..
            } => write!(
                f,
                "being assigned: {} of the {}; shares and cash may show it already or not yet",
                contracts_of(*contracts),
                named(*right, *strike)
            ),
            Self::CallBelowCost { strike, cost, .. } => write!(
                f,
                "the {} is below the cost of {} per share",
                named(OptionRight::Call, *strike),
                plain(*cost)
            ),
            Self::CashNotShown { collateral } => write!(
                f,
                "the written puts may take {} in cash and the broker does not show that it is set aside",
                plain(*collateral)
            ),
            Self::CollateralDiffers { held, covered } => write!(
                f,
                "the broker holds {} shares behind written options, the calls counted here need {}",
                plain(*held),
                plain(*covered)
            ),
            Self::InTheMoney {
                right, strike, by, ..
            } => write!(
                f,
                "the {} is in the money by {}: it can be assigned on any day",
                named(*right, *strike),
                plain(by.value())
            ),
            Self::PastExpiry { expiration, .. } => {
                write!(f, "an option that expired on {expiration} is still shown")
            }
            Self::PutsNotSecured {
                collateral,
                missing,
            } => write!(
                f,
                "the written puts may take {} in cash, {} more than there is for them",
                plain(*collateral),
                plain(*missing)
            ),
            Self::ShortLegAside {
                right,
                strike,
                contracts,
                ..
            } => write!(
                f,
                "not counted for the wheel: {} of the {}; what it needs is in no figure here",
                contracts_of(*contracts),
                named(*right, *strike)
            ),
            Self::ShortShares { shares } => write!(f, "{} shares are sold short", plain(*shares)),
            Self::UndercoveredCalls { covered, shares } => write!(
                f,
                "the written calls stand for {} shares and the account holds {}: the loss has no limit",
                plain(*covered),
                plain(*shares)
            ),
            Self::UnnamedShares { instrument, shares } => write!(
                f,
                "{} shares of instrument {instrument} have no name here and count for nothing",
                plain(*shares)
            ),
        }
    }
}

/// Writes a number without trailing zeros.
pub(crate) fn plain(number: Decimal) -> Decimal {
    number.normalize()
}

fn named(right: OptionRight, strike: Price) -> String {
    let right = match right {
        OptionRight::Call => "call",
        OptionRight::Put => "put",
    };
    format!("{right} at {}", plain(strike.value()))
}

fn contracts_of(contracts: Quantity) -> String {
    let contracts = plain(contracts.value());
    if contracts == Decimal::ONE {
        "1 contract".to_owned()
    } else {
        format!("{contracts} contracts")
    }
}
