//! A proxy on loopback that breaks HTTP exchanges on purpose.

mod connection;
mod message;
mod naive;
mod plan;

use std::{
    collections::BTreeMap,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{net::TcpListener, task::JoinHandle};

use self::connection::serve;
pub use self::{
    message::RequestHead,
    naive::NaiveClient,
    plan::{FaultPlan, ProxyFault},
};

/// Stands between an HTTP/1.1 client and a server on loopback, and breaks what a plan says.
///
/// Requests are forwarded whole, or not at all; so what was forwarded has been acted on, and what was
/// not has not. Connections are kept alive. It ends when it is dropped.
///
/// ```no_run
/// use wheelhouse_testkit::{FaultPlan, FaultProxy};
///
/// # async fn run(server: std::net::SocketAddr) -> std::io::Result<()> {
/// let plan = FaultPlan::seeded(7).percent(20).only(|head| head.method == "POST");
/// let proxy = FaultProxy::start(server, plan).await?;
/// println!("connect to http://{}", proxy.addr());
/// println!("did {:?}", proxy.counts());
/// # Ok(())
/// # }
/// ```
pub struct FaultProxy {
    addr: SocketAddr,
    shared: Arc<SharedState>,
    accepting: JoinHandle<()>,
}

struct SharedState {
    server: SocketAddr,
    plan: FaultPlan,
    numbers: AtomicU64,
    counts: Mutex<BTreeMap<ProxyFault, u64>>,
}

impl FaultProxy {
    /// Starts a proxy before `server` on a free loopback port, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// Fails if no port can be had.
    pub async fn start(server: SocketAddr, plan: FaultPlan) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(SharedState {
            server,
            plan,
            numbers: AtomicU64::new(0),
            counts: Mutex::new(BTreeMap::new()),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self {
            addr,
            shared,
            accepting,
        })
    }

    /// Returns the address to connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns how often it did what, passing included, to requests that the plan is for.
    pub fn counts(&self) -> BTreeMap<ProxyFault, u64> {
        let counts = self.shared.counts.lock();
        counts.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns how many requests were broken.
    pub fn faults(&self) -> u64 {
        let counts = self.counts();
        let broken = counts
            .iter()
            .filter(|(fault, _)| **fault != ProxyFault::Pass);
        broken.map(|(_, count)| count).sum()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("addr", &self.addr)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl SharedState {
    /// Says what to do with a request, and counts it.
    fn decide(&self, head: &RequestHead) -> ProxyFault {
        if !self.plan.is_for(head) {
            return ProxyFault::Pass;
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let fault = self.plan.fault(number);
        let counts = self.counts.lock();
        let mut counts = counts.unwrap_or_else(PoisonError::into_inner);
        *counts.entry(fault).or_default() += 1;
        fault
    }
}

async fn accept(listener: TcpListener, shared: Arc<SharedState>) {
    // Dropped with this task, the set ends the connections.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if let Ok((client, _)) = listener.accept().await {
            connections.spawn(serve(client, shared.clone()));
        }
    }
}
