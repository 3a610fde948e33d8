use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest head that is read, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// The beginning of a request, as far as a plan needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestHead {
    /// The method, such as `POST`.
    pub method: String,
    /// The path with its query.
    pub path: String,
}

/// One HTTP/1.1 message as it came: head with the empty line, and body.
pub(super) struct Message {
    pub(super) head: Vec<u8>,
    pub(super) body: Vec<u8>,
    /// Whether the connection ends with it.
    pub(super) last: bool,
    /// The body without chunks.
    content: Option<Vec<u8>>,
}

impl Message {
    pub(super) fn request(&self) -> RequestHead {
        let text = String::from_utf8_lossy(&self.head);
        let mut words = text.split_ascii_whitespace().map(str::to_owned);
        RequestHead {
            method: words.next().unwrap_or_default(),
            path: words.next().unwrap_or_default(),
        }
    }

    /// The message with only the first half of its content, whole as HTTP.
    pub(super) fn half(&self) -> Vec<u8> {
        let content = self.content.as_ref().unwrap_or(&self.body);
        let half = &content[..content.len() / 2];
        let head = unframed(&self.head);
        let mut bytes = format!("{head}content-length: {}\r\n\r\n", half.len()).into_bytes();
        bytes.extend_from_slice(half);
        bytes
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        [self.head.as_slice(), &self.body].concat()
    }
}

/// Reads messages off a connection; keeps what came too early.
pub(super) struct Reader<R> {
    pub(super) from: R,
    early: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(from: R) -> Self {
        let early = Vec::new();
        Self { from, early }
    }

    /// Reads a request; `None` if the client closes instead.
    pub(super) async fn request(&mut self) -> io::Result<Option<Message>> {
        match self.head().await? {
            Some(head) => self.rest(head, false).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads the answer to a request with this method, passing over interim ones.
    pub(super) async fn answer(&mut self, method: &str) -> io::Result<Message> {
        loop {
            let Some(head) = self.head().await? else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            let status = head.get(9..12).unwrap_or_default().to_vec();
            if status.first() == Some(&b'1') {
                continue;
            }
            if method == "HEAD" || status == b"204" || status == b"304" {
                return Ok(Message {
                    last: Framing::of(&head).close,
                    head,
                    body: Vec::new(),
                    content: None,
                });
            }
            return self.rest(head, true).await;
        }
    }

    async fn head(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = find(&self.early, b"\r\n\r\n") {
                let rest = self.early.split_off(end + 4);
                return Ok(Some(std::mem::replace(&mut self.early, rest)));
            }
            if self.early.len() > MAX_HEAD {
                return Err(io::Error::other("the head is too long"));
            }
            if !self.more().await? {
                return match self.early.is_empty() {
                    true => Ok(None),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    async fn rest(&mut self, head: Vec<u8>, to_the_end: bool) -> io::Result<Message> {
        let framing = Framing::of(&head);
        let mut last = framing.close;
        let mut content = None;
        let body = if framing.chunked {
            let (body, inside) = self.chunks().await?;
            content = Some(inside);
            body
        } else if let Some(length) = framing.length {
            self.exactly(length).await?
        } else if to_the_end {
            last = true;
            while self.more().await? {}
            std::mem::take(&mut self.early)
        } else {
            Vec::new()
        };
        Ok(Message {
            head,
            body,
            last,
            content,
        })
    }

    /// Reads a chunked body: as it came, and what is inside.
    async fn chunks(&mut self) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let (mut body, mut inside) = (Vec::new(), Vec::new());
        loop {
            let line = self.line().await?;
            let text = String::from_utf8_lossy(&line);
            let size = text.trim().split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
            body.extend_from_slice(&line);
            if size == 0 {
                loop {
                    let trailer = self.line().await?;
                    body.extend_from_slice(&trailer);
                    if trailer == b"\r\n" {
                        return Ok((body, inside));
                    }
                }
            }
            let chunk = self.exactly(size + 2).await?;
            inside.extend_from_slice(&chunk[..size]);
            body.extend_from_slice(&chunk);
        }
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = find(&self.early, b"\r\n") {
                return self.exactly(end + 2).await;
            }
            if !self.more().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.early.len() < length {
            if !self.more().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = self.early.split_off(length);
        Ok(std::mem::replace(&mut self.early, rest))
    }

    async fn more(&mut self) -> io::Result<bool> {
        Ok(self.from.read_buf(&mut self.early).await? > 0)
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// What a head says about its body and its connection.
#[derive(Default)]
struct Framing {
    length: Option<usize>,
    chunked: bool,
    close: bool,
}

impl Framing {
    fn of(head: &[u8]) -> Self {
        let text = String::from_utf8_lossy(head);
        let mut framing = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
            let says = |word: &str| value.to_ascii_lowercase().contains(word);
            if name.eq_ignore_ascii_case("content-length") {
                framing.length = value.trim().parse().ok();
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                framing.chunked = says("chunked");
            } else if name.eq_ignore_ascii_case("connection") {
                framing.close = says("close");
            }
        }
        framing
    }
}

/// Returns the head without what frames the body and without the empty line at its end.
fn unframed(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    let frames = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default();
        name.eq_ignore_ascii_case("content-length")
            || name.eq_ignore_ascii_case("transfer-encoding")
    };
    let kept = text
        .lines()
        .filter(|line| !line.is_empty() && !frames(line));
    kept.flat_map(|line| [line, "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(bytes: &[u8]) -> Message {
        Reader::new(bytes).answer("GET").await.unwrap()
    }

    #[tokio::test]
    async fn bodies_are_read_by_length_by_chunks_and_to_the_end() {
        let sized = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 500";
        assert_eq!(answer(sized).await.body, b"body");
        let chunked =
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n2;x\r\nes\r\n0\r\n\r\n";
        let message = answer(chunked).await;
        assert_eq!(message.content.as_deref(), Some(&b"bodyes"[..]));
        assert_eq!(message.bytes(), chunked[25..]);
        let endless = answer(b"HTTP/1.1 200 OK\r\n\r\nall of it").await;
        assert_eq!(
            (endless.body.as_slice(), endless.last),
            (&b"all of it"[..], true)
        );
    }

    #[tokio::test]
    async fn half_an_answer_is_whole_as_http() {
        let message =
            answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX: y\r\n\r\n{\"s\":\"ok\"}").await;
        let half = message.half();
        let text = String::from_utf8(half).unwrap();
        assert_eq!(
            text,
            "HTTP/1.1 200 OK\r\nX: y\r\ncontent-length: 5\r\n\r\n{\"s\":"
        );
    }
}
