//! A Robinhood broker: the private API of the web and mobile applications.
//!
//! One address serves all hosts of the broker. A client says which one it meant
//!
//! - in the header `X-Sim-Host: nummus.robinhood.com`, if it was redirected here; links in the
//!   answers then keep the real hosts, as such a client rewrites them too;
//! - with the host as the first piece of the path, `/nummus.robinhood.com/orders/`, if it has a
//!   base URL per host; links then look the same;
//! - in the ordinary `Host` header, if the real names were resolved to this machine;
//! - else it means `api.robinhood.com`.
//!
//! Prices stand still until [`RobinhoodSim::set_price`] moves them. An order takes a step with
//! each request and each [`Sim::advance`](crate::Sim::advance): unconfirmed, confirmed or
//! queued, then filled if the price allows it.

mod accounts;
mod auth;
pub(crate) mod body;
mod catalog;
mod context;
mod crypto_orders;
mod events;
mod history;
mod host;
mod ledger;
mod limits;
mod market;
mod nummus;
mod option_orders;
mod option_positions;
mod options;
mod orders;
mod page;
mod quotes;
mod reply;
mod route;
mod script;
mod service;
mod settings;
mod shape;
mod state;
pub(crate) mod text;
mod unified;
mod user;

use rust_decimal::Decimal;
use secrecy::SecretString;

use self::{events::Kind, market::Right, state::State};
pub use self::{
    host::{HOST_HEADER, Host},
    ledger::{Asset, Cancel, Fill, Ledger, Login, LoginOutcome, Placement, Poll, Refresh, Refusal},
    route::Route,
    script::{Knobs, RobinhoodScript},
    settings::{
        Approval, CodeKind, ErrorShape, Hours, HumanScreen, IdentiStyle, LoginFlow, OrderEnd,
        PromptAnswer, Rate, RateLimits, RefreshAnswer, RefreshReuse, Settings,
    },
    user::{AccountKind, AccountSpec, UserSpec},
};
pub use crate::broker::{After, Move};
use crate::{
    broker::{self, Broker as _, Opening, Running, handle},
    clock::SimClock,
    error::{Result, SimError},
    random::mix,
};

/// A running Robinhood broker, and the strings to pull.
pub struct RobinhoodSim {
    running: Running<State>,
}

pub(crate) type Plan = broker::Plan<UserSpec, Settings, RobinhoodScript>;

handle!(RobinhoodSim, "http://127.0.0.1:4020");

impl RobinhoodSim {
    pub(crate) async fn start(plan: Plan, clock: SimClock) -> Result<Self> {
        let users = broker::users_or(plan.users, UserSpec::demo);
        let (script, mut settings) = (plan.script, plan.settings);
        script.settings.apply(&mut settings);
        let opening = Opening {
            addr: plan.addr,
            seed: mix(plan.seed, u64::MAX - 1),
            faults: script.faults,
            moves: script.moves,
            prices: script.prices,
        };
        let now = clock.now();
        let make = |ledger| State::new(plan.seed, users, settings, ledger, now);
        let running = Running::start(opening, clock, make).await?;
        Ok(Self { running })
    }

    /// The base of a host's routes for a client with a base URL per host:
    /// `http://127.0.0.1:4020/nummus.robinhood.com`.
    #[must_use]
    pub fn base_url(&self, host: Host) -> String {
        format!("{}/{}", self.origin(), host.name())
    }

