//! A small HTTP/1.1 server whose bytes are ours.
//!
//! Faults have to reset, cut, repeat and stall at exact places of the wire, which a complete HTTP
//! library rightly does not allow; hence a connection loop of our own over `httparse`.

mod connection;
mod message;
mod send;

use std::{net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::message::{Request, Response, decode};
use crate::{
    error::{Result, SimError},
    faults::Faults,
    log::RequestRecord,
};

/// A broker behind the server. Everything is synchronous: a broker only changes its own memory.
pub(crate) trait Service: Send + Sync + 'static {
    /// The name of the route, for faults and records.
    fn route(&self, request: &Request) -> &'static str;
    /// Acts on a request.
    fn answer(&self, request: &Request) -> Response;
    /// Takes note of a request; `serial` is filled in here.
    fn observe(&self, record: RequestRecord);
    /// Simulated time in milliseconds since the epoch.
    fn now(&self) -> i64;
}

pub(crate) struct Shared {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) faults: Faults,
}

/// A listener and its connections; dropping it stops them.
#[derive(Debug)]
pub(crate) struct Server {
    addr: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    pub(crate) async fn start(
        addr: SocketAddr,
        service: Arc<dyn Service>,
        faults: Faults,
    ) -> Result<Self> {
        if !addr.ip().is_loopback() {
            return Err(SimError::NotLoopback { addr });
        }
        let bind = |source| SimError::Bind { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(bind)?;
        let local = listener.local_addr().map_err(bind)?;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let shared = Arc::new(Shared { service, faults });
        tasks.spawn(accept(listener, shared, stop.clone(), tasks.clone()));
        Ok(Self {
            addr: local,
            stop,
            tasks,
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors: give connections a moment to end instead of spinning.
            crate::clock::pause(std::time::Duration::from_millis(20)).await;
            continue;
        };
        if shared.faults.resets_next_connection() {
            let _ = stream.set_zero_linger();
            continue;
        }
        let _ = stream.set_nodelay(true);
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = connection::run(stream, &shared) => {}
            }
        });
    }
}
