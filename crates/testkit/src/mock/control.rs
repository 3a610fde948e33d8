use wheelhouse_core::{
    BrokerOrderId, Error, EventKind, InstrumentId, Order, Position, Price, Quantity, Quote, Result,
};

use super::{
    Call, ClosingAnswer, MockBroker, Operation, PlacementAnswer,
    events::{About, Happened},
};

/// What a test programs and asks.
impl MockBroker {
    /// Lets the next call of `operation` fail. Several stand in line. Broker and operation are put
    /// on the error.
    pub fn fail_next(&self, operation: Operation, error: Error) {
        self.lock().failures.push_back((operation, error));
    }

    /// Says how the next placement is answered. Several stand in line; after them orders are
    /// accepted.
    pub fn next_placement(&self, answer: PlacementAnswer) {
        self.lock().placements.push_back(answer);
    }

    /// Says how the next closing of a position is answered.
    pub fn next_closing(&self, answer: ClosingAnswer) {
        self.lock().closings.push_back(answer);
    }

    /// Executes what is left of an order, at its limit or stop price or else at the quote.
    ///
    /// # Errors
    ///
    /// [`NotFound`](wheelhouse_core::ErrorKind::NotFound) if there is no such order;
    /// [`InvalidInput`](wheelhouse_core::ErrorKind::InvalidInput) if it is final.
    pub fn fill(&self, order: &BrokerOrderId) -> Result<()> {
        self.execute(order, None)
    }

    /// Executes a part of an order.
    ///
    /// # Errors
    ///
    /// As [`fill`](Self::fill), and if it is more than is left.
    pub fn fill_part(&self, order: &BrokerOrderId, quantity: impl Into<Quantity>) -> Result<()> {
        self.execute(order, Some(quantity.into()))
    }

    fn execute(&self, order: &BrokerOrderId, quantity: Option<Quantity>) -> Result<()> {
        let now = self.0.clock.now();
        let mut state = self.lock();
        state.world.fill(order, quantity, now)?;
        state.publish(now);
        Ok(())
    }

    /// Changes a quote. Resting orders stay where they are.
    pub fn set_quote(
        &self,
        instrument: impl Into<InstrumentId>,
        bid: impl Into<Price>,
        ask: impl Into<Price>,
    ) {
        let now = self.0.clock.now();
        let mut quote = Quote::new(instrument.into(), now);
        quote.bid = Some(bid.into());
        quote.ask = Some(ask.into());
        quote.time = Some(now);
        let mut state = self.lock();
        state.world.set_quote(quote);
        state.publish(now);
    }

    /// Sends an event of the test's own to every follower.
    pub fn emit(&self, kind: EventKind) {
        let about = About::Everybody;
        let mut state = self.lock();
        state.world.happened.push(Happened { about, kind });
        state.publish(self.0.clock.now());
    }

    /// Lets every follower lose its connection for a moment: a gap, a snapshot, caught up.
    pub fn break_streams(&self) {
        let now = self.0.clock.now();
        self.lock().break_streams(now, now);
    }

    /// Returns every order that there really is, oldest first, also those that were not answered.
    pub fn ledger(&self) -> Vec<Order> {
        self.lock().world.orders.clone()
    }

    /// Returns every position that there really is.
    pub fn held(&self) -> Vec<Position> {
        self.lock().world.positions.clone()
    }

    /// Returns the calls so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// Returns how often an operation was called.
    pub fn count(&self, operation: Operation) -> usize {
        let state = self.lock();
        state
            .calls
            .iter()
            .filter(|call| call.operation == operation)
            .count()
    }

    /// Returns how many calls a real broker would have seen: those that passed the checks which need
    /// no network.
    pub fn reached(&self) -> u64 {
        self.lock().reached
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }
}
