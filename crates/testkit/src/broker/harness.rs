use std::{fmt, time::Duration};

use async_trait::async_trait;
use wheelhouse_core::{AccountId, Broker, ClientOrderId};

use crate::{Canaries, LogCapture, TestFailure, TestResult};

/// The longest that a check may take, in real time.
const LIMIT: Duration = Duration::from_secs(60);

/// Starts brokers for the suite.
#[async_trait]
pub trait BrokerHarness: Send + Sync {
    /// The broker under test.
    type Broker: Broker;

    /// Starts a broker in a world of its own: one user who is logged in or logs in by itself, an
    /// account with funds, two instruments that trade and have prices, no order and no position.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be started; the check fails with it.
    async fn start(&self) -> Result<BrokerWorld<Self::Broker>, TestFailure>;

    /// Returns what must not show: passwords, tokens, keys.
    fn secrets(&self) -> Vec<String>;
}

/// A broker and what stands behind it.
#[derive(Debug)]
pub struct BrokerWorld<B> {
    /// The broker.
    pub broker: B,
    /// The symbols of two instruments that trade.
    pub symbols: [String; 2],
    /// The account to use; the user's only one if `None`.
    pub account: Option<AccountId>,
    /// What the harness sees and can do behind the broker.
    pub backstage: Box<dyn Backstage>,
}

/// What a harness sees and can do behind the broker. Nothing is compulsory; what it lacks is not
/// checked.
#[async_trait]
pub trait Backstage: fmt::Debug + Send + Sync {
    /// Returns how many orders there really are at the broker, with this identifier or in all;
    /// `None` if it cannot be told.
    async fn orders_placed(&self, id: Option<&ClientOrderId>) -> Option<usize> {
        let _ = id;
        None
    }

    /// Returns how many requests have reached the broker; `None` if it cannot be told.
    async fn requests(&self) -> Option<u64> {
        None
    }

    /// Returns how many of the requests would change something; `None` if it cannot be told.
    async fn changes(&self) -> Option<u64> {
        None
    }

    /// Prepares trouble; `false` if it cannot.
    async fn cause(&self, trouble: Trouble) -> bool {
        let _ = trouble;
        false
    }
}

/// Trouble that a harness can prepare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trouble {
    /// The next placement is answered with a question, and taken when that is confirmed.
    Ask,
    /// From now on, every read of open orders is answered with something that is not the API's: HTML,
    /// half an answer.
    BreakReads,
    /// The access token is no longer taken, as after its expiry.
    ExpireToken,
    /// The next read of open orders is answered with the broker's limit, and a time to wait.
    LimitRead,
    /// The next placement is carried out, and its answer gets lost.
    LoseAnswer,
    /// The next closing of a position is carried out, and its answer gets lost.
    LoseClosingAnswer,
    /// The next placement gets lost on its way, in such a manner that the broker's side cannot be
    /// known: it is not carried out, and not answered.
    LoseRequest,
    /// The next placement is refused by the broker.
    RefuseOrder,
}

/// Runs a check in a runtime of its own, with a time limit, and looks for secrets in what it logs.
///
/// # Errors
///
/// Fails if the check does, if it takes longer than a minute, or if a secret shows.
#[expect(clippy::disallowed_methods, reason = "a check that hangs must end")]
pub fn run<H: BrokerHarness>(harness: &H, check: impl AsyncFnOnce(&H) -> TestResult) -> TestResult {
    let logs = LogCapture::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(async {
        match tokio::time::timeout(LIMIT, check(harness)).await {
            Ok(result) => result,
            Err(_) => Err(TestFailure::new("the check took longer than a minute")),
        }
    });
    let canaries = Canaries::new(harness.secrets());
    canaries.absent_from("the log", &logs.text())?;
    if let Err(failure) = &result {
        canaries.absent_from("the failure of the check", failure.message())?;
    }
    result
}