    /// Changes the settings for the requests to come.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut state = self.running.state();
        change(&mut state.world.settings);
        state.world.touch();
    }

    /// Sets the bid of a stock, a coin (`BTC-USD`) or a contract (`F put 10 #3`, of which it is
    /// the mark); the ask lies a cent above. Waiting orders that are reached take a step.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] if nothing has that name.
    pub fn set_price(&self, name: &str, bid: Decimal) -> Result<()> {
        let mut state = self.running.state();
        let now = self.running.now();
        state.fix_price(name, bid, now)?;
        state.settle(now);
        Ok(())
    }

    /// Bid and ask of a stock or a coin.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] if nothing has that name.
    pub fn quote(&self, name: &str) -> Result<(Decimal, Decimal)> {
        let state = self.running.state();
        let market = &state.world.market;
        if let Some(at) = market.symbol(name) {
            let quote = market.instruments[at].quote;
            return Ok((quote.bid, quote.ask));
        }
        let at = market.pair_of(name).ok_or_else(|| state.unknown(name))?;
        Ok((market.pairs[at].bid, market.pairs[at].ask))
    }

    /// Gives an account this many further positions, each of ten shares of a stock of its own:
    /// `W0001`, `W0002`, …
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownAccount`] if there is none.
    pub fn seed_positions(&self, account: &str, count: usize) -> Result<()> {
        let mut state = self.running.state();
        let (user, at) = state
            .account(account)
            .ok_or_else(|| SimError::UnknownAccount {
                id: account.to_owned(),
            })?;
        let now = self.running.now();
        for n in 1..=count {
            let price = Decimal::from(10 + n % 90);
            let stock = state.world.market.list_symbol(&format!("W{n:04}"), price);
            let account = &mut state.users[user].accounts[at];
            let cash = account.cash;
            account.trade_shares(stock, orders::Side::Buy, Decimal::TEN, price, now);
            account.cash = cash;
        }
        Ok(())
    }

    /// Adds contracts to the chain of a stock: calls and puts on rising strikes, `count`
    /// together, spread over the expiration dates.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] if no stock has that symbol.
    pub fn seed_contracts(&self, symbol: &str, count: usize) -> Result<()> {
        let mut state = self.running.state();
        let at = state
            .world
            .market
            .symbol(symbol)
            .ok_or_else(|| state.unknown(symbol))?;
        let dates = state.world.market.expirations.clone();
        for n in 0..count {
            let right = if n % 2 == 0 { Right::Call } else { Right::Put };
            let strike = Decimal::from(100 + n / 2 / dates.len());
            let date = dates[n / 2 % dates.len()];
            state.world.market.write(at, right, strike, date);
        }
        Ok(())
    }

    /// Assigns a short option early: the contract is named as in [`AccountSpec::contracts`].
    /// True if the account had it.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownAccount`] or [`SimError::UnknownInstrument`].
    pub fn assign(&self, account: &str, contract: &str) -> Result<bool> {
        let mut state = self.running.state();
        let contract = state
            .world
            .market
            .named_contract(contract)
            .ok_or_else(|| state.unknown(contract))?;
        let (user, at) = state
            .account(account)
            .ok_or_else(|| SimError::UnknownAccount {
                id: account.to_owned(),
            })?;
        let State { world, users, .. } = &mut *state;
        let account = &mut users[user].accounts[at];
        let held = account
            .contracts
            .iter()
            .position(|held| held.contract == contract && held.short && !held.is_pending());
        if let Some(held) = held {
            account.begin(held, Kind::Assignment, world, self.running.now());
        }
        Ok(held.is_some())
    }

    /// Lets the user approve every prompt that waits.
    pub fn approve_prompts(&self) {
        self.running.state().auth.approve_prompts();
    }

    /// The code of the authenticator app now; `None` if there is no such user.
    #[must_use]
    pub fn totp(&self, username: &str) -> Option<SecretString> {
        let state = self.running.state();
        let user = state.users.iter().find(|user| user.username == username)?;
        auth::totp(&user.totp, self.running.now()).map(SecretString::from)
    }

    /// Forgets every approved device.
    pub fn forget_devices(&self) {
        self.running
            .state()
            .users
            .iter_mut()
            .for_each(|user| user.devices.clear());
    }

    /// Makes every access token that exists invalid, as if its time were over. Refresh tokens and
    /// sessions stay.
    pub fn expire_access_tokens(&self) {
        self.running.state().auth.expire_access();
    }

    /// Ends every session: access and refresh tokens are refused, only a login helps.
    pub fn revoke_sessions(&self) {
        self.running.state().auth.revoke_all();
    }

    /// How many sessions are alive.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.running.state().auth.session_count()
    }
}

impl State {
    fn unknown(&self, name: &str) -> SimError {
        let stocks = self
            .world
            .market
            .instruments
            .iter()
            .map(|listed| listed.symbol.clone());
        let coins = self.world.market.pairs.iter().map(market::Pair::symbol);
        let known: Vec<String> = stocks.chain(coins).take(20).collect();
        SimError::UnknownInstrument {
            name: name.to_owned(),
            known: known.join(", "),
        }
    }
}
