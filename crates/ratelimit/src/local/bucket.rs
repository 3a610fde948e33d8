use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{NotKeyed, StateStore},
};

use crate::{Priority, Quota};

/// One quota of one scope.
///
/// Two governor limiters look at one state. The one for all calls may go `reserve` calls deeper
/// than the one for normal calls, so that much is always left for reserved ones.
#[derive(Debug)]
pub(super) struct Bucket {
    quota: Quota,
    /// The time of the quota, in nanoseconds.
    per: u64,
    slowness: u32,
    interval: Duration,
    /// How many normal calls may go at once.
    burst: u32,
    all: Limiter,
    normal: Limiter,
    state: Shared,
    now: Passed,
    window: Window,
}

type Limiter = RateLimiter<NotKeyed, Shared, Passed, NoOpMiddleware<Nanos>>;

impl Bucket {
    pub(super) fn new(quota: Quota, shares: Shares) -> Self {
        Self::with_state(quota, shares, 0, Shared::default(), Window::default())
    }

    /// Makes the bucket anew for another quota or pace; what was counted stays counted.
    pub(super) fn rebuilt(&self, quota: Quota, shares: Shares, slowness: u32) -> Self {
        Self::with_state(quota, shares, slowness, self.state.clone(), self.window)
    }

    fn with_state(
        quota: Quota,
        shares: Shares,
        slowness: u32,
        state: Shared,
        window: Window,
    ) -> Self {
        let pace = Pace::new(quota, shares, slowness);
        // Still zero while the limiters are made, so that their time begins where the clock's does.
        let now = Passed::default();
        let limiter = |burst: u32| {
            let quota = governor::Quota::with_period(pace.interval)
                .unwrap_or(governor::Quota::per_second(std::num::NonZeroU32::MIN));
            let burst = std::num::NonZeroU32::new(burst).unwrap_or(std::num::NonZeroU32::MIN);
            Limiter::new(quota.allow_burst(burst), state.clone(), now.clone())
        };
        Self {
            quota,
            per: nanos(quota.per()),
            slowness,
            interval: pace.interval,
            burst: pace.burst,
            all: limiter(pace.burst + pace.reserve),
            normal: limiter(pace.burst),
            state,
            now,
            window,
        }
    }

    /// Takes one call, or says how long it is until one may be had. `now` is in nanoseconds.
    #[inline]
    pub(super) fn take(&mut self, now: u64, priority: Priority) -> Result<(), Duration> {
        self.now.0.store(now, Ordering::Relaxed);
        let limiter = match priority {
            Priority::Normal => &self.normal,
            Priority::Reserved => &self.all,
        };
        match limiter.check() {
            Ok(()) => {
                if now >= self.window.end {
                    self.window = Window {
                        end: now.saturating_add(self.per),
                        calls: 0,
                    };
                }
                self.window.calls += 1;
                Ok(())
            }
            Err(not_until) => Err(not_until.wait_time_from(Nanos::new(now))),
        }
    }

    /// Returns the time between two calls when all are waiting.
    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) fn quota(&self) -> Quota {
        self.quota
    }

    pub(super) fn slowness(&self) -> u32 {
        self.slowness
    }

    /// Returns when the bucket is as good as new, in nanoseconds.
    pub(super) fn fresh_at(&self) -> u64 {
        self.state.0.load(Ordering::Relaxed)
    }

    /// Leaves only what is reserved, and the next normal call to its turn. A quota without a burst
    /// has next to nothing that could be taken away, and stays as it is.
    pub(super) fn empty(&mut self, now: u64) {
        if self.quota.burst().is_none() {
            return;
        }
        let taken = nanos(self.interval).saturating_mul(u64::from(self.burst));
        let seen = self.state.0.load(Ordering::Relaxed);
        let emptied = seen.max(now.saturating_add(taken));
        self.state.0.store(emptied, Ordering::Relaxed);
    }

    /// Returns how many calls the running window has seen, and how long it still runs; of a quota
    /// with a burst, how many have not come back, and how long that takes.
    pub(super) fn used(&self, now: u64) -> (u32, Duration) {
        if let Some(burst) = self.quota.burst() {
            let left = self.fresh_at().saturating_sub(now);
            let calls = left.div_ceil(nanos(self.interval).max(1));
            let calls = u32::try_from(calls).unwrap_or(burst).min(burst);
            return (calls, Duration::from_nanos(left));
        }
        let left = self.window.end.saturating_sub(now);
        let calls = if left > 0 { self.window.calls } else { 0 };
        (calls, Duration::from_nanos(left))
    }
}

/// Which parts of a quota are set aside, in percent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    pub(super) reserved: u32,
}

impl Shares {
    /// How many of `calls` are set aside; never all of them.
    fn of(self, calls: u32) -> u32 {
        u32::try_from(u64::from(calls) * u64::from(self.reserved) / 100)
            .unwrap_or(0)
            .min(calls - 1)
    }
}

/// How many calls may go out at once, and in which steps after that.
///
/// Of a quota with a burst both are the broker's. Of one without: a burst of `b` and one call per interval after it put `b + per / interval - 1` calls into the
/// worst stretch of `per`. The interval is chosen so that this is the limit: brokers count in
/// windows that nobody outside can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    burst: u32,
    reserve: u32,
    interval: Duration,
}

