//! The conformance suite for brokers: what every [`Broker`] must do.
//!
//! An adapter supplies a [`BrokerHarness`], which starts its broker in a fresh world of a server
//! that it scripts, and writes one line:
//!
//! ```
//! use wheelhouse_testkit::{MockHarness, broker::Shared, broker_conformance};
//!
//! broker_conformance!(plain, MockHarness::default());
//! broker_conformance!(shared, Shared(MockHarness::default()));
//! # fn main() {}
//! ```
//!
//! Each check is a test of its own, and an ordinary function here. Checks are chosen by the broker's
//! [`capabilities`](Broker::capabilities); one that does not apply, or for which the harness lacks a
//! knob, passes and says so on standard error. Every check also fails if one of the harness's secrets
//! shows in a log or in the failure.

mod accounts;
mod answers;
mod closing;
mod harness;
mod honesty;
mod macros;
mod market;
mod options;
mod orders;
mod pointers;
mod refusals;
mod secrecy;
mod stage;
mod unsure;

#[cfg(doc)]
use wheelhouse_core::Broker;

pub use self::{
    accounts::*,
    answers::*,
    closing::*,
    harness::{Backstage, BrokerHarness, BrokerWorld, Trouble, run},
    honesty::*,
    market::*,
    options::*,
    orders::*,
    pointers::{Boxed, Shared},
    refusals::*,
    secrecy::*,
    unsure::*,
};
