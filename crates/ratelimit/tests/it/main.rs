//! Behaviour of the local limiter on tokio's paused time.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod line;
mod quotas;
mod scopes;

use std::{sync::Arc, time::Duration};

use wheelhouse_core::{Clock, SystemClock};
use wheelhouse_ratelimit::{LimitClass, LimitRequest, LimitScope, LocalLimiter, Quota};

const ONE: LimitClass = LimitClass::new("test.one", Quota::per_second(1));
const TEN: LimitClass = LimitClass::new("test.ten", Quota::per_second(10));

struct Bench {
    clock: Arc<SystemClock>,
    limiter: Arc<LocalLimiter>,
    user: LimitScope,
}

fn bench() -> Bench {
    let clock = Arc::new(SystemClock::new());
    Bench {
        limiter: Arc::new(LocalLimiter::new(clock.clone())),
        user: LimitScope::new("test:user"),
        clock,
    }
}

impl Bench {
    fn request(&self, class: LimitClass) -> LimitRequest<'_> {
        LimitRequest::new(&self.user, class)
    }

    fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
