use std::{fmt, io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// An HTTP client as it is often written: it trusts an answer that looks right, and knows nothing
/// of what became of a request without one. Whoever tries again with it places orders twice; a
/// fault proxy that does not bring that about is too kind.
///
/// ```no_run
/// # use std::{io, net::SocketAddr, time::Duration};
/// use wheelhouse_testkit::NaiveClient;
///
/// # async fn run(proxy: SocketAddr) -> io::Result<()> {
/// let client = NaiveClient::new(proxy, Duration::from_secs(1)).header("authorization", "…");
/// for _ in 0..4 {
///     match client.send("POST", "/orders", r#"{"qty":1}"#).await {
///         Ok(answer) if answer.contains("orderId") => break,
///         _ => {} // try again: this is the mistake
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct NaiveClient {
    server: SocketAddr,
    patience: Duration,
    headers: String,
}

impl NaiveClient {
    /// Makes a client of a server, or of a proxy before it, that waits so long for an answer, in
    /// real time.
    #[must_use]
    pub fn new(server: SocketAddr, patience: Duration) -> Self {
        Self {
            server,
            patience,
            headers: String::new(),
        }
    }

    /// Adds a header to every request, beside those for the host, the length and the type, which is
    /// JSON.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Sends a request on a connection of its own and returns the body of what comes back, whatever
    /// the status, up to the end of the connection. It is what was sent, chunks and all.
    ///
    /// # Errors
    ///
    /// What goes wrong with the connection, a time-out, an answer without a body.
    #[expect(
        clippy::disallowed_methods,
        reason = "a naive client has a timeout, no clock"
    )]
    pub async fn send(&self, method: &str, path: &str, body: &str) -> io::Result<String> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n{}\r\n{body}",
            self.server,
            body.len(),
            self.headers,
        );
        let exchange = async {
            let mut stream = TcpStream::connect(self.server).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, io::Error>(answer)
        };
        let mut answer = timeout(self.patience, exchange).await??;
        let head = answer
            .find("\r\n\r\n")
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(answer.split_off(head + 4))
    }
}

/// Headers can hold a token.
impl fmt::Debug for NaiveClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NaiveClient")
            .field("server", &self.server)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
