use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use wheelhouse_core::ErrorKind;

use crate::error::{Failure, Sent};

/// Small bodies may shrink as much as they like.
const RATIO_FREE: usize = 64 * 1024;
const MAX_RATIO: usize = 100;

/// Takes the body of an answer piece by piece and keeps it within its size, counted after
/// decompression.
pub(crate) enum Intake {
    Gzip(Box<MultiGzDecoder<Sink>>),
    Plain(Sink),
}

pub(crate) struct Sink {
    bytes: Vec<u8>,
    cap: usize,
    /// How many bytes came over the wire.
    wire: usize,
    compressed: bool,
    full: Option<&'static str>,
}

impl Intake {
    pub(crate) fn new(
        headers: &HeaderMap,
        length: Option<u64>,
        cap: usize,
    ) -> Result<Self, Failure> {
        let compressed = is_gzip(headers)?;
        if length.is_some_and(|length| length > cap as u64) {
            return Err(too_large("the answer is too large", cap));
        }
        let expected = match length {
            Some(length) if !compressed => usize::try_from(length).unwrap_or(0),
            _ => 0,
        };
        let sink = Sink {
            bytes: Vec::with_capacity(expected),
            cap,
            wire: 0,
            compressed,
            full: None,
        };
        Ok(if compressed {
            Self::Gzip(Box::new(MultiGzDecoder::new(sink)))
        } else {
            Self::Plain(sink)
        })
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        let written = match self {
            Self::Plain(sink) => {
                sink.wire += chunk.len();
                sink.write_all(chunk)
            }
            Self::Gzip(decoder) => {
                decoder.get_mut().wire += chunk.len();
                decoder.write_all(chunk)
            }
        };
        written.map_err(|error| self.failure(&error))
    }

    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Failure> {
        if let Self::Gzip(decoder) = &mut self
            && decoder.get_ref().wire > 0
            && let Err(error) = decoder.try_finish()
        {
            return Err(self.failure(&error));
        }
        Ok(match self {
            Self::Plain(sink) => sink.bytes,
            Self::Gzip(mut decoder) => std::mem::take(&mut decoder.get_mut().bytes),
        })
    }

    fn failure(&self, error: &io::Error) -> Failure {
        let sink = match self {
            Self::Plain(sink) => sink,
            Self::Gzip(decoder) => decoder.get_ref(),
        };
        match sink.full {
            Some(why) => too_large(why, sink.cap),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                not_the_protocol("the answer was cut off within its gzip stream")
            }
            None => not_the_protocol("the answer says that it is gzip and is not, or is damaged"),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.bytes.len() + bytes.len();
        if len > self.cap {
            self.full = Some("the answer is too large");
        } else if self.compressed && len > RATIO_FREE && len / MAX_RATIO > self.wire {
            self.full = Some("the answer grows more than a hundredfold when it is unpacked");
        }
        if self.full.is_some() {
            return Err(io::Error::other("full"));
        }
        if len > self.bytes.capacity() {
            let room = (self.bytes.capacity() + self.bytes.capacity() / 2)
                .max(len)
                .min(self.cap);
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Failure> {
    let mut gzip = false;
    for value in headers.get_all(CONTENT_ENCODING) {
        let name = value.as_bytes().trim_ascii();
        if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
            continue;
        }
        let known = name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip");
        if gzip || !known {
            return Err(not_the_protocol(
                "the answer is encoded in a way that was not asked for",
            ));
        }
        gzip = true;
    }
    Ok(gzip)
}

fn not_the_protocol(message: &'static str) -> Failure {
    Failure::new(ErrorKind::NotTheProtocol, Sent::Answered, message)
}

fn too_large(why: &str, cap: usize) -> Failure {
    let message = format!("{why}; at most {cap} bytes are taken");
    Failure::new(ErrorKind::NotTheProtocol, Sent::Answered, message)
}

/// What a body is, as far as can be told without parsing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Empty,
    Json,
    Markup,
    Text,
}

impl Content {
    pub(crate) fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        let body = without_mark(body);
        let Some(first) = body.iter().find(|byte| !byte.is_ascii_whitespace()) else {
            return Self::Empty;
        };
        let declared = headers
            .get(CONTENT_TYPE)
            .map_or(&b""[..], |value| value.as_bytes());
        let markup = [&b"text/html"[..], b"application/xhtml"];
        let is_markup = |kind: &&[u8]| {
            declared
                .get(..kind.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(kind))
        };
        match first {
            b'<' => Self::Markup,
            _ if markup.iter().any(is_markup) => Self::Markup,
            b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' => Self::Json,
            b't' | b'f' | b'n' if matches!(body.trim_ascii(), b"true" | b"false" | b"null") => {
                Self::Json
            }
            _ => Self::Text,
        }
    }
}

