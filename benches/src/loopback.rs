//! A server in a process of its own: its processor time and its memory are not the client's.
//!
//! It answers with bytes that are made before the first call, so that next to nothing of a call's
//! time is the server's.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

const SERVE: &str = "WHEELHOUSE_BENCH_SERVE";

/// The server's side of a bench, seen from the client. It ends with this value.
#[derive(Debug)]
pub struct Server {
    process: Child,
    origin: String,
}

impl Server {
    /// Starts this very program once more, as the server: it has to ask [`is_wanted`] first of all.
    ///
    /// # Panics
    ///
    /// If that cannot be done.
    pub fn start() -> Self {
        let mut process = Command::new(env::current_exe().expect("the path of this program"))
            .env(SERVE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let stdout = process.stdout.take().expect("it is piped");
        let mut origin = String::new();
        BufReader::new(stdout)
            .read_line(&mut origin)
            .expect("the server's address");
        Self {
            process,
            origin: origin.trim().to_owned(),
        }
    }

    /// Where it is, such as `http://127.0.0.1:8080`.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Tells whether this process is to be the server.
pub fn is_wanted() -> bool {
    env::var_os(SERVE).is_some()
}

/// Is the server until the parent ends. `answer` gets the target of a request, path and query, and
/// returns a whole answer; see [`json`].
///
/// # Panics
///
/// If there is no free port.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
pub fn serve<A>(answer: A)
where
    A: Fn(&str) -> Arc<[u8]> + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!("http://{}", listener.local_addr().expect("an address"));
    // The parent's end closes this process too.
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let answer = Arc::new(answer);
    for stream in listener.incoming().flatten() {
        let answer = answer.clone();
        thread::spawn(move || answer_all(stream, &*answer));
    }
}

/// A successful answer with this body.
pub fn json(body: &str) -> Arc<[u8]> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length";
    format!("{head}: {}\r\n\r\n{body}", body.len())
        .into_bytes()
        .into()
}

fn answer_all(stream: TcpStream, answer: &dyn Fn(&str) -> Arc<[u8]>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::new(stream.try_clone()?);
    let mut output = stream;
    let (mut target, mut line, mut body) = (String::new(), String::new(), 0);
    while input.read_line(&mut line)? > 0 {
        let text = line.trim_end();
        if target.is_empty() {
            target = text.split(' ').nth(1).unwrap_or_default().to_owned();
        } else if let Some((name, value)) = text.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                body = value.trim().parse().unwrap_or(0);
            }
        } else if text.is_empty() {
            std::io::copy(&mut (&mut input).take(body), &mut std::io::sink())?;
            output.write_all(&answer(&target))?;
            target.clear();
            body = 0;
        }
        line.clear();
    }
    Ok(())
}
