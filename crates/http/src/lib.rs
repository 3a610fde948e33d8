#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod attempt;
mod body;
mod budget;
mod builder;
mod call;
mod client;
mod content;
mod deadlines;
mod endpoint;
mod error;
mod origin;
mod pages;
mod pipeline;
mod random;
mod retry;
mod retry_after;
mod signer;
mod tls;
mod validate;

pub use answer::Answer;
pub use builder::HttpClientBuilder;
pub use call::Call;
pub use client::HttpClient;
pub use deadlines::Deadlines;
pub use endpoint::{Endpoint, Method, Resend};
pub use error::{CallError, Sent};
pub use origin::{BaseUrl, Origin, Target};
pub use pages::Pages;
pub use random::SystemRandom;
pub use retry::RetryPolicy;
pub use signer::{Signer, Unsigned};
