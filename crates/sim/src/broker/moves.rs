//! Prices and time that move by themselves, as a script says.

use std::{collections::BTreeMap, time::Duration};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::robinhood::text::millis;

/// A change of prices or time, and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Move<R> {
    /// When it comes.
    pub after: After<R>,
    /// By how much simulated time jumps forward once the prices are set.
    pub advance: Duration,
    /// Bid prices by symbol, coin or contract.
    pub prices: BTreeMap<String, Decimal>,
}

/// When a change comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum After<R> {
    /// Once the broker has acted on this many requests to a route.
    Requests(R, u64),
    /// This many seconds of simulated time after the start.
    Seconds(u64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<R> {
    route: Option<R>,
    requests: Option<u64>,
    seconds: Option<u32>,
    #[serde(default)]
    advance_s: u32,
    #[serde(default)]
    prices: BTreeMap<String, Decimal>,
}

impl<'de, R: Deserialize<'de>> Deserialize<'de> for Move<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let after = match (text.route, text.requests, text.seconds) {
            (Some(route), requests, None) => After::Requests(route, requests.unwrap_or(1)),
            (None, None, Some(seconds)) => After::Seconds(seconds.into()),
            _ => {
                return Err(D::Error::custom(
                    "a move waits for a `route`, if need be with `requests`, or for `seconds`",
                ));
            }
        };
        Ok(Self {
            after,
            advance: Duration::from_secs(text.advance_s.into()),
            prices: text.prices,
        })
    }
}

/// The moves that are still to come.
#[derive(Debug)]
pub(super) struct Moves<R> {
    /// With the time at which they are due, soonest first.
    timed: Vec<(i64, Move<R>)>,
    /// With the requests that are still missing.
    counted: Vec<(R, u64, Move<R>)>,
}

impl<R: Copy + Eq> Moves<R> {
    pub(super) fn new(started: i64, moves: Vec<Move<R>>) -> Self {
        let mut all = Self {
            timed: Vec::new(),
            counted: Vec::new(),
        };
        for change in moves {
            match change.after {
                After::Requests(route, count) => all.counted.push((route, count.max(1), change)),
                After::Seconds(seconds) => {
                    let span = millis(Duration::from_secs(seconds));
                    all.timed.push((started.saturating_add(span), change));
                }
            }
        }
        all.timed.sort_by_key(|(due, _)| *due);
        all
    }

    /// The first move whose time has come, with that time.
    pub(super) fn due(&mut self, now: i64) -> Option<(i64, Move<R>)> {
        self.timed.first().filter(|(due, _)| *due <= now)?;
        Some(self.timed.remove(0))
    }

    /// Counts a request; gives the moves that have waited for it.
    pub(super) fn count(&mut self, route: R) -> Vec<Move<R>> {
        let mut reached = Vec::new();
        self.counted.retain_mut(|(wanted, left, change)| {
            if *wanted == route {
                *left -= 1;
            }
            if *left == 0 {
                reached.push(change.clone());
            }
            *left > 0
        });
        reached
    }
}
