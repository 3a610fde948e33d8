//! One connection: read a request, let a fault or the broker have it, write the answer.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Request, Response, Shared, send};
use crate::{
    clock::{from_millis, pause},
    faults::{Armed, Kind, Moment},
    log::{Fate, RequestRecord},
};

const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 8 * 1024 * 1024;

pub(super) enum Next {
    Close,
    KeepAlive,
    Reset,
}

struct Connection<'a> {
    stream: TcpStream,
    buffer: Vec<u8>,
    shared: &'a Shared,
}

/// Serves a connection until either side has had enough.
pub(super) async fn run(stream: TcpStream, shared: &Shared) {
    let mut connection = Connection {
        stream,
        buffer: Vec::new(),
        shared,
    };
    loop {
        match connection.exchange().await {
            Ok(Next::KeepAlive) => {}
            Ok(Next::Close) => {
                let _ = connection.stream.shutdown().await;
                return;
            }
            Ok(Next::Reset) => {
                let _ = connection.stream.set_zero_linger();
                return;
            }
            Err(error) => {
                tracing::debug!(%error, "connection ended");
                return;
            }
        }
    }
}

struct Head {
    request: Request,
    keep_alive: bool,
    framing: Framing,
    expects_continue: bool,
}

enum Framing {
    Chunked,
    Length(usize),
}

