//! From a request to the broker's answer.

use rust_decimal::Decimal;

use super::{Route, ledger::Ledger, market::Quote, reply, route::Target, state::State};
use crate::{
    broker::Broker,
    error,
    server::{Request, Response},
};

impl Broker for State {
    type Route = Route;
    type Ledger = Ledger;

    fn route(request: &Request) -> Route {
        Target::of(&request.method, &request.path).route
    }

    fn name(route: Route) -> &'static str {
        route.name()
    }

    fn has_price(&self, name: &str) -> error::Result<()> {
        self.named(name).map(|_| ())
    }

    fn fix_price(&mut self, name: &str, bid: Decimal, now: i64) -> error::Result<()> {
        let index = self.named(name)?;
        let bid = self.world.market.instruments[index].round(bid);
        let ask = bid + self.world.market.spread(index, bid);
        self.world.market.set(index, Quote { bid, ask });
        self.trigger(now);
        Ok(())
    }

    fn settle(&mut self, now: i64) {
        self.catch_up(now);
    }

    fn answer(&mut self, request: &Request, now: i64) -> Response {
        let Target { route, id } = Target::of(&request.method, &request.path);
        match route {
            Route::Unknown => return reply::refused(404, "Not Found"),
            Route::Token => return self.login(request, now),
            Route::Refresh => return self.refresh(request, now),
            Route::AccountsTokens => return self.stream_tokens(request, now),
            _ => {}
        }
        let Some(user) = self.auth.user(request, self.users.len(), now) else {
            return reply::refused(401, "Unauthorized");
        };
        if route == Route::AllAccounts {
            return self.all_accounts(user);
        }
        let account = match self.account_of(user, request) {
            Ok(account) => account,
            Err(refusal) => return refusal,
        };
        if let Err(refusal) = self
            .usage
            .take(&self.world.settings.rate_limits, user, route, now)
        {
            return refusal;
        }
        if has_account_in_path(route)
            && let Err(refusal) = self.check_path_account(account, id)
        {
            return refusal;
        }
        let answer = match route {
            Route::AccountState => return self.account_state(account, now),
            Route::Accounts => return self.trade_accounts(account),
            Route::CancelAllOrders => return self.cancel_all(account, request, now),
            Route::CancelOrder => return self.cancel(account, id, now),
            Route::CloseAllPositions => return self.close_all(account, request, now),
            Route::ClosePosition => return self.close(account, id, request, now),
            Route::CloseTradesHistory => return self.closed_trades(account, request),
            Route::Config => return self.config(),
            Route::Executions => return self.executions(account, now),
            Route::InstrumentDetails => return self.instrument_details(id, request),
            Route::Instruments => return self.instruments(),
            Route::ModifyOrder => return self.modify(account, id, request, now),
            Route::ModifyPosition => return self.modify_position(account, id, request, now),
            Route::Orders => return self.orders(account, request, now),
            Route::OrdersHistory => return self.orders_history(account, request, now),
            Route::PlaceOrder => return self.place(account, request, now),
            Route::Positions => return self.positions(account, now),
            Route::Session => return self.session(id),
            Route::SessionStatus => return self.session_status(id),
            Route::DailyBar => self.daily_bar(request, now),
            Route::Depth => self.depth(request, now),
            Route::History => self.history(request, now),
            Route::Quotes => self.quotes(request, now),
            Route::AccountsTokens
            | Route::AllAccounts
            | Route::Refresh
            | Route::Token
            | Route::Unknown => Err(reply::refused(404, "Not Found")),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }
}

impl State {
    /// The account that the `accNum` header names.
    fn account_of(&self, user: usize, request: &Request) -> Result<usize, Response> {
        let Some(text) = request.header("accnum") else {
            return Err(reply::refused(400, "accNum header is required"));
        };
        let acc_num: u32 = text
            .parse()
            .map_err(|_| reply::refused(400, "accNum header is not a number"))?;
        let own =
            |account: &super::book::Account| account.user == user && account.acc_num == acc_num;
        self.accounts
            .iter()
            .position(own)
            .ok_or_else(|| reply::refused(403, "Forbidden"))
    }

    fn check_path_account(&self, account: usize, id: &str) -> Result<(), Response> {
        if self.accounts[account].spec.id == id {
            return Ok(());
        }
        let exists = self.accounts.iter().any(|account| account.spec.id == id);
        Err(if exists {
            reply::refused(403, "Forbidden")
        } else {
            reply::refused(404, "Not Found")
        })
    }
}

fn has_account_in_path(route: Route) -> bool {
    matches!(
        route,
        Route::AccountState
            | Route::CancelAllOrders
            | Route::CloseAllPositions
            | Route::Executions
            | Route::Instruments
            | Route::Orders
            | Route::OrdersHistory
            | Route::PlaceOrder
            | Route::Positions
    )
}
