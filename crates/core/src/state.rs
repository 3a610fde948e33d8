use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an order is in its life.
///
/// The first four states are this side's; the others are the broker's. Unless it is
/// [final](Self::is_final), an order can still change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OrderState {
    /// Refused here; it never left this process.
    Denied,
    /// Written down, about to be sent.
    Armed,
    /// Being sent.
    Submitting,
    /// Sent, and it is not known what became of it. Never send it again: resolve it.
    Unknown,
    /// At the broker, not yet at the market.
    PendingNew,
    /// At the market.
    Working,
    /// At the broker, waiting for a time, a session or another order.
    Held,
    /// Partly executed, the rest working.
    PartiallyFilled,
    /// A change was asked for.
    PendingReplace,
    /// A cancel was asked for.
    PendingCancel,
    /// Wholly executed. Final.
    Filled,
    /// Cancelled; a part may have been executed before. Final.
    Canceled,
    /// Refused by the broker or market. Final.
    Rejected,
    /// Its time ran out. Final.
    Expired,
    /// Another order has taken its place. Final.
    Replaced,
    /// A state that this version does not know. Never taken for final.
    Other(String),
}

impl OrderState {
    /// Returns whether the order can no longer change.
    pub fn is_final(&self) -> bool {
        use OrderState::*;
        matches!(
            self,
            Denied | Filled | Canceled | Rejected | Expired | Replaced
        )
    }

    /// Returns whether the order is, as far as is known, open at the broker.
    pub fn is_open(&self) -> bool {
        use OrderState::*;
        matches!(
            self,
            PendingNew | Working | Held | PartiallyFilled | PendingReplace | PendingCancel
        )
    }

    /// Returns whether an order in this state may be seen in state `next` afterwards.
    ///
    /// Reports can be missed, so steps may be skipped; but nothing leaves a final state, nothing
    /// goes back to before it was sent, and what is partly filled does not become unfilled.
    ///
    /// ```
    /// use wheelhouse_core::OrderState;
    ///
    /// assert!(OrderState::Unknown.can_become(&OrderState::Filled));
    /// assert!(!OrderState::Filled.can_become(&OrderState::Working));
    /// ```
    pub fn can_become(&self, next: &Self) -> bool {
        use OrderState::*;
        if self == next {
            return true;
        }
        match (self, next) {
            (Other(_), Denied | Armed | Submitting | Unknown) => false,
            (Other(_), _) => true,
            (Armed, Denied | Submitting | Unknown) => true,
            (Armed, _) => false,
            // A placement that provably was not sent goes back to being denied, not to being armed.
            (Submitting, Armed) | (Unknown, Denied | Armed | Submitting) => false,
            (Submitting | Unknown, _) => true,
            (_, Denied | Armed | Submitting | Unknown) => false,
            (from, _) if from.is_final() => false,
            (PendingCancel | PendingReplace, PendingNew | Held) => false,
            (PartiallyFilled, PendingNew | Working | Held | Rejected) => false,
            (Working, PendingNew) => false,
            _ => true,
        }
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use OrderState::*;
        f.pad(match self {
            Denied => "denied",
            Armed => "armed",
            Submitting => "submitting",
            Unknown => "unknown",
            PendingNew => "pending new",
            Working => "working",
            Held => "held",
            PartiallyFilled => "partially filled",
            PendingReplace => "pending replace",
            PendingCancel => "pending cancel",
            Filled => "filled",
            Canceled => "canceled",
            Rejected => "rejected",
            Expired => "expired",
            Replaced => "replaced",
            Other(text) => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use OrderState::*;

    use super::*;

    const ALL: [OrderState; 15] = [
        Denied,
        Armed,
        Submitting,
        Unknown,
        PendingNew,
        Working,
        Held,
        PartiallyFilled,
        PendingReplace,
        PendingCancel,
        Filled,
        Canceled,
        Rejected,
        Expired,
        Replaced,
    ];

    #[test]
    fn nothing_leaves_a_final_state() {
        for from in ALL.iter().filter(|state| state.is_final()) {
            for to in ALL.iter().filter(|to| *to != from) {
                assert!(!from.can_become(to), "{from} -> {to}");
            }
        }
    }

    #[test]
    fn what_was_sent_is_never_unsent() {
        for from in ALL.iter().skip(3) {
            for to in [Denied, Armed, Submitting] {
                assert!(*from == to || !from.can_become(&to), "{from} -> {to}");
            }
        }
        assert!(Submitting.can_become(&Unknown));
        assert!(Armed.can_become(&Denied));
        assert!(!Armed.can_become(&Filled));
    }

    #[test]
    fn f25_an_unknown_state_is_neither_final_nor_stuck() {
        let other = Other("RESTATED".to_owned());
        assert!(!other.is_final());
        assert!(other.can_become(&Filled));
        assert!(Working.can_become(&other));
        assert!(!Filled.can_become(&other));
    }
}
