//! What every simulated broker has: a ledger, a script with moves and settings, and a way up.

mod handle;
pub(crate) mod knobs;
pub(crate) mod ledger;
mod moves;
mod route;
mod running;

pub use self::moves::{After, Move};
pub(crate) use self::{
    handle::handle,
    ledger::{Observes, ledger},
    route::routes,
    running::{Broker, Opening, Plan, Running, users_or},
};
