mod bucket;
mod scopes;
mod turnstile;

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::{Either, select};
use wheelhouse_core::{Clock, Error, ErrorKind, Result, RetryAdvice};

use self::{
    bucket::{Shares, nanos},
    scopes::{Class, Scope, Scopes},
    turnstile::Turnstile,
};
use crate::{LimitClass, LimitRequest, LimitScope, Limiter, Priority, Quota, Usage};

/// A [`Limiter`] for one process, for many thousands of scopes.
///
/// No stretch of a quota's time ever holds more calls than the quota allows, wherever the broker
/// lets its own windows begin. A tenth of a quota may go out at once, the rest follows evenly; of a
/// quota with a [burst](Quota::with_burst) the burst may. A share is kept free for
/// [`Priority::Reserved`]. Who has to wait stands in line.
///
/// Scopes that have not been used for a while are forgotten, which changes nothing for them.
pub struct LocalLimiter {
    clock: Arc<dyn Clock>,
    shares: Shares,
    scopes: Scopes,
}

impl LocalLimiter {
    /// Starts to build a limiter that measures and sleeps on `clock`.
    pub fn builder(clock: Arc<dyn Clock>) -> LocalLimiterBuilder {
        LocalLimiterBuilder {
            clock,
            reserved_percent: 20,
            max_scopes: 100_000,
        }
    }

    /// Makes a limiter with the defaults of the [builder](Self::builder).
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::builder(clock).build()
    }

    /// Takes a call that may go out now, without waiting for anything.
    ///
    /// # Errors
    ///
    /// How long it would take at least; nothing was counted.
    pub fn check(&self, request: &LimitRequest<'_>) -> Result<(), Duration> {
        self.attempt(request, Turnstile::open_to_newcomer)
    }

    /// Forgets the scopes that are as good as new. It is done now and then anyway.
    pub fn retain_recent(&self) {
        self.scopes.sweep(self.now());
    }

    /// Returns how many scopes are remembered.
    pub fn scopes(&self) -> usize {
        self.scopes.len()
    }

    fn attempt(
        &self,
        request: &LimitRequest<'_>,
        may_try: impl Fn(&Turnstile, Priority) -> bool,
    ) -> Result<(), Duration> {
        let now = self.now();
        self.scopes.update(request.scope, now, |scope| {
            if let Some(wait) = scope.paused(now) {
                return Err(wait);
            }
            let class = scope.class_mut(request.class, self.shares);
            class.relax(now, self.shares);
            if !may_try(&class.turnstile, request.priority) {
                return Err(class.bucket.interval());
            }
            class.bucket.take(now, request.priority)
        })
    }

    async fn wait_in_line(&self, request: &LimitRequest<'_>, first_wait: Duration) -> Result<()> {
        let now = self.now();
        let (turnstile, interval) = self.scopes.update(request.scope, now, |scope| {
            let class = scope.class_mut(request.class, self.shares);
            (class.turnstile.clone(), class.bucket.interval())
        });
        let expected = first_wait + interval * turnstile.ahead(request.priority);
        if expected > request.max_wait {
            return Err(limited(request, expected));
        }

        let deadline = now.saturating_add(nanos(request.max_wait));
        let place = turnstile.join(request.priority);
        let _head = {
            let timer = self.clock.sleep(request.max_wait);
            match select(pin!(place.head()), timer).await {
                Either::Left((head, _)) => head,
                Either::Right(((), _)) => return Err(limited(request, interval)),
            }
        };
        loop {
            let Err(wait) = self.attempt(request, Turnstile::open_to_head) else {
                return Ok(());
            };
            let wait = wait.max(Duration::from_millis(1));
            if self.now().saturating_add(nanos(wait)) > deadline {
                return Err(limited(request, wait));
            }
            self.clock.sleep(wait).await;
        }
    }

    fn now(&self) -> u64 {
        nanos(self.clock.monotonic())
    }
}

fn usage(scope: &Scope, now: u64) -> Vec<Usage> {
    let paused = scope.paused(now).unwrap_or_default();
    let usage = |class: LimitClass, quota: Quota, (used, reset): (u32, Duration), slowed| Usage {
        class,
        limit: quota.limit(),
        per: quota.per(),
        burst: quota.burst(),
        used,
        remaining: quota.burst().unwrap_or(quota.limit()).saturating_sub(used),
        reset,
        paused,
        slowed,
    };
    let used = scope.classes().iter().map(|class| {
        let slowed = class.bucket.slowness() > 0;
        usage(
            class.class,
            class.bucket.quota(),
            class.bucket.used(now),
            slowed,
        )
    });
    let unused = scope
        .configured()
        .iter()
        .filter(|(class, _)| scope.class(*class).is_none());
    let unused = unused.map(|(class, quota)| usage(*class, *quota, (0, Duration::ZERO), false));
    let mut all: Vec<_> = used.chain(unused).collect();
    all.sort_by_key(|usage| usage.class.name());
    all
}