impl Pace {
    fn new(quota: Quota, shares: Shares, slowness: u32) -> Self {
        let limit = quota.limit();
        // Two calls sent a second apart may arrive closer than that.
        let margin = (quota.per() / 10).min(Duration::from_millis(250));
        let per = (quota.per() + margin) * 3u32.pow(slowness) / 2u32.pow(slowness);
        if let Some(burst) = quota.burst() {
            let burst = u64::from(burst) * 2u64.pow(slowness) / 3u64.pow(slowness);
            let burst = u32::try_from(burst).unwrap_or(u32::MAX).max(1);
            // What comes back during the margin is not counted on.
            let early = u128::from(limit) * margin.as_nanos();
            let early = early.div_ceil(quota.per().as_nanos().max(1));
            let early = u32::try_from(early).unwrap_or(u32::MAX);
            let room = burst.saturating_sub(early).max(1);
            let reserve = shares.of(burst).min(room - 1);
            return Self {
                burst: room - reserve,
                reserve,
                interval: per / limit,
            };
        }
        let reserve = shares.of(limit);
        let burst = (1 + limit / 10).min(limit - reserve);
        Self {
            burst,
            reserve,
            interval: per / (limit - burst - reserve + 1),
        }
    }
}

/// governor's state, which both limiters hold. A bucket is only used under the lock of its shard,
/// so reading and writing need not be one step.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<AtomicU64>);

impl StateStore for Shared {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &Self::Key, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let seen = self.0.load(Ordering::Relaxed);
        let (outcome, next) = f((seen > 0).then_some(Nanos::new(seen)))?;
        self.0.store(next.as_u64(), Ordering::Relaxed);
        Ok(outcome)
    }
}

/// governor's clock: the time that [`Bucket::take`] was called with.
#[derive(Clone, Debug, Default)]
struct Passed(Arc<AtomicU64>);

impl Clock for Passed {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.load(Ordering::Relaxed))
    }
}

/// A count for the usage report, over windows that begin with their first call.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    end: u64,
    calls: u32,
}

pub(super) fn nanos(duration: Duration) -> u64 {
    // `as_nanos` would go through 128 bits, on the way of every check.
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: Shares = Shares { reserved: 20 };

    fn calls_in_worst_window(quota: Quota, priority: Priority) -> usize {
        let mut bucket = Bucket::new(quota, SHARES);
        let mut now = 1_000_000_000;
        let mut times = Vec::new();
        while times.len() < quota.limit() as usize * 4 {
            match bucket.take(now, priority) {
                Ok(()) => times.push(now),
                Err(wait) => now += nanos(wait).max(1),
            }
        }
        let per = nanos(quota.per());
        let in_window = |start: &u64| {
            times
                .iter()
                .filter(|t| (*start..*start + per).contains(t))
                .count()
        };
        times.iter().map(in_window).max().unwrap_or(0)
    }

    #[test]
    fn no_window_ever_holds_more_than_the_limit() {
        for limit in [1, 2, 3, 4, 5, 9, 10, 11, 60, 999] {
            for seconds in [1, 2, 60] {
                let quota = Quota::every(limit, Duration::from_secs(seconds));
                for priority in [Priority::Normal, Priority::Reserved] {
                    let worst = calls_in_worst_window(quota, priority);
                    assert!(worst <= limit as usize, "{quota} {priority:?}: {worst}");
                    assert!(
                        worst * 2 >= limit as usize,
                        "{quota} {priority:?}: only {worst}"
                    );
                }
            }
        }
    }

    #[test]
    fn no_time_holds_more_than_a_burst_and_what_comes_back_in_it() {
        for limit in [1, 4, 60, 100] {
            for burst in [1, 2, 10, 59, 300] {
                for priority in [Priority::Normal, Priority::Reserved] {
                    let quota = Quota::per_minute(limit).with_burst(burst);
                    let mut bucket = Bucket::new(quota, SHARES);
                    let (mut now, mut times) = (1_000_000_000, Vec::new());
                    while times.len() < (burst + limit) as usize {
                        match bucket.take(now, priority) {
                            Ok(()) => times.push(now),
                            Err(wait) => now += nanos(wait).max(1),
                        }
                    }
                    let per = u128::from(nanos(quota.per()));
                    for (first, start) in times.iter().enumerate() {
                        for (last, end) in times.iter().enumerate().skip(first) {
                            let back = u128::from(end - start) * u128::from(limit) / per;
                            let calls = (last - first + 1) as u128;
                            assert!(calls <= u128::from(burst) + back, "{quota}");
                        }
                    }
                    // And it is used: all of it but the share and what the margin takes.
                    let at_once = times.iter().filter(|time| **time == times[0]).count();
                    let least = match priority {
                        Priority::Normal => burst as usize * 4 / 5,
                        Priority::Reserved => burst as usize,
                    };
                    let margin = 1 + limit as usize / 200;
                    assert!(
                        at_once + margin >= least.min(burst as usize),
                        "{quota}: {at_once}"
                    );
                }
            }
        }
    }

    #[test]
    fn normal_calls_leave_the_reserved_share() {
        let mut bucket = Bucket::new(Quota::per_second(10), SHARES);
        let now = 5_000_000_000;
        while bucket.take(now, Priority::Normal).is_ok() {}
        assert_eq!(bucket.take(now, Priority::Reserved), Ok(()));
        assert_eq!(bucket.take(now, Priority::Reserved), Ok(()));
        assert!(bucket.take(now, Priority::Reserved).is_err());
    }

    #[test]
    fn a_slower_pace_keeps_what_was_counted() {
        let quota = Quota::per_second(1);
        let mut bucket = Bucket::new(quota, SHARES);
        let now = 5_000_000_000;
        bucket.take(now, Priority::Normal).unwrap();
        let mut slower = bucket.rebuilt(quota, SHARES, 1);
        assert!(slower.take(now, Priority::Normal).is_err());
        assert_eq!(slower.interval(), Duration::from_millis(1650));
        assert_eq!(slower.used(now).0, 1);
    }
}
