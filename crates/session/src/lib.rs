#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod authenticator;
mod body;
mod challenge;
mod credentials;
mod encrypted;
mod event;
mod grant;
mod manager;
mod memory;
mod policy;
mod record;
mod session;
mod spelling;
mod store;

pub use authenticator::Authenticator;
pub use challenge::{
    Challenge, ChallengeAnswer, CodeChannel, LoginStep, PendingLogin, SignInUrl, UrlReply,
};
pub use credentials::{Credentials, Identity, MAX_CREDENTIAL_LEN};
pub use encrypted::EncryptedStore;
pub use event::{SessionEvent, SessionEventKind, SessionEvents};
pub use grant::Grant;
pub use manager::{
    AnswerRequest, Login, LoginRequest, OpenLogin, SessionFilter, SessionInfo, SessionManager,
    SessionManagerBuilder,
};
pub use memory::MemoryStore;
pub use policy::{AtLimit, SessionPolicy};
pub use record::{Record, RecordHead, RecordKey, RecordKind, RecordQuery};
pub use session::Session;
pub use spelling::user_key;
pub use store::{LeaseRequest, SessionStore, StoreError, Write};
