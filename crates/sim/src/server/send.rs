//! Writing answers: as they should be, and as a fault wants them.

use std::{
    io,
    time::{Duration, UNIX_EPOCH},
};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{Response, connection::Next};
use crate::{
    clock::pause,
    faults::{Kind, StallAt},
};

/// Writes a proper answer.
pub(super) async fn whole(
    stream: &mut TcpStream,
    response: &Response,
    now: i64,
    keep_alive: bool,
) -> io::Result<()> {
    stream
        .write_all(&bytes(response, now, keep_alive, response.body.len()))
        .await
}

/// Writes an answer the way a fault wants it, and says what becomes of the connection.
pub(super) async fn spoilt(
    stream: &mut TcpStream,
    response: &Response,
    now: i64,
    keep_alive: bool,
    kind: &Kind,
) -> io::Result<Next> {
    let length = response.body.len();
    let full = bytes(response, now, keep_alive, length);
    let head = full.len() - length;
    let next = if keep_alive {
        Next::KeepAlive
    } else {
        Next::Close
    };
    match kind {
        Kind::Reset(_) => return Ok(Next::Reset),
        Kind::DropAnswer => return Ok(Next::Close),
        Kind::DelayAnswer(span) => {
            pause(*span).await;
            stream.write_all(&full).await?;
        }
        Kind::Duplicate => {
            stream.write_all(&full).await?;
            stream.write_all(&full).await?;
        }
        Kind::Truncate { keep } => {
            stream.write_all(&full[..head + length.min(*keep)]).await?;
            return Ok(Next::Close);
        }
        Kind::Drip { bytes, every } => {
            stream.write_all(&full[..head]).await?;
            for piece in response.body.chunks((*bytes).max(1)) {
                pause(*every).await;
                stream.write_all(piece).await?;
            }
        }
        Kind::ContentLength { off_by } => {
            let said = length.saturating_add_signed(isize::try_from(*off_by).unwrap_or(0));
            stream
                .write_all(&bytes(response, now, keep_alive, said))
                .await?;
            // Too short a length leaves bytes on a connection that stays open; too long a one can
            // only be noticed when the connection ends.
            return Ok(if *off_by < 0 { next } else { Next::Close });
        }
        Kind::HugeBody { bytes } => {
            huge(stream, response, now, *bytes).await?;
        }
        Kind::Informational {
            status,
            count,
            every,
        } => {
            let line = format!("HTTP/1.1 {status} {}\r\n\r\n", reason(*status));
            let mut sent = 0;
            while *count == 0 || sent < *count {
                stream.write_all(line.as_bytes()).await?;
                pause(*every).await;
                sent += 1;
            }
            stream.write_all(&full).await?;
        }
        Kind::Stall(at) => {
            let end = match at {
                StallAt::BeforeHead => 0,
                StallAt::AfterHead => head,
                StallAt::MidBody => head + length / 2,
            };
            stream.write_all(&full[..end]).await?;
            hold(stream).await;
            return Ok(Next::Close);
        }
        Kind::Raw(raw) => {
            stream.write_all(raw).await?;
            return Ok(Next::Close);
        }
        Kind::CloseQuietly => {
            stream
                .write_all(&bytes(response, now, true, length))
                .await?;
            return Ok(Next::Close);
        }
        _ => stream.write_all(&full).await?,
    }
    Ok(next)
}

/// Keeps a silent connection until the other side gives up.
async fn hold(stream: &mut TcpStream) {
    let mut waste = [0_u8; 256];
    while let Ok(read) = tokio::io::AsyncReadExt::read(stream, &mut waste).await {
        if read == 0 {
            return;
        }
    }
}

async fn huge(stream: &mut TcpStream, response: &Response, now: i64, bytes: u64) -> io::Result<()> {
    let mut response = response.clone();
    response.set_header("transfer-encoding", "chunked");
    stream.write_all(&head(&response, now, true, None)).await?;
    let piece = [b' '; 16 * 1024];
    let mut left = bytes;
    while left > 0 {
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        stream.write_all(format!("{size:x}\r\n").as_bytes()).await?;
        stream.write_all(&piece[..size]).await?;
        stream.write_all(b"\r\n").await?;
        left -= size as u64;
    }
    stream.write_all(b"0\r\n\r\n").await
}

fn bytes(response: &Response, now: i64, keep_alive: bool, said: usize) -> Vec<u8> {
    let mut out = head(response, now, keep_alive, Some(said));
    out.extend_from_slice(&response.body);
    out
}

fn head(response: &Response, now: i64, keep_alive: bool, said: Option<usize>) -> Vec<u8> {
    let mut text = format!(
        "HTTP/1.1 {} {}\r\n",
        response.status,
        reason(response.status)
    );
    for (name, value) in &response.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !response.has_header("date") {
        let since = Duration::from_millis(u64::try_from(now).unwrap_or(0));
        text.push_str(&format!(
            "date: {}\r\n",
            httpdate::fmt_http_date(UNIX_EPOCH + since)
        ));
    }
    if let Some(said) = said.filter(|_| response.status != 204 && response.status >= 200) {
        text.push_str(&format!("content-length: {said}\r\n"));
    }
    if !keep_alive {
        text.push_str("connection: close\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
