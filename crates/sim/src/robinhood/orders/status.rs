//! How far orders of stocks and options have come.

use crate::{
    clock::from_millis,
    robinhood::{
        ledger::{Asset, Cancel},
        reply::{self, Answer},
        state::World,
        text::millis,
    },
};

/// Where an order is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::robinhood) enum Status {
    Unconfirmed,
    Confirmed,
    Queued,
    PartiallyFilled,
    PendingCancelled,
    Filled,
    Rejected,
    Failed,
    LocateFailed,
    Cancelled,
    RestCancelled,
    Voided,
}

/// How far an order of stocks or options has come.
#[derive(Debug, Clone)]
pub(in crate::robinhood) struct Life {
    pub(in crate::robinhood) status: Status,
    pub(in crate::robinhood) created: i64,
    pub(in crate::robinhood) updated: i64,
    /// When somebody asked for a cancel.
    pub(in crate::robinhood) cancel_requested: Option<i64>,
    pub(in crate::robinhood) end_of_day: bool,
}

impl Status {
    pub(in crate::robinhood) fn is_final(self) -> bool {
        !matches!(
            self,
            Self::Unconfirmed
                | Self::Confirmed
                | Self::Queued
                | Self::PartiallyFilled
                | Self::PendingCancelled
        )
    }

    pub(in crate::robinhood) fn text(self, american: bool) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Confirmed => "confirmed",
            Self::Queued => "queued",
            Self::PartiallyFilled => "partially_filled",
            Self::PendingCancelled => "pending_cancelled",
            Self::Filled => "filled",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::LocateFailed => "locate_failed",
            Self::Cancelled if american => "canceled",
            Self::Cancelled => "cancelled",
            Self::RestCancelled => "partially_filled_rest_cancelled",
            Self::Voided => "voided",
        }
    }
}

impl Life {
    pub(in crate::robinhood) fn new(now: i64) -> Self {
        Self {
            status: Status::Unconfirmed,
            created: now,
            updated: now,
            cancel_requested: None,
            end_of_day: false,
        }
    }

    pub(in crate::robinhood) fn turn(&mut self, status: Status, now: i64) {
        self.status = status;
        self.updated = now;
    }

    /// Whether its next step needs nothing but time.
    pub(in crate::robinhood) fn is_moving(&self, world: &World) -> bool {
        let moves = matches!(self.status, Status::Unconfirmed | Status::PartiallyFilled);
        let asked = self.cancel_requested.is_some();
        !self.status.is_final() && (moves || asked || world.voids())
    }

    /// Whether there is something to cancel, and nobody has asked for it yet.
    pub(in crate::robinhood) fn may_be_cancelled(&self) -> bool {
        !self.status.is_final() && self.cancel_requested.is_none()
    }

    /// Asks for a cancel. Whether it came in time shows in the order.
    pub(in crate::robinhood) fn ask_to_cancel(&mut self, now: i64) -> Answer<()> {
        if !self.may_be_cancelled() {
            let text = "Order cannot be cancelled at this time.";
            return Err(reply::detail(403, text));
        }
        self.cancel_requested = Some(now);
        Ok(())
    }

    /// Where a cancel leads the order: nowhere if nobody asked for one, or if it comes too late.
    pub(in crate::robinhood) fn cancel_leads_to(&self, world: &World, now: i64) -> Option<Status> {
        if now < self.cancel_requested? + millis(world.settings.cancel_takes) {
            return Some(Status::PendingCancelled);
        }
        (!world.settings.cancel_loses).then_some(Status::Cancelled)
    }

    /// Ends an order that is not filled in full: cancelled, with a rest if a part was filled, or
    /// voided.
    pub(in crate::robinhood) fn end(
        &mut self,
        world: &World,
        (asset, id, filled): (Asset, &str, bool),
        (end, requested): (Status, bool),
        now: i64,
    ) {
        let end = match end {
            Status::Cancelled if filled => Status::RestCancelled,
            end => end,
        };
        self.turn(end, now);
        world.ledger.push_cancel(Cancel {
            at: from_millis(now),
            asset,
            order_id: id.to_owned(),
            requested,
        });
    }
}
