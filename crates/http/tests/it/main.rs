//! Behaviour of the request pipeline, against peers that misbehave on purpose.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod body_waits;
mod content;
mod deadlines;
mod h2_streams;
mod input;
mod limits;
mod origins;
mod peer;
mod redirects;
mod retries;
mod secrets;
mod signing;
mod size;
mod support;
mod tls;
mod tokens;
mod transport;
