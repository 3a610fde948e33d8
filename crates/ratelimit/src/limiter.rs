use std::{fmt, time::Duration};

use async_trait::async_trait;
use wheelhouse_core::Result;

use crate::{LimitClass, LimitRequest, LimitScope, Quota};

/// Keeps calls within what a broker allows.
///
/// [`LocalLimiter`](crate::LocalLimiter) does it for one process; a limiter that is shared between
/// processes implements the same trait.
#[async_trait]
pub trait Limiter: fmt::Debug + Send + Sync + 'static {
    /// Waits until the call may go out, at most the request's
    /// [`max_wait`](LimitRequest::max_wait), and counts it.
    ///
    /// Dropping the future gives the place in the line up.
    ///
    /// # Errors
    ///
    /// [`RateLimited`](wheelhouse_core::ErrorKind::RateLimited) with
    /// [`retry_after`](wheelhouse_core::Error::retry_after) if it would take longer; nothing was
    /// counted then.
    async fn acquire(&self, request: &LimitRequest<'_>) -> Result<()>;

    /// Stops every caller of `scope`, whatever its class and priority, for `wait`: the broker said
    /// so. A longer pause that already holds stays.
    async fn pause(&self, scope: &LimitScope, wait: Duration);

    /// Replaces the quota of `class` for `scope`, as the broker has published it. Calls already
    /// counted stay counted.
    async fn configure(&self, scope: &LimitScope, class: LimitClass, quota: Quota);

    /// Hears that the broker refused a call that had been let through: its quota is lower than
    /// assumed, or somebody else uses it too. Calls of `class` slow down for a while.
    async fn observe_rejection(&self, scope: &LimitScope, class: LimitClass);

    /// Tells how the quotas of `scope` stand, by name of the class. Classes that have not been used
    /// for a while may be left out.
    async fn usage(&self, scope: &LimitScope) -> Vec<Usage>;
}

/// How one quota stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// What is counted.
    pub class: LimitClass,
    /// How many calls the broker allows.
    pub limit: u32,
    /// In which time.
    pub per: Duration,
    /// How many calls its bucket holds, if the quota has a [burst](Quota::with_burst).
    pub burst: Option<u32>,
    /// How many calls were let through in the running stretch of `per`; of a quota with a burst, how
    /// many have not come back yet.
    pub used: u32,
    /// How many are left of the limit, or in the bucket, the reserved ones included.
    pub remaining: u32,
    /// How long until `used` is zero again.
    pub reset: Duration,
    /// How long the whole scope is still paused; zero if it is not.
    pub paused: Duration,
    /// Whether calls are slowed down because the broker refused some.
    pub slowed: bool,
}

fn _object_safe(_: &dyn Limiter) {}