fn limited(request: &LimitRequest<'_>, wait: Duration) -> Error {
    let millis = wait.as_millis().max(1);
    Error::new(
        ErrorKind::RateLimited,
        format!(
            "the limit {} is reached; the next call may go in {millis} ms",
            request.class
        ),
    )
    .with_advice(RetryAdvice::After(wait.max(Duration::from_millis(1))))
}

#[async_trait]
impl Limiter for LocalLimiter {
    async fn acquire(&self, request: &LimitRequest<'_>) -> Result<()> {
        match self.check(request) {
            Ok(()) => Ok(()),
            Err(wait) if wait > request.max_wait => Err(limited(request, wait)),
            Err(wait) => self.wait_in_line(request, wait).await,
        }
    }

    async fn pause(&self, scope: &LimitScope, wait: Duration) {
        let now = self.now();
        self.scopes.update(scope, now, |scope| {
            scope.pause(now.saturating_add(nanos(wait)))
        });
    }

    async fn configure(&self, scope: &LimitScope, class: LimitClass, quota: Quota) {
        self.scopes.update(scope, self.now(), |scope| {
            scope.configure(class, quota, self.shares);
        });
    }

    async fn observe_rejection(&self, scope: &LimitScope, class: LimitClass) {
        let now = self.now();
        self.scopes.update(scope, now, |scope| {
            scope
                .class_mut(class, self.shares)
                .slow_down(now, self.shares);
        });
    }

    async fn usage(&self, scope: &LimitScope) -> Vec<Usage> {
        let now = self.now();
        self.scopes
            .look(scope, |scope| usage(scope, now))
            .unwrap_or_default()
    }
}

impl Class {
    /// The most steps of half as much time again between calls: about eleven times.
    const MAX_SLOWNESS: u32 = 6;

    fn slow_down(&mut self, now: u64, shares: Shares) {
        let quota = self.bucket.quota();
        // Calls that were under way together are refused together: that is one reason to slow down.
        let again = self
            .rejected_at
            .is_none_or(|at| now.saturating_sub(at) >= nanos(quota.per()));
        if again {
            self.rejected_at = Some(now);
            let slowness = (self.bucket.slowness() + 1).min(Self::MAX_SLOWNESS);
            self.bucket = self.bucket.rebuilt(quota, shares, slowness);
            tracing::warn!(
                class = self.class.name(),
                %quota,
                interval = ?self.bucket.interval(),
                "the broker refused a call that was within its quota; slowing down"
            );
        }
        // The broker's bucket is empty, whatever is left in ours.
        self.bucket.empty(now);
        self.relax_at = now.saturating_add(nanos(relax_after(quota)));
    }

    #[inline]
    fn relax(&mut self, now: u64, shares: Shares) {
        if now < self.relax_at {
            return;
        }
        let quota = self.bucket.quota();
        let slowness = self.bucket.slowness().saturating_sub(1);
        self.bucket = self.bucket.rebuilt(quota, shares, slowness);
        self.relax_at = match slowness {
            0 => u64::MAX,
            _ => now.saturating_add(nanos(relax_after(quota))),
        };
    }
}

/// How long calls have to go well before one step of slowness is taken back.
fn relax_after(quota: Quota) -> Duration {
    (quota.per() * 30).clamp(Duration::from_secs(30), Duration::from_secs(600))
}

impl fmt::Debug for LocalLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLimiter")
            .field("reserved_percent", &self.shares.reserved)
            .field("scopes", &self.scopes())
            .finish_non_exhaustive()
    }
}

/// Builds a [`LocalLimiter`].
#[derive(Debug)]
pub struct LocalLimiterBuilder {
    clock: Arc<dyn Clock>,
    reserved_percent: u32,
    max_scopes: usize,
}

impl LocalLimiterBuilder {
    /// Sets the share of each quota that only [`Priority::Reserved`] may use; 20 % by default,
    /// rounded down to whole calls, at most 50 %. A quota too small for that keeps no room, but
    /// reserved calls still go before every normal call that waits.
    #[must_use]
    pub fn reserved_percent(mut self, percent: u32) -> Self {
        self.reserved_percent = percent.min(50);
        self
    }

    /// Sets how many scopes are remembered; 100,000 by default. Beyond it the one that was used
    /// longest ago is forgotten, as if it had not called yet.
    #[must_use]
    pub fn max_scopes(mut self, max: usize) -> Self {
        self.max_scopes = max;
        self
    }

    /// Builds the limiter.
    pub fn build(self) -> LocalLimiter {
        LocalLimiter {
            clock: self.clock,
            shares: Shares {
                reserved: self.reserved_percent,
            },
            scopes: Scopes::new(self.max_scopes),
        }
    }
}
