use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{BarInterval, InstrumentId, InstrumentKind, Symbol};

/// One page of a list.
///
/// A page that could not be read whole is an error, never a short page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last. Hand it back in the query.
    pub next: Option<PageToken>,
}

impl<T> Page<T> {
    /// Makes the only page of a list.
    pub fn last(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// Where a page begins. Opaque, and of use only with the broker and query it came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PageToken(String);

impl PageToken {
    /// Wraps an adapter's own text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the adapter's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! query {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident / $setter:ident: $type:ty,)* }) => {
        $(#[$doc])*
        ///
        /// The default asks for everything.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$type>,)*
        }

        impl $name {
            /// Asks for everything.
            pub fn all() -> Self {
                Self::default()
            }

            $(
                $(#[$field_doc])*
                #[must_use]
                pub fn $setter(mut self, $field: $type) -> Self {
                    self.$field = Some($field);
                    self
                }
            )*
        }
    };
}

query! {
    /// Which positions to read.
    PositionQuery {
        /// Only of this instrument.
        instrument / instrument: InstrumentId,
        /// From this page on.
        page / page: PageToken,
    }
}

query! {
    /// Which orders to read.
    OrderQuery {
        /// Only open or only final orders.
        status / status: OrderStatusFilter,
        /// Only of this instrument.
        instrument / instrument: InstrumentId,
        /// Only orders made at this time or later.
        from / from: OffsetDateTime,
        /// Only orders made at this time or earlier.
        to / to: OffsetDateTime,
        /// At most this many a page, as far as the broker can.
        limit / limit: u32,
        /// From this page on.
        page / page: PageToken,
    }
}

impl OrderQuery {
    /// Asks for orders that can still change.
    pub fn open() -> Self {
        Self::all().status(OrderStatusFilter::Open)
    }

    /// Asks for orders that are final.
    pub fn closed() -> Self {
        Self::all().status(OrderStatusFilter::Final)
    }
}

/// Open or final orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrderStatusFilter {
    /// Orders that can no longer change.
    Final,
    /// Orders that can still change.
    Open,
}

query! {
    /// Which executions to read.
    ExecutionQuery {
        /// Only of this instrument.
        instrument / instrument: InstrumentId,
        /// Only executions at this time or later.
        from / from: OffsetDateTime,
        /// From this page on.
        page / page: PageToken,
    }
}

query! {
    /// Which instruments to read.
    InstrumentQuery {
        /// Only those whose symbol or name contains this, without regard to case.
        text / text: String,
        /// Only of this kind.
        kind / kind: InstrumentKind,
        /// From this page on.
        page / page: PageToken,
    }
}

query! {
    /// Which closed trades to read.
    ClosedTradeQuery {
        /// Only of the instrument with this name.
        symbol / symbol: Symbol,
        /// At most this many a page.
        limit / limit: u32,
        /// From this page on.
        page / page: PageToken,
    }
}

/// Which bars to read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BarQuery {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// How long each is.
    pub interval: BarInterval,
    /// From when, inclusive.
    pub from: OffsetDateTime,
    /// To when, inclusive.
    pub to: OffsetDateTime,
}

impl BarQuery {
    /// Asks for the bars of an instrument between two times, both inclusive.
    pub fn new(
        instrument: impl Into<InstrumentId>,
        interval: BarInterval,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Self {
        Self {
            instrument: instrument.into(),
            interval,
            from,
            to,
        }
    }
}
