//! A scripted TCP server: it does what the test says with every connection.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What a request looked like on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) connections: AtomicUsize,
    pub(crate) bytes: AtomicUsize,
    requests: Mutex<Vec<Seen>>,
}

impl Journal {
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) journal: Arc<Journal>,
    task: JoinHandle<()>,
}

impl Peer {
    /// Runs `script` for every connection, which it gets with its number.
    pub(crate) async fn start<F, Fut>(script: F) -> Self
    where
        F: Fn(Connection, usize) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let journal = Arc::new(Journal::default());
        let shared = journal.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                let connection = Connection {
                    stream,
                    rest: Vec::new(),
                    journal: shared.clone(),
                };
                tokio::spawn(script(connection, number));
            }
        });
        Self {
            address,
            journal,
            task,
        }
    }

    /// Answers every request with the answer of its number, the last one again and again.
    pub(crate) async fn answering(answers: Vec<Vec<u8>>) -> Self {
        let answers = Arc::new(answers);
        let next = Arc::new(AtomicUsize::new(0));
        Self::start(move |mut connection, _| {
            let (answers, next) = (answers.clone(), next.clone());
            async move {
                while connection.request().await.is_some() {
                    let number = next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
                    connection.write(&answers[number]).await;
                }
            }
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    rest: Vec<u8>,
    journal: Arc<Journal>,
}

impl Connection {
    /// Reads one whole request; `None` when the client has gone.
    pub(crate) async fn request(&mut self) -> Option<Seen> {
        let end = loop {
            if let Some(at) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill().await?;
        };
        let head = String::from_utf8(self.rest[..end].to_vec()).unwrap();
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap_or(0);
        while self.rest.len() < end + length {
            self.fill().await?;
        }
        let body = self.rest[end..end + length].to_vec();
        self.rest.drain(..end + length);
        let seen = Seen { head, body };
        self.journal.requests.lock().unwrap().push(seen.clone());
        Some(seen)
    }

    async fn fill(&mut self) -> Option<()> {
        let mut buffer = [0; 4096];
        let read = self.stream.read(&mut buffer).await.ok()?;
        self.journal.bytes.fetch_add(read, Ordering::SeqCst);
        self.rest.extend_from_slice(&buffer[..read]);
        (read > 0).then_some(())
    }

    /// Writes; `false` when the client has gone.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// Ends the connection with a reset instead of a proper end.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// Keeps the connection open and silent until the client goes.
    pub(crate) async fn stall(mut self) {
        while self.fill().await.is_some() {}
    }
}

pub(crate) fn json(status: &str, extra: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{extra}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub(crate) fn ok() -> Vec<u8> {
    json("200 OK", "", r#"{"s":"ok"}"#)
}
