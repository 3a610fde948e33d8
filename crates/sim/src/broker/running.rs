//! A broker behind its server.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rust_decimal::Decimal;

use super::{Move, Observes, moves::Moves};
use crate::{
    clock::SimClock,
    error::Result,
    faults::{Fault, Faults},
    log::RequestRecord,
    server::{Request, Response, Server, Service},
};

/// Entries that each list of a ledger keeps.
const LEDGER: usize = 100_000;

/// Everything that a simulated broker remembers, and what requests, prices and time do to it.
pub(crate) trait Broker: Send + Sized + 'static {
    type Route: fmt::Debug + Copy + Eq + Send + 'static;
    type Ledger: Observes;

    fn route(request: &Request) -> Self::Route;
    /// The name of a route, for faults and records.
    fn name(route: Self::Route) -> &'static str;
    /// Acts on a request.
    fn answer(&mut self, request: &Request, now: i64) -> Response;
    /// Everything that time and prices have done until now.
    fn settle(&mut self, now: i64);
    /// That something with a price has this name.
    fn has_price(&self, name: &str) -> Result<()>;
    fn fix_price(&mut self, name: &str, bid: Decimal, now: i64) -> Result<()>;
}

/// What a broker is made of.
pub(crate) struct Plan<U, S, C> {
    pub(crate) addr: SocketAddr,
    pub(crate) seed: u64,
    pub(crate) users: Vec<U>,
    pub(crate) settings: S,
    pub(crate) script: C,
}

/// The users, or the one that there is without any.
pub(crate) fn users_or<U>(users: Vec<U>, demo: fn() -> U) -> Vec<U> {
    if users.is_empty() {
        vec![demo()]
    } else {
        users
    }
}

/// What a broker begins with: where, and what its script says.
pub(crate) struct Opening<R> {
    pub(crate) addr: SocketAddr,
    /// From which the chances of faults follow.
    pub(crate) seed: u64,
    pub(crate) faults: Vec<Fault>,
    pub(crate) moves: Vec<Move<R>>,
    pub(crate) prices: BTreeMap<String, Decimal>,
}

/// A running broker; dropping it stops it.
pub(crate) struct Running<B: Broker> {
    host: Arc<Host<B>>,
    server: Server,
    faults: Faults,
}

struct Host<B: Broker> {
    state: Mutex<B>,
    moves: Mutex<Moves<B::Route>>,
    ledger: B::Ledger,
    clock: SimClock,
}

impl<B: Broker> Running<B> {
    /// Starts a broker that is made with its ledger.
    pub(crate) async fn start(
        opening: Opening<B::Route>,
        clock: SimClock,
        make: impl FnOnce(B::Ledger) -> Result<B>,
    ) -> Result<Self> {
        let ledger = B::Ledger::of(LEDGER);
        let faults = Faults::new(opening.seed);
        let mut state = make(ledger.clone())?;
        for (name, bid) in opening.prices {
            state.fix_price(&name, bid, clock.now())?;
        }
        for name in opening.moves.iter().flat_map(|later| later.prices.keys()) {
            state.has_price(name)?;
        }
        opening.faults.into_iter().for_each(|fault| {
            faults.add(fault);
        });
        let host = Arc::new(Host {
            state: Mutex::new(state),
            moves: Mutex::new(Moves::new(clock.now(), opening.moves)),
            ledger,
            clock,
        });
        let server = Server::start(opening.addr, host.clone(), faults.clone()).await?;
        Ok(Self {
            host,
            server,
            faults,
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    pub(crate) fn ledger(&self) -> &B::Ledger {
        &self.host.ledger
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(crate) fn now(&self) -> i64 {
        self.host.clock.now()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, B> {
        self.host.state()
    }

    /// The state after everything that time has done until now.
    pub(crate) fn settled(&self) -> MutexGuard<'_, B> {
        let mut state = self.state();
        self.host.settle(&mut state, self.now());
        state
    }

    pub(crate) async fn shutdown(&self) {
        self.server.shutdown().await;
    }
}

impl<B: Broker> Host<B> {
    fn state(&self) -> MutexGuard<'_, B> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moves(&self) -> MutexGuard<'_, Moves<B::Route>> {
        self.moves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that time has done until now, price after price.
    fn settle(&self, state: &mut B, now: i64) {
        let mut moves = self.moves();
        while let Some((at, change)) = moves.due(now) {
            self.play(state, change, at);
            state.settle(at);
        }
        state.settle(now);
    }

    fn play(&self, state: &mut B, change: Move<B::Route>, now: i64) {
        for (name, bid) in change.prices {
            let moved = state.fix_price(&name, bid, now);
            debug_assert!(moved.is_ok(), "its name has been looked at: {name}");
        }
        self.clock.advance(change.advance);
    }
}

impl<B: Broker> Service for Host<B> {
    fn route(&self, request: &Request) -> &'static str {
        B::name(B::route(request))
    }

    fn answer(&self, request: &Request) -> Response {
        let mut state = self.state();
        let now = self.clock.now();
        self.settle(&mut state, now);
        let response = state.answer(request, now);
        for change in self.moves().count(B::route(request)) {
            self.play(&mut state, change, now);
        }
        response
    }

    fn observe(&self, record: RequestRecord) {
        let RequestRecord {
            route,
            method,
            path,
            query,
            fate,
            ..
        } = &record;
        tracing::debug!(target: "wheelhouse_sim::requests", route, method, path, query, ?fate);
        self.ledger.observe(record);
    }

    fn now(&self) -> i64 {
        self.clock.now()
    }
}
