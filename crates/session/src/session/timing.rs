use std::time::Duration;

use time::OffsetDateTime;
use wheelhouse_core::{Clock, Random, Result};

use crate::{Grant, SessionPolicy};

/// A moment on both clocks. It has come as soon as one of them says so: monotonic time may stand
/// still while the machine sleeps, wall time may be set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) wall: OffsetDateTime,
    pub(crate) monotonic: Duration,
}

impl Moment {
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self {
            wall: clock.now(),
            monotonic: clock.monotonic(),
        }
    }

    /// Returns the moment at which the wall clock will show `wall`, as seen now.
    pub(crate) fn at_wall(self, wall: OffsetDateTime) -> Self {
        Self {
            wall,
            monotonic: self.monotonic + positive(wall - self.wall),
        }
    }

    pub(crate) fn has_come(self, now: Self) -> bool {
        now.wall >= self.wall || now.monotonic >= self.monotonic
    }
}

/// When a token is to be refreshed and when it is dead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    due: Option<Moment>,
    expires: Option<Moment>,
}

impl Timing {
    pub(crate) fn new(
        policy: &SessionPolicy,
        grant: &Grant,
        obtained_at: OffsetDateTime,
        now: Moment,
        random: &dyn Random,
    ) -> Result<Self> {
        // A token from the future was stored before the clock was set back: its age counts from now.
        let obtained_at = obtained_at.min(now.wall);
        let life = grant.expires_at().map(|at| positive(at - obtained_at));
        let by_age = match policy.refresh_after {
            Some(age) => Some(jittered(age, policy.jitter_percent, random)?),
            None => None,
        };
        let by_life = life.map(|life| {
            // A short life is used by half: five minutes before the end may be before its beginning.
            let margin = MARGIN.max(life / 10).min(life / 2);
            life - margin
        });
        let due = by_age.into_iter().chain(by_life).min();
        let leeway = life.map(|life| LEEWAY.min(life / 10)).unwrap_or_default();
        Ok(Self {
            due: due.map(|age| now.at_wall(after(obtained_at, age))),
            expires: grant
                .expires_at()
                .map(|at| now.at_wall(at.saturating_sub(signed(leeway)))),
        })
    }

    pub(crate) fn is_due(&self, now: Moment) -> bool {
        self.due.is_some_and(|due| due.has_come(now))
    }

    pub(crate) fn is_expired(&self, now: Moment) -> bool {
        self.expires.is_some_and(|end| end.has_come(now))
    }

    pub(crate) fn due_at(&self) -> Option<OffsetDateTime> {
        self.due.map(|due| due.wall)
    }
}

pub(crate) fn after(at: OffsetDateTime, wait: Duration) -> OffsetDateTime {
    at.saturating_add(signed(wait))
}

fn signed(duration: Duration) -> time::Duration {
    duration.try_into().unwrap_or(time::Duration::MAX)
}

fn positive(duration: time::Duration) -> Duration {
    duration.try_into().unwrap_or(Duration::ZERO)
}

fn jittered(age: Duration, percent: u8, random: &dyn Random) -> Result<Duration> {
    if percent == 0 {
        return Ok(age);
    }
    let mut bytes = [0; 4];
    random.fill(&mut bytes)?;
    // From 100 - percent to 100 + percent, in parts of 2^32.
    let spread = u128::from(u32::from_be_bytes(bytes)) * 2 * u128::from(percent.min(50));
    let factor = (u128::from(100 - percent.min(50)) << 32) + spread;
    let nanos = (age.as_nanos().min(u128::from(u64::MAX)) * factor / 100) >> 32;
    Ok(Duration::from_nanos(
        u64::try_from(nanos).unwrap_or(u64::MAX),
    ))
}

const MARGIN: Duration = Duration::from_secs(5 * 60);
const LEEWAY: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) -> Result<()> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    fn due_after(life: Option<u64>, random: u8) -> u64 {
        let now = Moment {
            wall: OffsetDateTime::UNIX_EPOCH,
            monotonic: Duration::ZERO,
        };
        let mut grant = Grant::new("t".into());
        if let Some(life) = life {
            grant = grant.with_expiry(after(now.wall, Duration::from_secs(life)));
        }
        let policy = SessionPolicy::new();
        let timing = Timing::new(&policy, &grant, now.wall, now, &Fixed(random)).unwrap();
        timing.due.unwrap().monotonic.as_secs()
    }

    #[test]
    fn refresh_comes_at_45_minutes_give_or_take_or_before_the_expiry() {
        assert_eq!(due_after(None, 0), 2430);
        assert_eq!(due_after(None, 0xFF), 2969);
        assert_eq!(due_after(Some(86_400), 0x80) / 10, 270);
        // One hour: expiry less 10 % would be 54 minutes.
        assert_eq!(due_after(Some(3600), 0x80) / 10, 270);
        assert_eq!(due_after(Some(1800), 0x80), 1500);
        assert_eq!(due_after(Some(120), 0x80), 60);
    }
}
