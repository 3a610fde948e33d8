//! The line between the workers and the broker.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Passes on what the workers and the broker send. What the broker sends can be kept back, so that
/// an answer is under way for as long as a test wants.
pub(super) struct Relay {
    addr: SocketAddr,
    open: watch::Sender<bool>,
}

impl Relay {
    pub(super) async fn start(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (open, gate) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((worker, _)) = listener.accept().await {
                // A worker whose line breaks off sees that, as it would of any other line.
                tokio::spawn(pass(worker, broker, gate.clone()));
            }
        });
        Self { addr, open }
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(super) fn keep_answers(&self, keep: bool) {
        self.open.send_replace(!keep);
    }
}

async fn pass(worker: TcpStream, broker: SocketAddr, mut gate: watch::Receiver<bool>) {
    let broker = TcpStream::connect(broker).await.unwrap();
    for line in [&worker, &broker] {
        line.set_nodelay(true).unwrap();
    }
    let (mut questions, mut to_worker) = worker.into_split();
    let (mut answers, mut to_broker) = broker.into_split();
    let out = async {
        let _ = tokio::io::copy(&mut questions, &mut to_broker).await;
        let _ = to_broker.shutdown().await;
    };
    let back = async {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = answers.read(&mut bytes).await {
            let opened = gate.wait_for(|open| *open).await.is_ok();
            if !opened || to_worker.write_all(&bytes[..count]).await.is_err() {
                break;
            }
        }
        let _ = to_worker.shutdown().await;
    };
    tokio::join!(out, back);
}
