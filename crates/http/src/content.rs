use std::io::{self, Write};

use bytes::Bytes;
use bytestring::ByteString;
use flate2::write::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use wheelhouse_core::ErrorKind;

use crate::error::{Failure, Sent};

/// Small bodies may shrink as much as they like.
const RATIO_FREE: usize = 64 * 1024;
const MAX_RATIO: usize = 100;
/// A body that comes in one piece is kept as it came if it is as long as this, in bytes. The piece is
/// cut from the connection's buffer, of at most 408 KiB, and keeps all of it alive.
const KEPT: usize = 64 * 1024;

/// Takes the body of an answer piece by piece and keeps it within its size, counted after
/// decompression.
pub(crate) enum Intake {
    Gzip(Box<MultiGzDecoder<Sink>>),
    /// With the first piece, as long as it is the only one.
    Plain(Sink, Bytes),
}

pub(crate) struct Sink {
    bytes: Vec<u8>,
    /// How many there will be, if that is known.
    expected: usize,
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
            bytes: Vec::new(),
            expected,
            cap,
            wire: 0,
            compressed,
            full: None,
        };
        Ok(if compressed {
            Self::Gzip(Box::new(MultiGzDecoder::new(sink)))
        } else {
            Self::Plain(sink, Bytes::new())
        })
    }

    pub(crate) fn push(&mut self, chunk: Bytes) -> Result<(), Failure> {
        let written = match self {
            Self::Plain(sink, first) => {
                let is_first = sink.wire == 0;
                sink.wire += chunk.len();
                if is_first {
                    let checked = sink.check(chunk.len());
                    *first = chunk;
                    checked
                } else {
                    let first = std::mem::take(first);
                    sink.write_all(&first).and_then(|()| sink.write_all(&chunk))
                }
            }
            Self::Gzip(decoder) => {
                decoder.get_mut().wire += chunk.len();
                decoder.write_all(&chunk)
            }
        };
        written.map_err(|error| self.failure(&error))
    }

    pub(crate) fn finish(mut self) -> Result<Bytes, Failure> {
        if let Self::Gzip(decoder) = &mut self
            && decoder.get_ref().wire > 0
            && let Err(error) = decoder.try_finish()
        {
            return Err(self.failure(&error));
        }
        Ok(match self {
            Self::Plain(_, first) if first.len() >= KEPT => first,
            Self::Plain(_, first) if !first.is_empty() => Bytes::copy_from_slice(&first),
            Self::Plain(sink, _) => sink.bytes.into(),
            Self::Gzip(mut decoder) => std::mem::take(&mut decoder.get_mut().bytes).into(),
        })
    }

    fn failure(&self, error: &io::Error) -> Failure {
        let sink = match self {
            Self::Plain(sink, _) => sink,
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

impl Sink {
    /// Makes sure that the body may be `len` bytes long.
    fn check(&mut self, len: usize) -> io::Result<()> {
        if len > self.cap {
            self.full = Some("the answer is too large");
        } else if self.compressed && len > RATIO_FREE && len / MAX_RATIO > self.wire {
            self.full = Some("the answer grows more than a hundredfold when it is unpacked");
        }
        match self.full {
            Some(_) => Err(io::Error::other("full")),
            None => Ok(()),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.bytes.len() + bytes.len();
        self.check(len)?;
        if len > self.bytes.capacity() {
            let room = (self.bytes.capacity() + self.bytes.capacity() / 2)
                .max(self.expected)
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
pub(crate) fn into_text(body: Bytes) -> Result<ByteString, Failure> {
    let mark = body.len() - without_mark(&body).len();
    ByteString::try_from(body.slice(mark..)).map_err(|error| {
        let at = error.valid_up_to();
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
            intake.push(Bytes::copy_from_slice(chunk))?;
        }
        intake.finish().map(Vec::from)
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
    fn f19_a_body_is_the_same_in_one_piece_and_in_many_and_never_over_its_size() {
        let body: Vec<u8> = (0..KEPT + 1).map(|at| at as u8).collect();
        for (len, piece) in [
            (0, 1),
            (10, 10),
            (10, 3),
            (KEPT, KEPT),
            (KEPT + 1, KEPT),
            (KEPT, 999),
        ] {
            for length in [None, Some(len as u64)] {
                let take = |cap: usize| {
                    let mut intake = Intake::new(&HeaderMap::new(), length, cap)?;
                    for chunk in body[..len].chunks(piece) {
                        intake.push(Bytes::copy_from_slice(chunk))?;
                    }
                    intake.finish()
                };
                assert_eq!(take(len).unwrap(), body[..len], "{len} in {piece}");
                let failure = len.checked_sub(1).map(|cap| take(cap).unwrap_err());
                assert!(failure.is_none_or(|it| it.kind == ErrorKind::NotTheProtocol));
            }
        }
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
