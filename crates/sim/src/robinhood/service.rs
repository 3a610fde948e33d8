//! From a request to the broker's answer.

use rust_decimal::Decimal;
use serde_json::json;

use super::{
    auth::Scope,
    context::Context,
    host::Asked,
    ledger::Ledger,
    market::Quote,
    reply::{self, Answer},
    route::{Route, resolve},
    shape,
    state::State,
    text,
};
use crate::{
    broker::Broker,
    error::Result,
    server::{Request, Response},
};

impl Broker for State {
    type Route = Route;
    type Ledger = Ledger;

    fn route(request: &Request) -> Route {
        let asked = Asked::of(request);
        asked.host.map_or(Route::Unknown, |host| {
            resolve(host, &request.method, &asked.path).0
        })
    }

    fn name(route: Route) -> &'static str {
        route.name()
    }

    fn settle(&mut self, now: i64) {
        let world = &self.world;
        for user in &mut self.users {
            for account in &mut user.accounts {
                account.settle_orders(world, now);
                account.settle_option_orders(world, now);
                account.settle_events(world, now);
            }
            let cash = user.crypto.settle(world, now);
            if let Some(main) = user.accounts.first_mut() {
                main.cash += cash;
            }
        }
    }

    fn has_price(&self, name: &str) -> Result<()> {
        let market = &self.world.market;
        let found = market.symbol(name).or_else(|| market.pair_of(name));
        found
            .or_else(|| market.named_contract(name))
            .map(|_| ())
            .ok_or_else(|| self.unknown(name))
    }

    fn fix_price(&mut self, name: &str, bid: Decimal, _: i64) -> Result<()> {
        self.world.touch();
        let cent = Decimal::new(1, 2);
        let market = &mut self.world.market;
        if let Some(at) = market.symbol(name) {
            let quote = &mut market.instruments[at].quote;
            *quote = Quote {
                bid,
                ask: bid + cent,
                last: bid,
                ..*quote
            };
        } else if let Some(at) = market.pair_of(name) {
            market.pairs[at].bid = bid;
            market.pairs[at].ask = bid + cent;
        } else if let Some(at) = market.named_contract(name) {
            market.contracts[at].mark = Some(bid);
        } else {
            return Err(self.unknown(name));
        }
        Ok(())
    }

    fn answer(&mut self, request: &Request, now: i64) -> Response {
        let asked = Asked::of(request);
        let Some(host) = asked.host else {
            return reply::not_found();
        };
        if asked.path.len() + 1 + request.query.len() > self.world.settings.longest_url {
            return reply::too_long();
        }
        let (route, id) = resolve(host, &request.method, &asked.path);
        match route {
            Route::Unknown => return reply::not_found(),
            Route::WrongMethod => return reply::not_allowed(&request.method),
            route if route.is_open() => return self.open(route, id, request, now),
            _ => {}
        }
        let caller = match self.auth.caller(request, now) {
            Ok(caller) => caller,
            Err(refusal) => return refusal,
        };
        if caller.scope == Scope::Read && request.method != "GET" {
            return reply::forbidden();
        }
        let user = &self.users[caller.user];
        let context = Context {
            request,
            host,
            path: &asked.path,
            links: &asked.links,
            user: caller.user,
            user_id: user.id.clone(),
            now,
        };
        let limits = &self.world.settings.rate_limits;
        if let Err(refusal) = self.usage.request(limits, &user.username, route, now) {
            return refusal;
        }
        self.serve(route, id, &context)
            .unwrap_or_else(|refusal| refusal)
    }
}

impl State {
    fn open(&mut self, route: Route, id: &str, request: &Request, now: i64) -> Response {
        match route {
            Route::Token => self.token_endpoint(request, now),
            Route::Revoke => self.revoke(request),
            Route::UserMachine => self.user_machine(request),
            Route::UserView => self.user_view(id, now),
            Route::UserViewContinue => self.user_view_continue(id),
            Route::PromptStatus => self.prompt_status(id, now),
            Route::Challenge => self.challenge(id, now),
            Route::ChallengeRespond => self.respond(id, request, now),
            Route::IdentiMigrated => self.identi_migrated(id),
            Route::IdentiWorkflow => self.identi_workflow(id, request, now),
            _ => reply::not_found(),
        }
    }

