//! Faults and prices as a JSON file.

use std::{collections::BTreeMap, marker::PhantomData, path::Path, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Fault, GzipFault, Kind, Matcher, Moment, RowFault, StallAt};
use crate::{
    error::{Result, SimError},
    robinhood::RobinhoodScript,
    robinhood_crypto::RobinhoodCryptoScript,
    tradelocker::TradeLockerScript,
};

/// What a simulator shall do beside its ordinary work; the format is in the crate's README.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Script {
    /// For the Robinhood broker.
    pub robinhood: RobinhoodScript,
    /// For the Robinhood Crypto API.
    pub robinhood_crypto: RobinhoodCryptoScript,
    /// For the TradeLocker broker.
    pub tradelocker: TradeLockerScript,
}

impl Script {
    /// Reads a script from its JSON text.
    ///
    /// # Errors
    ///
    /// [`SimError::Script`] names line and column, and the key or value that is wrong.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            // serde_json appends the place, which has fields of its own here.
            let message = message
                .rsplit_once(" at line ")
                .map_or(message.as_str(), |(text, _)| text);
            let (line, column) = (error.line(), error.column());
            SimError::Script {
                line,
                column,
                message: message.to_owned(),
            }
        })
    }

    /// Reads a script from a file.
    ///
    /// # Errors
    ///
    /// [`SimError::ScriptFile`] if it cannot be read, else as [`from_json`](Self::from_json).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| SimError::ScriptFile {
            path: path.to_owned(),
            source,
        })?;
        Self::from_json(&text)
    }
}

/// Reads a list of faults whose routes are those of one broker.
pub(crate) fn faults<'de, R, D>(deserializer: D) -> Result<Vec<Fault>, D::Error>
where
    R: Deserialize<'de> + Into<Matcher>,
    D: Deserializer<'de>,
{
    let list = Vec::<FaultOf<R>>::deserialize(deserializer)?;
    Ok(list.into_iter().map(|entry| entry.fault).collect())
}

