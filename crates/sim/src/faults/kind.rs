//! The kinds of faults.

use std::time::Duration;

/// What goes wrong with a request or its answer.
///
/// Kinds that spoil the broker's own answer let the broker act first; kinds that bring an answer
/// of their own ([`Html`](Self::Html), [`Status`](Self::Status), …) keep the request from the
/// broker. [`Fault::acting`](crate::Fault::acting) changes that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Replaces the body of the broker's answer, keeping its status and headers: malformed JSON,
    /// other encodings, nothing at all.
    Body(Vec<u8>),
    /// Answers properly, then closes the connection without having announced it: the next
    /// request on a pooled connection meets a dead one.
    CloseQuietly,
    /// Announces a `Content-Length` that is wrong by this many bytes.
    ContentLength {
        /// Positive: longer than the body; negative: shorter.
        off_by: i64,
    },
    /// The broker acts at once, the answer waits.
    DelayAnswer(Duration),
    /// The request waits before the broker acts: a caller who gave up is acted for later.
    DelayRequest(Duration),
    /// Sends the body slowly.
    Drip {
        /// Bytes in a piece.
        bytes: usize,
        /// Pause before each piece.
        every: Duration,
    },
    /// The broker acts, the connection is closed without an answer.
    DropAnswer,
    /// Sends the answer twice: on a reused connection the second answers the next request.
    Duplicate,
    /// Something is wrong with a compressed answer.
    Gzip(GzipFault),
    /// Changes a header of the broker's answer, such as its `Content-Type`, or takes it out.
    Header {
        /// The name.
        name: String,
        /// The value; `None` takes the header out.
        value: Option<String>,
    },
    /// An HTML page with this status, as a content network or a captive portal gives it.
    Html(u16),
    /// A chunked body of blanks, sent as long as it is taken.
    HugeBody {
        /// Bytes before compression or chunking.
        bytes: u64,
    },
    /// Interim answers before the real one.
    Informational {
        /// A status from 100 to 199.
        status: u16,
        /// How many; 0 means without end.
        count: u32,
        /// Pause after each.
        every: Duration,
    },
    /// Sends these bytes instead of an HTTP answer and closes.
    Raw(Vec<u8>),
    /// A redirect.
    Redirect {
        /// A status from 300 to 399.
        status: u16,
        /// The `Location` header.
        location: String,
    },
    /// Removes a value from the broker's JSON answer.
    Remove {
        /// A JSON pointer such as `/d/orderId`.
        pointer: String,
    },
    /// Resets the connection (TCP RST).
    Reset(Moment),
    /// Rows of a table do not fit the configured columns.
    Rows(RowFault),
    /// Replaces a value in the broker's JSON answer, or adds it to an object.
    Set {
        /// A JSON pointer such as `/d/orders/0/6`.
        pointer: String,
        /// JSON text.
        value: String,
    },
    /// Holds the connection open and says no more.
    Stall(StallAt),
    /// An answer of your own.
    Status {
        /// Any status.
        status: u16,
        /// Headers beside `Date` and `Content-Length`.
        headers: Vec<(String, String)>,
        /// The body as sent.
        body: String,
    },
    /// Announces the whole body, sends its first bytes and closes.
    Truncate {
        /// Bytes of the body that are sent.
        keep: usize,
    },
}

/// When a connection is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Moment {
    /// The broker has acted, nothing of the answer was sent.
    AfterActing,
    /// The whole request was read, the broker has not acted.
    AfterRead,
    /// Only the request's head was read, the broker has not acted.
    BeforeRead,
    /// The connection was accepted, nothing was read. The matcher is not asked: a route is not
    /// known yet, so counts are counts of connections.
    OnConnect,
}

/// Where an answer stalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StallAt {
    /// Nothing is sent.
    BeforeHead,
    /// The head is sent, no body.
    AfterHead,
    /// Half of the body is sent.
    MidBody,
}

/// What is wrong with a compressed answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GzipFault {
    /// A small body that unpacks to this many blanks; the broker is not asked.
    Bomb {
        /// Size after unpacking, rounded up to whole mebibytes.
        bytes: u64,
    },
    /// Compressed properly, with a wrong check sum.
    Corrupt,
    /// Says gzip and is plain text.
    NotGzip,
    /// The compressed body ends early, under a fitting `Content-Length`.
    Truncated,
}

/// How rows differ from their columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RowFault {
    /// One value more than columns, at the end.
    Longer,
    /// The values in reverse order.
    Reversed,
    /// The last value is missing.
    Shorter,
}

impl Kind {
    /// Whether the broker acts on the request, unless the fault says otherwise.
    pub(crate) fn acts(&self) -> bool {
        match self {
            Self::Reset(moment) => *moment == Moment::AfterActing,
            Self::Gzip(fault) => !matches!(fault, GzipFault::Bomb { .. }),
            Self::Html(_)
            | Self::HugeBody { .. }
            | Self::Raw(_)
            | Self::Redirect { .. }
            | Self::Status { .. } => false,
            _ => true,
        }
    }

    /// The name of the kind, as in scripts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Body(_) => "body",
            Self::CloseQuietly => "close_quietly",
            Self::ContentLength { .. } => "content_length",
            Self::DelayAnswer(_) => "delay_answer",
            Self::DelayRequest(_) => "delay_request",
            Self::Drip { .. } => "drip",
            Self::DropAnswer => "drop_answer",
            Self::Duplicate => "duplicate",
            Self::Gzip(_) => "gzip",
            Self::Header { .. } => "header",
            Self::Html(_) => "html",
            Self::HugeBody { .. } => "huge_body",
            Self::Informational { .. } => "informational",
            Self::Raw(_) => "raw",
            Self::Redirect { .. } => "redirect",
            Self::Remove { .. } => "remove",
            Self::Reset(_) => "reset",
            Self::Rows(_) => "rows",
            Self::Set { .. } => "set",
            Self::Stall(_) => "stall",
            Self::Status { .. } => "status",
            Self::Truncate { .. } => "truncate",
        }
    }
}
