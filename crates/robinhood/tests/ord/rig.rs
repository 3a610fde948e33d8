use std::{collections::BTreeSet, sync::Arc, time::Duration};

use wheelhouse_core::{
    AccountId, Broker, BrokerExt, ClientOrderId, Clock, Decimal, InstrumentId, OptionLeg,
    OptionOrderRequest, OptionQuery, OrderKind, OrderRequest, OrderSize, PositionEffect, Price,
    Quantity, Result, SecretString, Side, Submission, Symbol, dec, shares,
};
use wheelhouse_http::{Deadlines, HttpClient};
use wheelhouse_robinhood::{Environment, Robinhood, RobinhoodAuth, RobinhoodConfig};
use wheelhouse_session::{Credentials, LoginRequest, SessionManager};
use wheelhouse_sim::{
    Sim, Start,
    robinhood::{AccountSpec, LoginFlow, Placement, Settings, UserSpec},
};
use wheelhouse_testkit::{FaultPlan, FaultProxy, ScaledClock};

use crate::tally::Entry;

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

/// A server, and a proxy before it that breaks a fifth of the placements.
pub struct Rig {
    pub sim: Arc<Sim>,
    pub proxy: FaultProxy,
    clock: Arc<dyn Clock>,
    pace: tokio::task::JoinHandle<()>,
}

/// A user who is logged in, and what he trades.
pub struct Trader {
    pub broker: Robinhood,
    pub clock: Arc<dyn Clock>,
    pub accounts: Vec<AccountId>,
    pub share: InstrumentId,
    pub contract: InstrumentId,
    pub pair: InstrumentId,
}

/// An order that is wanted.
pub struct Wish {
    id: ClientOrderId,
    order: Kind,
    /// Whether it is sent again if nobody knows what became of it.
    pub again: bool,
}

enum Kind {
    Options(OptionOrderRequest),
    Other(OrderRequest),
}

impl Rig {
    pub async fn start() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ScaledClock::new(SPEED));
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
        let pace = tokio::spawn(keep_pace(Arc::downgrade(&sim), clock.clone()));
        Self {
            sim,
            proxy,
            clock,
            pace,
        }
    }

    /// Logs all users in, through the proxy.
    pub async fn traders(&self) -> Vec<Arc<Trader>> {
        let mut config = RobinhoodConfig::default();
        config.environment = Environment::Custom(format!("http://{}", self.proxy.addr()));
        config.private_crypto = true;
        // This server shows everything at once. What is left of the minute is for reading.
        config.consistency_window = Duration::from_secs(20);
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
            let broker = Robinhood::builder()
                .config(config.clone())
                .http(http.clone())
                .session(session)
                .build()
                .unwrap();
            let trader = Trader::new(broker, self.clock.clone()).await;
            traders.push(Arc::new(trader));
        }
        traders
    }

    /// Returns every order that the server really has.
    pub fn ledger(&self) -> Vec<Entry> {
        let entry = |placement: Placement| Entry {
            label: placement.ref_id.unwrap_or_default().to_ascii_lowercase(),
            order: placement.order_id,
        };
        self.placements().into_iter().map(entry).collect()
    }

    /// Returns how many orders the server has, and of how many wishes: each user wishes for each
    /// thing in each quantity once.
    pub fn wishes(&self) -> (usize, usize) {
        let placements = self.placements();
        let wishes: BTreeSet<_> = placements
            .iter()
            .map(|it| {
                (
                    &it.account,
                    &it.symbol,
                    format!("{:?}", it.asset),
                    it.quantity,
                )
            })
            .collect();
        (placements.len(), wishes.len())
    }

    fn placements(&self) -> Vec<Placement> {
        let ledger = self.sim.robinhood().ledger();
        assert_eq!(ledger.forgotten(), 0);
        ledger.placements()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.pace.abort();
    }
}

impl Trader {
    async fn new(broker: Robinhood, clock: Arc<dyn Clock>) -> Self {
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
            clock,
            accounts,
            share,
            contract,
            pair,
        }
    }

    /// Makes an order: of shares, of which one in five is at market, of options, and of crypto.
    pub fn wish(&self, turn: usize) -> Wish {
        let own = &self.accounts[0];
        let id = ClientOrderId::new(format!("ORD-{own}-{turn:05}")).unwrap();
        let account = match turn % 4 {
            3 => own,
            _ => &self.accounts[turn / 4 % self.accounts.len()],
        };
        let order = match turn % 4 {
            0 if turn.is_multiple_of(5) => Kind::Other(OrderRequest::market(
                account,
                &self.share,
                Side::Buy,
                shares!(1),
            )),
            0 | 1 => Kind::Other(OrderRequest::limit(
                account,
                &self.share,
                Side::Buy,
                shares!(2),
                dec!(5),
            )),
            2 => Kind::Options(OptionOrderRequest::new(
                account,
                vec![OptionLeg {
                    contract: self.contract.clone(),
                    side: Side::Buy,
                    effect: PositionEffect::Open,
                    ratio: 1,
                }],
                Quantity::new(Decimal::ONE),
                OrderKind::Limit {
                    price: Price::new(dec!(0.01)),
                },
                Side::Buy,
            )),
            _ => Kind::Other(OrderRequest::limit(
                account,
                &self.pair,
                Side::Buy,
                OrderSize::Units(Quantity::new(dec!(0.001))),
                dec!(30_000),
            )),
        };
        let order = match order {
            Kind::Other(request) => Kind::Other(request.client_order_id(id.clone())),
            Kind::Options(mut request) => {
                request.client_order_id = Some(id.clone());
                Kind::Options(request)
            }
        };
        Wish {
            id,
            order,
            again: turn % 4 != 2 && turn.is_multiple_of(3),
        }
    }

    pub async fn place(&self, wish: &Wish) -> Result<Submission> {
        match &wish.order {
            Kind::Other(request) => self.broker.place_order(request).await,
            Kind::Options(request) => {
                let options = self.broker.options().unwrap();
                options.place_option_order(request).await
            }
        }
    }
}

impl Wish {
    /// The identifier that the broker is given.
    pub fn label(&self) -> ClientOrderId {
        ClientOrderId::new(Robinhood::ref_id(&self.id)).unwrap()
    }
}

pub fn email(number: usize) -> String {
    format!("user{number}@example.com")
}

fn account(number: usize, of: usize) -> String {
    (200_000_000 + 10 * number + of).to_string()
}

/// Lets the simulator's time go with the client's.
#[expect(
    clippy::disallowed_methods,
    reason = "the fast clock rests on real time"
)]
async fn keep_pace(sim: std::sync::Weak<Sim>, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let Some(sim) = sim.upgrade() else {
            return;
        };
        if let Ok(behind) = Duration::try_from(clock.now() - sim.now()) {
            sim.advance(behind);
        }
    }
}
