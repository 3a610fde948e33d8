//! From a request to the API's answer.

use rust_decimal::Decimal;

use super::{
    call::Call,
    ledger::Ledger,
    reply,
    route::{Route, resolve},
    signature,
    state::{Pair, State},
};
use crate::{
    broker::Broker,
    error::{Result, SimError},
    server::{Request, Response},
};

impl Broker for State {
    type Route = Route;
    type Ledger = Ledger;

    fn route(request: &Request) -> Route {
        resolve(&request.method, &request.path).1
    }

    fn name(route: Route) -> &'static str {
        route.name()
    }

    fn has_price(&self, name: &str) -> Result<()> {
        self.place(name).map(|_| ())
    }

    fn fix_price(&mut self, name: &str, bid: Decimal, _: i64) -> Result<()> {
        self.world.version += 1;
        let at = self.place(name)?;
        let pair = &mut self.world.pairs[at];
        pair.bid = bid;
        pair.ask = bid + Decimal::new(1, 2);
        Ok(())
    }

    fn settle(&mut self, now: i64) {
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

impl State {
    /// Where the pair of that symbol stands.
    fn place(&self, symbol: &str) -> Result<usize> {
        let pairs = &self.world.pairs;
        let at = pairs.iter().position(|pair| pair.symbol() == symbol);
        at.ok_or_else(|| {
            let known: Vec<String> = pairs.iter().map(Pair::symbol).collect();
            let (name, known) = (symbol.to_owned(), known.join(", "));
            SimError::UnknownInstrument { name, known }
        })
    }
}