impl Connection<'_> {
    async fn exchange(&mut self) -> io::Result<Next> {
        let Some(head) = self.head().await? else {
            return Ok(Next::Close);
        };
        let Head {
            mut request,
            keep_alive,
            framing,
            expects_continue,
        } = head;
        let service = &self.shared.service;
        let route = service.route(&request);
        let at = from_millis(service.now());
        let fault = self
            .shared
            .faults
            .pick(route, &request.method, &request.path);
        if fault
            .as_ref()
            .is_some_and(|fault| fault.kind == Kind::Reset(Moment::BeforeRead))
        {
            self.observe(
                &request,
                route,
                at,
                Played::new(fault.as_ref(), false, Fate::Reset),
            );
            return Ok(Next::Reset);
        }
        if expects_continue {
            self.stream
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await?;
        }
        request.body = match framing {
            Framing::Length(length) => self.body(length).await?,
            Framing::Chunked => self.chunks().await?,
        };
        let Some(fault) = fault else {
            let response = service.answer(&request);
            let fate = Fate::Answered(response.status);
            self.observe(&request, route, at, Played::new(None, true, fate));
            send::whole(&mut self.stream, &response, service.now(), keep_alive).await?;
            return Ok(if keep_alive {
                Next::KeepAlive
            } else {
                Next::Close
            });
        };
        self.play(&fault, &request, route, at, keep_alive).await
    }

    async fn play(
        &mut self,
        fault: &Armed,
        request: &Request,
        route: &'static str,
        at: time::OffsetDateTime,
        keep_alive: bool,
    ) -> io::Result<Next> {
        let service = &self.shared.service;
        let mut held = Duration::ZERO;
        if let Kind::DelayRequest(span) = &fault.kind {
            pause(*span).await;
            held = *span;
        }
        let mut response = if fault.acts {
            service.answer(request)
        } else {
            Response::json(200, &NoAnswer {})
        };
        fault.kind.spoil(&mut response);
        let fate = match &fault.kind {
            Kind::Reset(_) => Fate::Reset,
            Kind::DropAnswer => Fate::Dropped,
            _ => Fate::Answered(response.status),
        };
        self.observe(
            request,
            route,
            at,
            Played {
                held,
                ..Played::new(Some(fault), fault.acts, fate)
            },
        );
        tracing::debug!(
            route,
            fault = fault.kind.name(),
            acted = fault.acts,
            "fault"
        );
        send::spoilt(
            &mut self.stream,
            &response,
            service.now(),
            keep_alive,
            &fault.kind,
        )
        .await
    }

    fn observe(
        &self,
        request: &Request,
        route: &'static str,
        at: time::OffsetDateTime,
        played: Played,
    ) {
        let header = |name| request.header(name).map(str::to_owned);
        self.shared.service.observe(RequestRecord {
            serial: 0,
            at,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            route,
            authorized: request.header("authorization").is_some(),
            acc_num: header("accnum"),
            user_agent: header("user-agent"),
            acted: played.acted,
            fate: played.fate,
            fault: played.fault,
            held: played.held,
        });
    }

    async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            match parse(&self.buffer) {
                Ok(Some((head, length))) => {
                    self.buffer.drain(..length);
                    return Ok(Some(head));
                }
                Ok(None) if self.buffer.len() < MAX_HEAD => {
                    if !self.fill().await? {
                        return Ok(None);
                    }
                }
                Ok(None) | Err(_) => {
                    let bad = Response::empty(400).with_body("text/plain", "Bad Request");
                    let now = self.shared.service.now();
                    send::whole(&mut self.stream, &bad, now, false).await?;
                    return Ok(None);
                }
            }
        }
    }

    async fn body(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if length > MAX_BODY {
            return Err(io::Error::other("request body over the limit"));
        }
        self.need(length).await?;
        Ok(self.buffer.drain(..length).collect())
    }

    async fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let bad = |_| io::Error::other("bad chunk size");
        let mut body = Vec::new();
        loop {
            let (start, size) = loop {
                match httparse::parse_chunk_size(&self.buffer).map_err(bad)? {
                    httparse::Status::Complete((start, size)) => break (start, size),
                    httparse::Status::Partial => self.need(self.buffer.len() + 1).await?,
                }
            };
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if body.len().saturating_add(size) > MAX_BODY {
                return Err(io::Error::other("request body over the limit"));
            }
            self.need(start + size + 2).await?;
            body.extend_from_slice(&self.buffer[start..start + size]);
            self.buffer.drain(..start + size + 2);
            if size == 0 {
                return Ok(body);
            }
        }
    }

    async fn need(&mut self, length: usize) -> io::Result<()> {
        while self.buffer.len() < length {
            if !self.fill().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    async fn fill(&mut self) -> io::Result<bool> {
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }
}

struct Played {
    acted: bool,
    fate: Fate,
    fault: Option<&'static str>,
    held: Duration,
}

impl Played {
    fn new(fault: Option<&Armed>, acted: bool, fate: Fate) -> Self {
        Self {
            acted,
            fate,
            fault: fault.map(|fault| fault.kind.name()),
            held: Duration::ZERO,
        }
    }
}

#[derive(serde::Serialize)]
struct NoAnswer {}

fn parse(buffer: &[u8]) -> Result<Option<(Head, usize)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = parsed.parse(buffer)? else {
        return Ok(None);
    };
    let target = parsed.path.unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: parsed
            .headers
            .iter()
            .map(|h| {
                (
                    h.name.to_owned(),
                    String::from_utf8_lossy(h.value).into_owned(),
                )
            })
            .collect(),
        body: Vec::new(),
    };
    let has = |name: &str, word: &str| {
        request
            .header(name)
            .is_some_and(|value| value.to_ascii_lowercase().contains(word))
    };
    let framing = if has("transfer-encoding", "chunked") {
        Framing::Chunked
    } else {
        let length = request
            .header("content-length")
            .map_or(Ok(0), |text| text.trim().parse());
        Framing::Length(length.map_err(|_| httparse::Error::HeaderValue)?)
    };
    let keep_alive = match parsed.version {
        Some(1) => !has("connection", "close"),
        _ => has("connection", "keep-alive"),
    };
    let expects_continue = has("expect", "100-continue");
    Ok(Some((
        Head {
            request,
            keep_alive,
            framing,
            expects_continue,
        },
        length,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_in_two_pieces_is_read_when_whole() {
        let text = b"POST /a?b=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
        assert!(matches!(parse(&text[..20]), Ok(None)));
        let (head, length) = parse(text).unwrap().unwrap();
        assert_eq!(length, text.len() - 3);
        assert_eq!(
            (head.request.path.as_str(), head.request.query.as_str()),
            ("/a", "b=1")
        );
        assert!(head.keep_alive && matches!(head.framing, Framing::Length(3)));
    }

    #[test]
    fn a_request_that_is_not_http_is_refused() {
        assert!(parse(b"\x16\x03\x01\x00\x00\r\n\r\n").is_err());
        assert!(parse(b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n").is_err());
    }
}
