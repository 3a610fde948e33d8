use std::{sync::Arc, time::Duration};

use wheelhouse_core::{
    AccountId, Broker, BrokerExt, ClientOrderId, Clock, Decimal, InstrumentId, OptionLeg,
    OptionOrderRequest, OptionQuery, OrderKind, OrderRequest, OrderSize, PositionEffect, Price,
    Quantity, SecretString, Side, Symbol, dec, shares,
};
use wheelhouse_http::{Deadlines, HttpClient};
use wheelhouse_robinhood::{Environment, Robinhood, RobinhoodAuth, RobinhoodConfig};
use wheelhouse_session::{Credentials, LoginRequest, SessionManager};
use wheelhouse_sim::{
    Sim, Start,
    robinhood::{AccountSpec, Asset, LoginFlow, Placement, Settings, UserSpec},
};
use wheelhouse_testkit::{DrillOrder, FaultPlan, FaultProxy, LedgerEntry, Pace, ScaledClock};

pub const PLACEMENTS: usize = 10_000;
/// The broker takes one placement of a user every 2.5 s.
pub const USERS: usize = 125;
/// How many placements are under way at once.
pub const IN_FLIGHT: usize = 64;
/// Crypto is in the first of them.
const ACCOUNTS_EACH: usize = 4;
/// How long a client waits for an answer, in real time.
pub const PATIENCE: Duration = Duration::from_secs(3);
pub const PASSWORD: &str = "ord-password";

/// How much faster than the machine's clock the client's runs.
const SPEED: u32 = 4;
const SEED: u64 = 20_261_122;
const MINUTE: Duration = Duration::from_secs(60);
/// One user in so many says after 20 s that an order is not there.
const HASTY: usize = 5;

/// A server, and a proxy before it that breaks a fifth of the placements.
pub struct Rig {
    pub sim: Arc<Sim>,
    pub proxy: FaultProxy,
    pub clock: Arc<dyn Clock>,
    _pace: Pace,
}

/// A user who is logged in, and what he trades.
pub struct Trader {
    broker: Arc<dyn Broker>,
    accounts: Vec<AccountId>,
    share: InstrumentId,
    contract: InstrumentId,
    pair: InstrumentId,
    known_within: Duration,
}

impl Rig {
    pub async fn start() -> Self {
        let clock = ScaledClock::new(SPEED);
        let mut settings = Settings::new();
        settings.login = LoginFlow::Granted;
        // Of option orders nobody knows whether a second one with the same identifier is refused.
        settings.option_ref_id_repeats = true;
        let mut builder = Sim::builder()
            .robinhood("127.0.0.1:0".parse().unwrap())
            .time(Start::Frozen(clock.now()))
            .robinhood_settings(settings);
        for number in 0..USERS {
            let mut user = UserSpec::new(email(number), PASSWORD);
            for of in 0..ACCOUNTS_EACH {
                let account = AccountSpec::new(account(number, of));
                user = user.account(account.cash(dec!(1_000_000_000)));
            }
            builder = builder.robinhood_user(user);
        }
        let sim = Arc::new(builder.start().await.unwrap());
        let plan = FaultPlan::seeded(SEED)
            .percent(20)
            .delay(PATIENCE * 3 / 2)
            .only(|head| head.method == "POST" && head.path.ends_with("/orders/"));
        let proxy = FaultProxy::start(sim.robinhood().addr(), plan)
            .await
            .unwrap();
        let follower = sim.clone();
        let pace = clock.lead(move |now| follower.advance_to(now));
        Self {
            sim,
            proxy,
            clock: Arc::new(clock),
            _pace: pace,
        }
    }

    /// Logs all users in, through the proxy. Some say after 20 s that an order is not there: the
    /// server shows everything at once. So all is known in a minute. The others wait as long as
    /// they do by default, and then know within another minute.
    pub async fn traders(&self) -> Vec<Trader> {
        let mut config = RobinhoodConfig::default();
        config.environment = Environment::Custom(format!("http://{}", self.proxy.addr()));
        config.private_crypto = true;
        let patience = PATIENCE * SPEED;
        let mut http = HttpClient::builder().clock(self.clock.clone()).deadlines(
            Deadlines::default()
                .with_connect(5 * patience)
                .with_headers(patience)
                .with_idle(patience)
                .with_total(10 * patience),
        );
        for origin in config.environment.origins().unwrap() {
            http = http.origin(origin);
        }
        let http = http.build().unwrap();
        let auth = Arc::new(RobinhoodAuth::new(config.clone(), http.clone()).unwrap());
        let manager = SessionManager::in_memory()
            .clock(self.clock.clone())
            .build()
            .unwrap();
        let mut traders = Vec::new();
        for number in 0..USERS {
            let password = SecretString::from(PASSWORD);
            let credentials = Credentials::new(email(number), password).unwrap();
            let login = LoginRequest::new(auth.clone(), credentials);
            let session = manager.create(login).await.unwrap().ready().unwrap();
            let mut config = config.clone();
            let mut known_within = config.consistency_window + MINUTE;
            if number.is_multiple_of(HASTY) {
                config.consistency_window = Duration::from_secs(20);
                known_within = MINUTE;
            }
            let broker = Robinhood::builder()
                .config(config)
                .http(http.clone())
                .session(session)
                .build()
                .unwrap();
            traders.push(Trader::new(Arc::new(broker), known_within).await);
        }
        traders
    }

