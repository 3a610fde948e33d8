//! The behaviour of logins, sessions and stores.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod challenges;
mod clocks;
mod conformance;
mod ending;
mod first_logins;
mod lockout;
mod logins;
mod lost_answers;
mod processes;
mod pushes;
mod resuming;
mod secrecy;
mod spelling;
mod storing;
mod support;
mod tokens;