    fn serve(&mut self, route: Route, id: &str, context: &Context<'_>) -> Answer {
        let answer = match route {
            Route::Account => return self.one_account(id, context),
            Route::Accounts => self.accounts(context),
            Route::AggregatePositions => self.aggregate_positions(context),
            Route::BasicInfo => reply::ok(&shape::BASIC_INFO.with(json!({
                "user": context.links.api("/user/"),
            }))),
            Route::BuyingPowerBreakdown => return self.buying_power_breakdown(id, context),
            Route::CancelCryptoOrder => return self.cancel_crypto_order(context.user, id),
            Route::CancelOptionOrder => self.cancel_option_order(id, context),
            Route::CancelOrder => self.cancel_order(id, context),
            Route::ChainCollateral => return self.chain_collateral(id, context),
            Route::CryptoAccounts => self.crypto_accounts(context),
            Route::CryptoHoldings => self.crypto_holdings(context),
            Route::CryptoOrder => return self.crypto_order(id, context),
            Route::CryptoOrders => self.crypto_orders(context),
            Route::CurrencyBuyingPower | Route::OptionsBuyingPower => {
                return self.buying_power(id, context);
            }
            Route::CurrencyPairs => self.currency_pairs(context),
            Route::DayTrades => return self.day_trades(id, context),
            Route::Dividends => self.dividends(context),
            Route::EmptyList => context.page(
                &self.world.settings,
                Vec::new(),
                |row: serde_json::Value| row,
            ),
            Route::ForexHistoricals => return self.forex_historicals(id, context),
            Route::ForexQuote => return self.forex_quote(id, context.now),
            Route::Fundamentals => return self.fundamentals(id, context),
            Route::Historicals => return self.historicals(id, context),
            Route::Instrument => return self.instrument(id, context),
            Route::Instruments => self.instruments(context),
            Route::MarketDataToken => self.market_data_token(context),
            Route::MarketHours => return self.market_hours(id, context),
            Route::Markets => self.markets(context),
            Route::OptionChain => return self.option_chain(id, context),
            Route::OptionChains => self.option_chains(context),
            Route::OptionEvents => self.option_events(context),
            Route::OptionHistoricals => return self.option_historicals(id, context),
            Route::OptionInstrument => return self.option_instrument(id, context),
            Route::OptionInstruments => self.option_instruments(context),
            Route::OptionOrder => return self.option_order(id, context),
            Route::OptionOrders => self.option_orders(context),
            Route::OptionPositions => self.option_positions(context),
            Route::OptionQuotes => return self.option_quotes(context),
            Route::Order => return self.order(id, context),
            Route::Orders => self.orders(context),
            Route::PatchAccount => return self.patch_account(id, context),
            Route::PlaceCryptoOrder => self.place_crypto_order(context),
            Route::PlaceOptionOrder => self.place_option_order(context),
            Route::PlaceOrder => self.place_order(context),
            Route::Portfolio => return self.portfolio(id, context),
            Route::PortfolioPerformance => return self.performance(id, context),
            Route::Portfolios => self.portfolios(context),
            Route::Positions => self.positions(context),
            Route::Presubmit => self.presubmit(),
            Route::Quote => return self.quote(id, context),
            Route::Quotes => return self.quotes(context),
            Route::TransferAccounts => self.transfer_accounts(context),
            Route::UnifiedAccount => return self.unified_account(context),
            Route::UnifiedAccounts => self.unified_accounts(context),
            Route::User => self.user(context),
            _ => reply::not_found(),
        };
        Ok(answer)
    }

    fn user(&self, context: &Context<'_>) -> Response {
        let user = &self.users[context.user];
        reply::ok(&shape::USER.with(json!({
            "url": context.links.api("/user/"),
            "id": user.id,
            "id_info": context.links.api("/user/id/"),
            "username": user.username,
            "email": user.username,
        })))
    }

    fn market_data_token(&mut self, context: &Context<'_>) -> Response {
        let token = self.world.secret();
        reply::ok(
            &json!({"status": "SUCCESS", "data": {"status": "SUCCESS", "data": {
                "token": token,
                "wss_url": "wss://api.robinhood.com/marketdata/streaming/legend/v2/",
                "expiration": text::second(context.now + text::DAY),
                "ttl_ms": text::DAY.to_string(),
                "dxfeed_id": text::uuid_of(&context.user_id),
            }}}),
        )
    }
}
