//! Rate limits.

use std::collections::{HashMap, VecDeque};

use super::{
    reply,
    route::Route,
    settings::{Rate, RateLimits},
    text::millis,
};
use crate::server::Response;

/// What was used of the limits.
#[derive(Debug, Default)]
pub(super) struct Usage {
    windows: HashMap<(Kind, String), Window>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Fractional,
    Logins,
    Orders,
    Prompts,
    Requests,
}

#[derive(Debug, Default)]
struct Window {
    taken: VecDeque<i64>,
    closed_until: i64,
}

impl Window {
    fn wait(&mut self, rate: Rate, now: i64) -> Option<u64> {
        if now < self.closed_until {
            return Some(seconds(self.closed_until - now));
        }
        let start = now - millis(rate.window);
        while self.taken.front().is_some_and(|at| *at <= start) {
            self.taken.pop_front();
        }
        if self.taken.len() < rate.count {
            return None;
        }
        self.closed_until = now + millis(rate.wait);
        Some(seconds(self.closed_until - now))
    }
}

fn seconds(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0).div_ceil(1_000).max(1)
}

impl Usage {
    fn take(&mut self, kind: Kind, of: &str, rate: Option<Rate>, now: i64) -> Option<u64> {
        let rate = rate?;
        let window = self.windows.entry((kind, of.to_owned())).or_default();
        let wait = window.wait(rate, now);
        if wait.is_none() {
            window.taken.push_back(now);
        }
        wait
    }

    /// One request of a user.
    pub(super) fn request(
        &mut self,
        limits: &RateLimits,
        user: &str,
        route: Route,
        now: i64,
    ) -> Result<(), Response> {
        let locked = self.locked(limits, user, now);
        let wait = locked.or_else(|| self.take(Kind::Requests, user, limits.requests, now));
        let places = matches!(
            route,
            Route::PlaceOrder | Route::PlaceOptionOrder | Route::PlaceCryptoOrder
        );
        let wait = match wait {
            None if places => self.take(Kind::Orders, user, limits.orders, now),
            wait => wait,
        };
        refused(wait, limits)
    }

    /// One placement with a fraction.
    pub(super) fn fractional(
        &mut self,
        limits: &RateLimits,
        user: &str,
        now: i64,
    ) -> Result<(), Response> {
        match self.take(Kind::Fractional, user, limits.fractional, now) {
            None => Ok(()),
            Some(wait) => {
                let mut response = reply::detail(429, "Too many requests for fractional orders");
                if !limits.no_retry_after {
                    response.set_header("retry-after", wait.to_string());
                }
                Err(response)
            }
        }
    }

    /// One poll of a prompt.
    pub(super) fn prompt(
        &mut self,
        limits: &RateLimits,
        challenge: &str,
        now: i64,
    ) -> Result<(), Response> {
        let wait = self.take(Kind::Prompts, challenge, limits.prompts, now);
        refused(wait, limits)
    }

    /// A login, before its password is looked at.
    pub(super) fn login(
        &mut self,
        limits: &RateLimits,
        username: &str,
        now: i64,
    ) -> Result<(), Response> {
        let wait = limits.failed_logins.and_then(|rate| {
            self.windows
                .entry((Kind::Logins, username.to_owned()))
                .or_default()
                .wait(rate, now)
        });
        refused(wait, limits)
    }

    /// A failed login, also of a user that nobody knows.
    pub(super) fn failed_login(&mut self, username: &str, now: i64) {
        let window = self
            .windows
            .entry((Kind::Logins, username.to_owned()))
            .or_default();
        window.taken.push_back(now);
        // Without a limit nobody takes old entries out.
        if window.taken.len() > 1_000 {
            window.taken.pop_front();
        }
    }

    fn locked(&mut self, limits: &RateLimits, user: &str, now: i64) -> Option<u64> {
        limits.failed_logins?;
        let window = self.windows.get(&(Kind::Logins, user.to_owned()))?;
        (now < window.closed_until).then(|| seconds(window.closed_until - now))
    }
}

fn refused(wait: Option<u64>, limits: &RateLimits) -> Result<(), Response> {
    match wait {
        None => Ok(()),
        Some(wait) => Err(reply::throttled(wait, !limits.no_retry_after)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_window_closes_when_it_is_full_and_opens_after_the_wait() {
        let [window, wait] = [10, 30].map(Duration::from_secs);
        let rate = Some(Rate {
            count: 2,
            window,
            wait,
        });
        let mut usage = Usage::default();
        let mut at = |now| usage.take(Kind::Orders, "a", rate, now);
        assert_eq!((at(0), at(1), at(2_000)), (None, None, Some(30)));
        assert_eq!((at(31_999), at(32_000)), (Some(1), None));
    }
}
