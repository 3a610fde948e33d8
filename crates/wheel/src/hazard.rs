use std::fmt;

use serde::Serialize;
use time::Date;
use wheelhouse_core::{
    AccountKind, Decimal, InstrumentId, OptionRight, PositionId, Price, Quantity,
};

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
    /// A written call is in the money and its shares go ex dividend before it ends: most early
    /// assignments happen in the night before that day.
    ExDividend {
        /// Which position.
        position: PositionId,
        /// The strike.
        strike: Price,
        /// The first day without the dividend.
        #[serde(serialize_with = "crate::calendar::iso")]
        on: Date,
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
    /// The account shows what accounts of its kind are not allowed.
    NotAllowed {
        /// What kind of account it is.
        kind: AccountKind,
        /// What is shown.
        what: NotAllowed,
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
        /// Whether it is a margin account: the broker may hold less there, and lend the rest.
        margin: bool,
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

/// What a cash or retirement account is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NotAllowed {
    /// Written options of several legs, in a retirement account.
    Spreads,
    /// Written calls without shares behind them.
    UncoveredCalls,
    /// Written puts without the cash behind them.
    UnsecuredPuts,
}

impl Hazard {
    /// Returns what is to be told of one leg, given the greatest known cost of a share and the day
    /// on which it goes ex dividend, if that is still to come.
    pub(crate) fn of_leg(
        leg: &ShortLeg,
        cost: Option<Decimal>,
        ex_dividend: Option<Date>,
    ) -> Vec<Self> {
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
            if let Some(on) = ex_dividend.filter(|on| *on <= leg.expiration)
                && right == OptionRight::Call
            {
                hazards.push(Self::ExDividend {
                    position: position(),
                    strike,
                    on,
                });
            }
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
            Self::ExDividend { strike, on, .. } => write!(
                f,
                "the {} is in the money and the shares go ex dividend on {on}: most early assignments \
                 happen in the night before",
                named(OptionRight::Call, *strike)
            ),
            Self::InTheMoney {
                right, strike, by, ..
            } => write!(
                f,
                "the {} is in the money by {}: it can be assigned on any day",
                named(*right, *strike),
                plain(by.value())
            ),
            Self::NotAllowed { kind, what } => {
                let kind = match kind {
                    AccountKind::Cash => "cash",
                    AccountKind::Margin => "margin",
                    AccountKind::Retirement => "retirement",
                    _ => "other",
                };
                let what = match what {
                    NotAllowed::Spreads => "written options of several legs",
                    NotAllowed::UncoveredCalls => "written calls without shares behind them",
                    NotAllowed::UnsecuredPuts => "written puts without the cash behind them",
                };
                write!(
                    f,
                    "this is a {kind} account and shows {what}, which is not allowed in one"
                )
            }
            Self::PastExpiry { expiration, .. } => {
                write!(f, "an option that expired on {expiration} is still shown")
            }
            Self::PutsNotSecured {
                collateral,
                missing,
                margin,
            } => write!(
                f,
                "the written puts may take {} in cash, {} more than there is for them{}",
                plain(*collateral),
                plain(*missing),
                if *margin {
                    ": on margin the broker may hold less and lend the rest"
                } else {
                    ""
                }
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
