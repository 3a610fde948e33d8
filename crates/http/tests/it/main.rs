//! Behaviour of the request pipeline, against peers that misbehave on purpose.

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
mod size;
mod support;
mod tls;
mod tokens;
mod transport;
