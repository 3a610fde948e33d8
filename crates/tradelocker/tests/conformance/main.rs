//! The adapter passes the suite that every broker passes, against a server with the real protocol.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests are tests"
)]

mod harness;

use wheelhouse_testkit::{broker::Shared, broker_conformance};

use harness::SimHarness;

broker_conformance!(plain, SimHarness::default());
broker_conformance!(shared, Shared(SimHarness::default()));
