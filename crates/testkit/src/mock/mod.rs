//! A broker in memory for tests of programs that use one.

mod answer;
mod broker;
mod builder;
mod call;
mod control;
mod events;
mod harness;
mod holdings;
mod market;
mod options;
mod placing;
mod roles;
mod state;
mod world;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use wheelhouse_core::{AccountId, BrokerId, Capabilities, Clock, Error, ErrorKind, Result};

use self::state::State;
pub use self::{
    answer::{ClosingAnswer, PlacementAnswer},
    builder::{Ability, MockBrokerBuilder},
    call::{Call, Operation},
    harness::MockHarness,
};

/// A broker in memory, for tests of programs that use one.
///
/// Clones are the same broker, so a test keeps one to program and to ask, and hands the other out as
/// `Arc<dyn Broker>`. It keeps a ledger of what really happened, also of what it did not answer.
///
/// Market orders fill at once at the quote. All other orders rest, whatever the quote, until
/// [`fill`](Self::fill) executes them. Opposite positions stand side by side; nothing is netted.
/// There are no margin calls and no fees.
///
/// ```
/// use wheelhouse_core::{Broker, ErrorKind, Submission};
/// use wheelhouse_testkit::{MockBroker, Operation, PlacementAnswer, fixtures};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), wheelhouse_core::Error> {
/// let mock = MockBroker::new();
/// mock.next_placement(PlacementAnswer::Lost { placed: true, unclear: 0 });
///
/// let Submission::Unknown(open) = mock.place_order(&fixtures::limit_request()).await? else {
///     panic!("the answer was to get lost");
/// };
/// println!("{}", mock.resolve(&open).await?.report());
/// assert_eq!(mock.ledger().len(), 1, "placed once");
/// assert_eq!(mock.count(Operation::PlaceOrder), 1, "and asked once");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MockBroker(Arc<Inner>);

struct Inner {
    id: BrokerId,
    capabilities: Capabilities,
    clock: Arc<dyn Clock>,
    page_size: usize,
    state: Mutex<State>,
}

impl MockBroker {
    /// Makes a broker with the fixtures' [account](crate::fixtures::account), EURUSD at 1.08000 to
    /// 1.08020 and BTCUSD at 60,000.00 to 60,010.00, that can do everything.
    pub fn new() -> Self {
        Self::builder().with_fixtures().build()
    }

    /// Starts with a broker that can do everything but has no account and no instrument.
    pub fn builder() -> MockBrokerBuilder {
        MockBrokerBuilder::new()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(
        &self,
        operation: Operation,
        kind: ErrorKind,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Error {
        self.name(operation)(Error::new(kind, message))
    }

    /// Puts the broker's name and the operation on an error.
    fn name(&self, operation: Operation) -> impl Fn(Error) -> Error + '_ {
        move |error| {
            error
                .at_broker(self.0.id.clone())
                .in_operation(operation.as_str())
        }
    }

    /// Fails unless the broker is told to have what the operation needs.
    fn need(&self, there: bool, operation: Operation) -> Result<()> {
        if there {
            return Ok(());
        }
        let message = format!("this broker has no {operation}");
        Err(self.error(operation, ErrorKind::Unsupported, message))
    }

    /// Writes a call down, gives the failure that was programmed for it, and checks the account.
    fn begin(&self, call: Call) -> Result<MutexGuard<'_, State>> {
        let operation = call.operation;
        let account = call.account.clone();
        let mut state = self.lock();
        state.calls.push(call);
        if let Some(error) = state.take_failure(operation) {
            return Err(self.name(operation)(error));
        }
        if let Some(account) = account {
            self.check_account(&state, &account, operation)?;
        }
        Ok(state)
    }

    fn check_account(
        &self,
        state: &State,
        account: &AccountId,
        operation: Operation,
    ) -> Result<()> {
        if state.world.has_account(account) {
            return Ok(());
        }
        let message = "the user has no account with this id";
        Err(self.error(operation, ErrorKind::NotFound, message))
    }
}

impl Default for MockBroker {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MockBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("MockBroker")
            .field("id", &self.0.id)
            .field("calls", &state.calls.len())
            .field("orders", &state.world.orders.len())
            .finish_non_exhaustive()
    }
}