/// Turns the body into text, without the byte order mark that some servers put in front.
pub(crate) fn into_text(mut body: Vec<u8>) -> Result<String, Failure> {
    let mark = body.len() - without_mark(&body).len();
    if mark > 0 {
        body.drain(..mark);
    }
    String::from_utf8(body).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let message = format!("the answer is not UTF-8, at byte {at}");
        Failure::new(ErrorKind::UnexpectedAnswer, Sent::Answered, message)
    })
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};
    use reqwest::header::HeaderValue;

    use super::*;

    const CAP: usize = 1024 * 1024;

    fn headers(encoding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(encoding))])
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(packed: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut intake = Intake::new(&headers("gzip"), None, CAP)?;
        for chunk in packed.chunks(7) {
            intake.push(chunk)?;
        }
        intake.finish()
    }

    #[test]
    fn f17_every_truncation_and_a_wrong_checksum_are_errors() {
        let whole: Vec<u8> = (0..2_000_u32).flat_map(u32::to_le_bytes).collect();
        let packed = gzip(&whole);
        assert_eq!(unpack(&packed).unwrap(), whole);
        for end in 1..packed.len() {
            let failure = unpack(&packed[..end]).unwrap_err();
            assert_eq!(
                failure.kind,
                ErrorKind::NotTheProtocol,
                "{end} of {}",
                packed.len()
            );
        }
        let mut damaged = packed.clone();
        let crc = damaged.len() - 8;
        damaged[crc] ^= 1;
        assert!(unpack(&damaged).is_err());
        assert!(unpack(b"{\"s\":\"ok\"}").is_err());
        let two = [gzip(b"{\"a\":"), gzip(b"1}")].concat();
        assert_eq!(unpack(&two).unwrap(), b"{\"a\":1}");
        assert!(unpack(&[gzip(b"{}"), b"junk".to_vec()].concat()).is_err());
    }

    #[test]
    fn f17_other_encodings_are_refused() {
        for encoding in ["br", "deflate", "zstd", "gzip, gzip", "nonsense"] {
            assert!(
                Intake::new(&headers(encoding), None, CAP).is_err(),
                "{encoding}"
            );
        }
        assert!(Intake::new(&headers("identity"), None, CAP).is_ok());
    }

    #[test]
    fn f19_a_bomb_is_stopped_by_its_ratio() {
        let failure = unpack(&gzip(&vec![0; 900 * 1024])).unwrap_err();
        assert!(
            failure.message.contains("hundredfold"),
            "{}",
            failure.message
        );
    }

    #[test]
    fn f2_html_is_told_from_json_by_type_and_first_byte() {
        let of = |kind: &'static str, body: &str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            Content::of(&headers, body.as_bytes())
        };
        assert_eq!(
            of("application/json", " \n<!doctype html>"),
            Content::Markup
        );
        assert_eq!(of("Text/HTML; charset=utf-8", "Sorry"), Content::Markup);
        assert_eq!(of("text/plain", "{\"s\":1}"), Content::Json);
        assert_eq!(of("application/json", "\u{feff}[1]"), Content::Json);
        assert_eq!(of("application/json", "not found"), Content::Text);
        assert_eq!(of("application/json", "null\n"), Content::Json);
        assert_eq!(of("text/html", " \r\n"), Content::Empty);
    }
}