    /// Returns every order that the server really has, under the identifier that it was given.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        let entry = |it: Placement| {
            let label = it.ref_id.unwrap_or_default().to_ascii_lowercase();
            // The adapter's identifiers say which orders are of crypto.
            match it.asset {
                Asset::Crypto => LedgerEntry::new(label, format_args!("crypto:{}", it.order_id)),
                _ => LedgerEntry::new(label, it.order_id),
            }
        };
        self.placements().into_iter().map(entry).collect()
    }

    /// Returns every order that the server really has, under the wish that it came from: each user
    /// wishes for each thing in each quantity once.
    pub fn wishes(&self) -> Vec<LedgerEntry> {
        let entry = |it: Placement| {
            let wish = (it.account, it.symbol, it.asset, it.quantity);
            LedgerEntry::new(format_args!("{wish:?}"), it.order_id)
        };
        self.placements().into_iter().map(entry).collect()
    }

    fn placements(&self) -> Vec<Placement> {
        let ledger = self.sim.robinhood().ledger();
        assert_eq!(ledger.forgotten(), 0);
        ledger.placements()
    }
}

impl Trader {
    async fn new(broker: Arc<dyn Broker>, known_within: Duration) -> Self {
        let accounts = broker.accounts().await.unwrap();
        let accounts: Vec<_> = accounts.iter().map(|it| it.id.clone()).collect();
        let account = &accounts[0];
        let share = broker.find_instrument(account, "F").await.unwrap().id;
        let pair = broker.find_instrument(account, "BTC-USD").await.unwrap().id;
        let options = broker.options().unwrap();
        let query = OptionQuery::new(Symbol::new("F").unwrap());
        let contracts = options.option_contracts(account, query).await.unwrap();
        let contract = contracts.items.last().unwrap().id.clone();
        Self {
            broker,
            accounts,
            share,
            contract,
            pair,
            known_within,
        }
    }

    /// Makes an order: of shares, of which one in five is at market, of options, and of crypto.
    /// Some are placed again if nobody knows what became of them.
    pub fn order(&self, turn: usize) -> DrillOrder {
        let own = &self.accounts[0];
        let id = ClientOrderId::new(format!("ORD-{own}-{turn:05}")).unwrap();
        let account = &self.accounts[turn / 4 % self.accounts.len()];
        let (share, pair) = (&self.share, &self.pair);
        let request = match turn % 4 {
            0 if turn.is_multiple_of(5) => {
                OrderRequest::market(account, share, Side::Buy, shares!(1))
            }
            0 | 1 => OrderRequest::limit(account, share, Side::Buy, shares!(2), dec!(5)),
            2 => return self.option_order(account, id),
            _ => {
                let size = OrderSize::Units(Quantity::new(dec!(0.001)));
                OrderRequest::limit(own, pair, Side::Buy, size, dec!(30_000))
            }
        };
        let label = Robinhood::ref_id(&id);
        let request = request.client_order_id(id);
        let order = DrillOrder::new(self.broker.clone(), request, label);
        let order = order.known_within(self.known_within);
        match turn.is_multiple_of(3) {
            true => order.again(),
            false => order,
        }
    }

    fn option_order(&self, account: &AccountId, id: ClientOrderId) -> DrillOrder {
        let leg = OptionLeg {
            contract: self.contract.clone(),
            side: Side::Buy,
            effect: PositionEffect::Open,
            ratio: 1,
        };
        let size = Quantity::new(Decimal::ONE);
        let price = Price::new(dec!(0.01));
        let kind = OrderKind::Limit { price };
        let label = Robinhood::ref_id(&id);
        let mut request = OptionOrderRequest::new(account, vec![leg], size, kind, Side::Buy);
        request.client_order_id = Some(id);
        let order = DrillOrder::options(self.broker.clone(), request, label);
        order.known_within(self.known_within)
    }
}

pub fn email(number: usize) -> String {
    format!("user{number}@example.com")
}

fn account(number: usize, of: usize) -> String {
    (200_000_000 + 10 * number + of).to_string()
}
