//! Rate limits: the published table, the enforced one, and the refusal.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;

use super::Route;
use crate::server::Response;

/// The unit of a limit's interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Measure {
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
}

/// One line of the table: at most `limit` requests in `interval_num` measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// The broker's name, such as `GET_POSITIONS`.
    pub rate_limit_type: String,
    /// The unit of the interval.
    pub measure: Measure,
    /// How many units the interval has.
    pub interval_num: u32,
    /// How many requests are allowed in it.
    pub limit: u32,
}

impl RateLimit {
    /// Creates a limit per second.
    pub fn per_second(rate_limit_type: impl Into<String>, limit: u32) -> Self {
        Self {
            rate_limit_type: rate_limit_type.into(),
            measure: Measure::Seconds,
            interval_num: 1,
            limit,
        }
    }

    /// Sets the interval.
    #[must_use]
    pub fn interval(mut self, interval_num: u32, measure: Measure) -> Self {
        self.interval_num = interval_num;
        self.measure = measure;
        self
    }

    fn millis(&self) -> i64 {
        let unit = match self.measure {
            Measure::Seconds => 1_000,
            Measure::Minutes => 60_000,
        };
        unit * i64::from(self.interval_num)
    }
}

/// What a refusal says about waiting. Whether the real broker says anything is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryAfter {
    /// No header and a plain text body. The default.
    #[default]
    Absent,
    /// The time as an HTTP date.
    HttpDate,
    /// This text, right or wrong.
    Raw(String),
    /// Whole seconds, rounded up.
    Seconds,
}

/// Rate limits of the broker, counted for each user and type over a sliding window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimits {
    pub(super) published: Vec<RateLimit>,
    enforced: Vec<RateLimit>,
    retry_after: RetryAfter,
}

/// Types with requests per second, in the broker's order.
const CAPTURED: [(&str, u32); 18] = [
    ("GET_ACCOUNTS", 2),
    ("GET_EXECUTIONS", 2),
    ("GET_INSTRUMENTS", 2),
    ("GET_ORDERS", 1),
    ("GET_ORDERS_HISTORY", 1),
    ("GET_POSITIONS", 1),
    ("GET_ACCOUNTS_STATE", 4),
    ("GET_INSTRUMENT_DETAILS", 2),
    ("GET_TRADE_SESSIONS", 2),
    ("GET_SESSION_STATUSES", 2),
    ("PLACE_ORDER", 5),
    ("MODIFY_ORDER", 5),
    ("MODIFY_POSITION", 5),
    ("DAILY_BAR", 5),
    ("QUOTES", 10),
    ("DEPTH", 10),
    ("TRADES", 5),
    ("QUOTES_HISTORY", 60),
];

impl RateLimits {
    /// The limits as captured from the real broker.
    #[must_use]
    pub fn captured() -> Self {
        let limit = |&(name, limit): &(&str, u32)| match name {
            "GET_ACCOUNTS_STATE" => {
                RateLimit::per_second(name, limit).interval(2, Measure::Seconds)
            }
            "QUOTES_HISTORY" => RateLimit::per_second(name, limit).interval(1, Measure::Minutes),
            _ => RateLimit::per_second(name, limit),
        };
        Self::table(CAPTURED.iter().map(limit))
    }

    /// Nothing is enforced, and the published table has numbers that nobody reaches.
    #[must_use]
    pub fn off() -> Self {
        let limit = |&(name, _): &(&str, u32)| RateLimit::per_second(name, 1_000_000);
        Self {
            enforced: Vec::new(),
            ..Self::table(CAPTURED.iter().map(limit))
        }
    }

    /// Publishes and enforces a table of your own. Types that it lacks are not limited.
    pub fn table(limits: impl IntoIterator<Item = RateLimit>) -> Self {
        let published: Vec<_> = limits.into_iter().collect();
        Self {
            enforced: published.clone(),
            published,
            retry_after: RetryAfter::default(),
        }
    }

    /// Enforces another table than the published one.
    #[must_use]
    pub fn enforcing(mut self, limits: impl IntoIterator<Item = RateLimit>) -> Self {
        self.enforced = limits.into_iter().collect();
        self
    }

    /// Sets what a refusal says about waiting.
    #[must_use]
    pub fn retry_after(mut self, retry_after: RetryAfter) -> Self {
        self.retry_after = retry_after;
        self
    }
}

