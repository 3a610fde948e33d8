#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod authenticator;
mod challenge;
mod credentials;
mod event;
mod grant;
mod policy;
mod record;
mod store;

pub use authenticator::Authenticator;
pub use challenge::{
    Challenge, ChallengeAnswer, CodeChannel, LoginStep, PendingLogin, SignInUrl, UrlReply,
};
pub use credentials::{Credentials, Identity, MAX_CREDENTIAL_LEN};
pub use event::{SessionEvent, SessionEventKind, SessionEvents};
pub use grant::Grant;
pub use policy::{AtLimit, SessionPolicy};
pub use record::{Record, RecordHead, RecordKey, RecordKind, RecordQuery};
pub use store::{LeaseRequest, SessionStore, StoreError, Write};