struct FaultOf<R> {
    fault: Fault,
    routes: PhantomData<R>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultText<R> {
    route: Option<R>,
    method: Option<String>,
    path: Option<String>,
    fault: KindText,
    #[serde(default)]
    after: u64,
    times: Option<u64>,
    share: Option<u32>,
    acting: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum KindText {
    Body {
        text: String,
    },
    CloseQuietly,
    ContentLength {
        off_by: i64,
    },
    DelayAnswer {
        ms: u64,
    },
    DelayRequest {
        ms: u64,
    },
    Drip {
        bytes: usize,
        every_ms: u64,
    },
    DropAnswer,
    Duplicate,
    Gzip(GzipText),
    Header {
        name: String,
        value: Option<String>,
    },
    Html {
        status: u16,
    },
    HugeBody {
        bytes: u64,
    },
    Informational {
        status: u16,
        count: u32,
        every_ms: u64,
    },
    Raw {
        text: String,
    },
    Redirect {
        status: u16,
        location: String,
    },
    Remove {
        pointer: String,
    },
    Reset(MomentText),
    Rows(RowText),
    Set {
        pointer: String,
        value: serde_json::Value,
    },
    Stall(StallText),
    Status {
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: String,
    },
    Truncate {
        keep: usize,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum GzipText {
    Bomb { bytes: u64 },
    Corrupt,
    NotGzip,
    Truncated,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum MomentText {
    AfterActing,
    AfterRead,
    BeforeRead,
    OnConnect,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RowText {
    Longer,
    Reversed,
    Shorter,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StallText {
    BeforeHead,
    AfterHead,
    MidBody,
}

impl<'de, R> Deserialize<'de> for FaultOf<R>
where
    R: Deserialize<'de> + Into<Matcher>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = FaultText::<R>::deserialize(deserializer)?;
        let mut matcher = text.route.map_or_else(Matcher::any, Into::into);
        matcher.method = text.method;
        matcher.path = text.path;
        let kind = text.fault.into_kind().map_err(D::Error::custom)?;
        let mut fault = Fault::new(matcher, kind).after(text.after);
        if let Some(share) = text.share {
            fault = fault.share(share);
        }
        if let Some(times) = text.times {
            fault = fault.times(times);
        }
        if let Some(acts) = text.acting {
            fault = fault.acting(acts);
        }
        Ok(Self {
            fault,
            routes: PhantomData,
        })
    }
}

impl KindText {
    fn into_kind(self) -> Result<Kind, String> {
        let ms = Duration::from_millis;
        Ok(match self {
            Self::Body { text } => Kind::Body(text.into_bytes()),
            Self::CloseQuietly => Kind::CloseQuietly,
            Self::ContentLength { off_by } => Kind::ContentLength { off_by },
            Self::DelayAnswer { ms: span } => Kind::DelayAnswer(ms(span)),
            Self::DelayRequest { ms: span } => Kind::DelayRequest(ms(span)),
            Self::Drip { bytes, every_ms } => Kind::Drip {
                bytes,
                every: ms(every_ms),
            },
            Self::DropAnswer => Kind::DropAnswer,
            Self::Duplicate => Kind::Duplicate,
            Self::Gzip(GzipText::Bomb { bytes }) => Kind::Gzip(GzipFault::Bomb { bytes }),
            Self::Gzip(GzipText::Corrupt) => Kind::Gzip(GzipFault::Corrupt),
            Self::Gzip(GzipText::NotGzip) => Kind::Gzip(GzipFault::NotGzip),
            Self::Gzip(GzipText::Truncated) => Kind::Gzip(GzipFault::Truncated),
            Self::Header { name, value } => Kind::Header { name, value },
            Self::Html { status } => Kind::Html(within("status", status, 200..=599)?),
            Self::HugeBody { bytes } => Kind::HugeBody { bytes },
            Self::Informational {
                status,
                count,
                every_ms,
            } => Kind::Informational {
                status: within("status", status, 100..=199)?,
                count,
                every: ms(every_ms),
            },
            Self::Raw { text } => Kind::Raw(text.into_bytes()),
            Self::Redirect { status, location } => Kind::Redirect {
                status: within("status", status, 300..=399)?,
                location,
            },
            Self::Remove { pointer } => Kind::Remove {
                pointer: checked(pointer)?,
            },
            Self::Reset(MomentText::AfterActing) => Kind::Reset(Moment::AfterActing),
            Self::Reset(MomentText::AfterRead) => Kind::Reset(Moment::AfterRead),
            Self::Reset(MomentText::BeforeRead) => Kind::Reset(Moment::BeforeRead),
            Self::Reset(MomentText::OnConnect) => Kind::Reset(Moment::OnConnect),
            Self::Rows(RowText::Longer) => Kind::Rows(RowFault::Longer),
            Self::Rows(RowText::Reversed) => Kind::Rows(RowFault::Reversed),
            Self::Rows(RowText::Shorter) => Kind::Rows(RowFault::Shorter),
            Self::Set { pointer, value } => Kind::Set {
                pointer: checked(pointer)?,
                value: value.to_string(),
            },
            Self::Stall(StallText::BeforeHead) => Kind::Stall(StallAt::BeforeHead),
            Self::Stall(StallText::AfterHead) => Kind::Stall(StallAt::AfterHead),
            Self::Stall(StallText::MidBody) => Kind::Stall(StallAt::MidBody),
            Self::Status {
                status,
                headers,
                body,
            } => Kind::Status {
                status: within("status", status, 100..=599)?,
                headers: headers.into_iter().collect(),
                body,
            },
            Self::Truncate { keep } => Kind::Truncate { keep },
        })
    }
}

fn within(field: &str, value: u16, range: std::ops::RangeInclusive<u16>) -> Result<u16, String> {
    let (low, high) = (range.start(), range.end());
    if range.contains(&value) {
        return Ok(value);
    }
    Err(format!(
        "{field} {value} is out of range, expected {low} to {high}"
    ))
}

fn checked(pointer: String) -> Result<String, String> {
    if pointer.starts_with('/') {
        return Ok(pointer);
    }
    Err(format!(
        "pointer {pointer:?} has to begin with a slash, such as \"/d/orderId\""
    ))
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::tradelocker::Route;

    fn refusal(text: &str) -> (usize, String) {
        match Script::from_json(text).unwrap_err() {
            SimError::Script { line, message, .. } => (line, message),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_script_is_read_as_it_is_written() {
        let text = r#"{"tradelocker": {
            "prices": {"EURUSD": "1.10000"},
            "faults": [
                {"route": "place_order", "fault": "drop_answer", "after": 2, "times": 1},
                {"method": "GET", "path": "/x*", "fault": {"delay_answer": {"ms": 5}}, "share": 10},
                {"fault": {"reset": "on_connect"}},
                {"fault": {"html": {"status": 502}}, "acting": true}
            ]}}"#;
        let script = Script::from_json(text).unwrap().tradelocker;
        assert_eq!(script.prices["EURUSD"], Decimal::new(110_000, 5));
        let html = Fault::new(Matcher::any(), Kind::Html(502)).acting(true);
        let delay = Kind::DelayAnswer(Duration::from_millis(5));
        assert_eq!(
            script.faults,
            [
                Fault::new(Route::PlaceOrder, Kind::DropAnswer)
                    .after(2)
                    .times(1),
                Fault::new(Matcher::path("/x*").method("GET"), delay).share(10),
                Fault::new(Matcher::any(), Kind::Reset(Moment::OnConnect)),
                html,
            ]
        );
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let (line, message) = refusal("{\"tradelocker\": {\n  \"fault\": []\n}}");
        assert_eq!(line, 2);
        assert!(
            message.contains("`fault`") && message.contains("`faults`"),
            "{message}"
        );
        let (line, message) = refusal(
            "{\"tradelocker\": {\"faults\": [\n\n{\"fault\": {\"drip\": {\"byte\": 1}}}]}}",
        );
        assert_eq!(line, 3);
        assert!(message.contains("`byte`"), "{message}");
    }

    #[test]
    fn values_out_of_range_and_unknown_routes_are_refused() {
        let one = |fault: &str| format!("{{\"tradelocker\": {{\"faults\": [{fault}]}}}}");
        let (_, message) = refusal(&one(
            r#"{"fault": {"redirect": {"status": 200, "location": "/"}}}"#,
        ));
        assert!(message.contains("300 to 399"), "{message}");
        let (_, message) = refusal(&one(r#"{"route": "place", "fault": "duplicate"}"#));
        assert!(message.contains("place_order"), "{message}");
        let (_, message) = refusal(&one(r#"{"fault": {"remove": {"pointer": "d"}}}"#));
        assert!(message.contains("slash"), "{message}");
    }
}
