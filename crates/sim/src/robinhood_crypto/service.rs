//! From a request to the API's answer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    call::Call,
    ledger::Ledger,
    reply,
    route::{Route, resolve},
    signature,
    state::State,
};
use crate::{
    clock::SimClock,
    log::RequestRecord,
    server::{Request, Response, Service},
};

#[derive(Debug)]
pub(super) struct RobinhoodCryptoService {
    state: Mutex<State>,
    ledger: Ledger,
    clock: SimClock,
}

impl RobinhoodCryptoService {
    pub(super) fn new(state: State, ledger: Ledger, clock: SimClock) -> Self {
        Self {
            state: Mutex::new(state),
            ledger,
            clock,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for RobinhoodCryptoService {
    fn route(&self, method: &str, path: &str) -> &'static str {
        resolve(method, path).1.name()
    }

    fn answer(&self, request: &Request) -> Response {
        let mut state = self.state();
        let now = self.clock.now();
        state.settle(now);
        state.answer(request, now)
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

impl State {
    pub(super) fn settle(&mut self, now: i64) {
        let world = &self.world;
        self.users
            .iter_mut()
            .for_each(|user| user.settle(world, now));
    }

    fn answer(&mut self, request: &Request, now: i64) -> Response {
        let keys = self
            .users
            .iter()
            .map(|user| (user.api_key.as_str(), &user.public_key[..]));
        let user = match signature::check(request, keys, &self.world.settings, now) {
            Ok(user) => user,
            Err(rejection) => {
                self.world.ledger.push_rejection(rejection);
                return signature::refused();
            }
        };
        if let Err(refusal) = self.take(user, now) {
            return refusal;
        }
        let (version, route, id) = resolve(&request.method, &request.path);
        let call = Call {
            request,
            version,
            user,
            now,
        };
        let answer = match route {
            Route::Accounts => return self.accounts(&call),
            Route::BestBidAsk => self.best_bid_ask(&call),
            Route::CancelOrder => self.cancel_order(id, &call),
            Route::EstimatedPrice => self.estimated_price(&call),
            Route::Holdings => self.holdings(&call),
            Route::Order => self.order(id, &call),
            Route::Orders => self.orders(&call),
            Route::PlaceOrder => return self.place_order(&call),
            Route::TradingPairs => self.trading_pairs(&call),
            Route::Unknown => return reply::not_found(),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }
}
