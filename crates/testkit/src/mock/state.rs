use std::collections::{BTreeMap, VecDeque};

use wheelhouse_core::{ClientOrderId, Error, OrderRequest};

use super::{
    Call, ClosingAnswer, Operation, PlacementAnswer,
    events::{Followers, Happened},
    world::World,
};

/// Everything of a mock that changes.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) calls: Vec<Call>,
    /// How many calls passed this side's checks.
    pub(super) reached: u64,
    /// How many of those would change something.
    pub(super) changes: u64,
    pub(super) failures: VecDeque<(Operation, Error)>,
    pub(super) placements: VecDeque<PlacementAnswer>,
    pub(super) closings: VecDeque<ClosingAnswer>,
    /// How often resolving an order cannot tell.
    pub(super) unclear: BTreeMap<ClientOrderId, u32>,
    /// What was asked about and not yet confirmed, by the confirmation's token.
    pub(super) asked: BTreeMap<String, OrderRequest>,
    pub(super) followers: Followers,
}

impl State {
    pub(super) fn take_failure(&mut self, operation: Operation) -> Option<Error> {
        let at = self.failures.iter().position(|(of, _)| *of == operation)?;
        self.failures.remove(at).map(|(_, error)| error)
    }

    /// Tells followers what has happened since the last time.
    pub(super) fn publish(&mut self, now: time::OffsetDateTime) {
        let happened: Vec<Happened> = std::mem::take(&mut self.world.happened);
        self.followers.tell(&happened, now);
    }
}
