//! What really happened, for tests to compare with what a client believes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::Route;
use crate::log::{Log, RequestRecord};

/// An order that was placed: it exists whatever the client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placement {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The account's number.
    pub account: String,
    /// The id that was, or should have been, answered.
    pub order_id: String,
    /// The id that the client gave.
    pub client_order_id: String,
    /// The symbol.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: String,
    /// Coins.
    pub quantity: Decimal,
}

/// A placement that was refused; nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The status that was answered.
    pub status: u16,
    /// The text that was answered.
    pub reason: String,
}

/// A part of an order that was filled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fill {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The order.
    pub order_id: String,
    /// Coins.
    pub quantity: Decimal,
    /// USD per coin.
    pub price: Decimal,
}

/// An order that was cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancel {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The order.
    pub order_id: String,
    /// Whether a client asked for it; else its time was over.
    pub requested: bool,
}

/// Why a request was nobody's. All are answered alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The timestamp is no number or too far away.
    Clock,
    /// One of the three headers is missing.
    MissingHeader,
    /// The signature does not fit the bytes that came.
    Signature,
    /// Nobody has that key.
    UnknownKey,
}

/// The API's own memory. Clones share it; each list is bounded and forgets its oldest entries.
#[derive(Debug, Clone)]
pub struct Ledger {
    lists: Arc<Mutex<Lists>>,
}

#[derive(Debug)]
struct Lists {
    serial: u64,
    cancels: Log<Cancel>,
    fills: Log<Fill>,
    placements: Log<Placement>,
    refusals: Log<Refusal>,
    rejections: Log<Rejection>,
    requests: Log<RequestRecord>,
}

macro_rules! lists {
    ($($(#[$doc:meta])* $list:ident$( / $push:ident)?: $entry:ty,)+) => {
        impl Ledger {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $list(&self) -> Vec<$entry> {
                    self.lock().$list.to_vec()
                }

                $(pub(super) fn $push(&self, entry: $entry) {
                    self.lock().$list.push(entry);
                })?
            )+

            /// Remembers at most this many entries in each list.
            pub(super) fn new(capacity: usize) -> Self {
                let lists = Lists { serial: 0, $($list: Log::new(capacity),)+ };
                Self { lists: Arc::new(Mutex::new(lists)) }
            }

            /// Forgets everything, and gives the memory back.
            pub fn clear(&self) {
                let mut lists = self.lock();
                $(lists.$list.clear();)+
            }

            /// How many entries fell out of the bound since the last [`clear`](Self::clear).
            #[must_use]
            pub fn forgotten(&self) -> u64 {
                let lists = self.lock();
                0 $(+ lists.$list.forgotten())+
            }
        }
    };
}

lists! {
    /// Orders that were cancelled, oldest first.
    cancels / push_cancel: Cancel,
    /// Parts of orders that were filled, oldest first.
    fills / push_fill: Fill,
    /// Orders that were placed, oldest first.
    placements / push_placement: Placement,
    /// Placements that were refused, oldest first.
    refusals / push_refusal: Refusal,
    /// Requests that nobody could have sent, oldest first.
    rejections / push_rejection: Rejection,
    /// Every request seen, oldest first.
    requests: RequestRecord,
}

impl Ledger {
    /// How many requests a route has seen.
    #[must_use]
    pub fn count(&self, route: Route) -> usize {
        self.lock()
            .requests
            .iter()
            .filter(|request| request.route == route.name())
            .count()
    }

    /// The placements that carry this id.
    #[must_use]
    pub fn placements_of(&self, client_order_id: &str) -> Vec<Placement> {
        let of = |placement: &&Placement| {
            placement
                .client_order_id
                .eq_ignore_ascii_case(client_order_id)
        };
        self.lock().placements.iter().filter(of).cloned().collect()
    }

    pub(super) fn observe(&self, mut record: RequestRecord) {
        let mut lists = self.lock();
        lists.serial += 1;
        record.serial = lists.serial;
        lists.requests.push(record);
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