/// When which user asked for what.
#[derive(Debug, Default)]
pub(super) struct Usage {
    seen: HashMap<(usize, Route), VecDeque<i64>>,
}

impl Usage {
    /// Counts a request, or refuses it.
    pub(super) fn take(
        &mut self,
        limits: &RateLimits,
        user: usize,
        route: Route,
        now: i64,
    ) -> Result<(), Response> {
        let Some(name) = limit_type(route) else {
            return Ok(());
        };
        let Some(limit) = limits
            .enforced
            .iter()
            .find(|limit| limit.rate_limit_type == name)
        else {
            return Ok(());
        };
        let seen = self.seen.entry((user, route)).or_default();
        while seen.front().is_some_and(|at| *at <= now - limit.millis()) {
            seen.pop_front();
        }
        if seen.len() < limit.limit as usize {
            seen.push_back(now);
            return Ok(());
        }
        let free_at = seen.front().map_or(now, |at| at + limit.millis());
        Err(refusal(&limits.retry_after, free_at, now))
    }
}

fn refusal(retry_after: &RetryAfter, free_at: i64, now: i64) -> Response {
    let value = match retry_after {
        RetryAfter::Absent => {
            return Response::empty(429).with_body("text/plain", "Too Many Requests");
        }
        RetryAfter::HttpDate => {
            let at = u64::try_from(free_at.div_ceil_seconds() * 1_000).unwrap_or(0);
            let since = std::time::Duration::from_millis(at);
            httpdate::fmt_http_date(std::time::UNIX_EPOCH + since)
        }
        RetryAfter::Raw(text) => text.clone(),
        RetryAfter::Seconds => (free_at - now).div_ceil_seconds().max(1).to_string(),
    };
    let mut response = super::reply::refused(429, "Too Many Requests");
    response.set_header("retry-after", value);
    response
}

trait CeilSeconds {
    fn div_ceil_seconds(self) -> i64;
}

impl CeilSeconds for i64 {
    fn div_ceil_seconds(self) -> i64 {
        (self + 999).div_euclid(1_000)
    }
}

fn limit_type(route: Route) -> Option<&'static str> {
    Some(match route {
        Route::AccountState => "GET_ACCOUNTS_STATE",
        Route::Accounts => "GET_ACCOUNTS",
        Route::DailyBar => "DAILY_BAR",
        Route::Depth => "DEPTH",
        Route::Executions => "GET_EXECUTIONS",
        Route::History => "QUOTES_HISTORY",
        Route::InstrumentDetails => "GET_INSTRUMENT_DETAILS",
        Route::Instruments => "GET_INSTRUMENTS",
        Route::ModifyOrder => "MODIFY_ORDER",
        Route::ModifyPosition => "MODIFY_POSITION",
        Route::Orders => "GET_ORDERS",
        Route::OrdersHistory => "GET_ORDERS_HISTORY",
        Route::PlaceOrder => "PLACE_ORDER",
        Route::Positions => "GET_POSITIONS",
        Route::Quotes => "QUOTES",
        Route::Session => "GET_TRADE_SESSIONS",
        Route::SessionStatus => "GET_SESSION_STATUSES",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides() {
        let limits = RateLimits::captured();
        let mut usage = Usage::default();
        let mut take = |now| usage.take(&limits, 0, Route::Quotes, now).is_ok();
        assert!((0..10).all(|n| take(n * 50)));
        assert!(!take(999));
        assert!(take(1_000) && !take(1_001));
    }

    #[test]
    fn a_refusal_says_how_long_in_the_form_that_was_asked() {
        let value = |form| {
            let response = refusal(&form, 1_500, 200);
            response
                .headers
                .into_iter()
                .find(|(name, _)| name == "retry-after")
                .map(|(_, v)| v)
        };
        assert_eq!(value(RetryAfter::Seconds).as_deref(), Some("2"));
        assert_eq!(
            value(RetryAfter::HttpDate).as_deref(),
            Some("Thu, 01 Jan 1970 00:00:02 GMT")
        );
        assert_eq!(
            value(RetryAfter::Raw("soon".into())).as_deref(),
            Some("soon")
        );
        assert_eq!(value(RetryAfter::Absent), None);
    }
}
