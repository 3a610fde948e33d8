//! Everything that the API remembers.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    ledger::Ledger,
    orders::Order,
    reply,
    settings::{Bucket, Numbers, Settings, UserSpec},
};
use crate::{
    error::{Result, SimError},
    robinhood::text::{fixed, uuid},
    server::Response,
};

#[derive(Debug)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) users: Vec<User>,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) ledger: Ledger,
    pub(super) pairs: Vec<Pair>,
    /// Counts the changes of prices and settings.
    pub(super) version: u64,
    seed: u64,
    serial: u64,
}

#[derive(Debug)]
pub(super) struct Pair {
    pub(super) asset: &'static str,
    pub(super) bid: Decimal,
    pub(super) ask: Decimal,
    pub(super) asset_increment: Decimal,
    pub(super) quote_increment: Decimal,
    pub(super) max_size: Decimal,
    pub(super) min_size: Decimal,
    pub(super) tradable: bool,
}

pub(super) struct User {
    pub(super) api_key: String,
    pub(super) public_key: Vec<u8>,
    pub(super) account: String,
    pub(super) status: &'static str,
    pub(super) api_tradable: bool,
    pub(super) cash: Decimal,
    pub(super) volume: Decimal,
    pub(super) coins: BTreeMap<String, Decimal>,
    pub(super) orders: Vec<Order>,
    /// Places of orders by the client's id, in lower case.
    pub(super) client_order_ids: HashMap<String, usize>,
    /// Places of orders that are not final.
    pub(super) open: Vec<usize>,
    /// Those of them whose next step does not wait for a price.
    pub(super) moving: Vec<usize>,
    /// The version of the world in which the others were looked at, and until when that holds.
    pub(super) looked: (u64, i64),
    /// Cash that open orders hold, with the version of the world that it was summed up in.
    pub(super) held_cash: Cell<Option<(u64, Decimal)>>,
    tokens: Decimal,
    tokens_at: Option<i64>,
}

impl World {
    /// An id that was not given out before.
    pub(super) fn id(&mut self) -> String {
        self.serial += 1;
        uuid(self.seed ^ 0xC0FF_EE00, self.serial)
    }

    pub(super) fn pair(&self, symbol: &str) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.symbol() == symbol)
    }

    /// A quantity or price, as the settings want it.
    pub(super) fn number(&self, value: Decimal) -> Value {
        match self.settings.numbers {
            Numbers::Number => number(value),
            Numbers::Text => Value::String(fixed(value, 18)),
        }
    }
}

/// A JSON number.
pub(super) fn number(value: Decimal) -> Value {
    serde_json::from_str(&value.normalize().to_string()).unwrap_or(Value::Null)
}

impl Pair {
    pub(super) fn symbol(&self) -> String {
        format!("{}-USD", self.asset)
    }

    pub(super) fn mid(&self) -> Decimal {
        (self.bid + self.ask) / Decimal::TWO
    }
}

impl State {
    pub(super) fn new(
        seed: u64,
        specs: Vec<UserSpec>,
        settings: Settings,
        ledger: Ledger,
    ) -> Result<Self> {
        let mut users: Vec<User> = Vec::new();
        for spec in specs {
            if users.iter().any(|user| user.api_key == spec.api_key) {
                return Err(SimError::Duplicate {
                    what: "API key",
                    id: spec.api_key,
                });
            }
            if users.iter().any(|user| user.account == spec.account) {
                return Err(SimError::Duplicate {
                    what: "account",
                    id: spec.account,
                });
            }
            users.push(User {
                api_key: spec.api_key,
                // A key that is no base64 verifies nothing, which is the answer it deserves.
                public_key: STANDARD.decode(&spec.public_key).unwrap_or_default(),
                account: spec.account,
                status: spec.status,
                api_tradable: spec.api_tradable,
                cash: spec.cash,
                volume: spec.volume,
                coins: spec.coins.into_iter().collect(),
                orders: Vec::new(),
                client_order_ids: HashMap::new(),
                open: Vec::new(),
                moving: Vec::new(),
                looked: (0, 0),
                held_cash: Cell::new(None),
                tokens: Decimal::ZERO,
                tokens_at: None,
            });
        }
        let world = World {
            settings,
            ledger,
            pairs: pairs(),
            version: 1,
            seed,
            serial: 0,
        };
        Ok(Self { world, users })
    }

    /// Takes a request from the account's bucket.
    pub(super) fn take(&mut self, user: usize, now: i64) -> Result<(), Response> {
        let settings = &self.world.settings;
        let Some(bucket) = settings.limit else {
            return Ok(());
        };
        let Err(wait) = self.users[user].take(bucket, now) else {
            return Ok(());
        };
        if settings.limit_as_401 {
            return Err(super::signature::refused());
        }
        let text = format!("Request was throttled. Expected available in {wait} seconds.");
        let mut response = reply::client(429, &text);
        if !settings.no_retry_after {
            response.set_header("retry-after", wait.to_string());
        }
        Err(response)
    }
}

impl User {
    fn take(&mut self, bucket: Bucket, now: i64) -> Result<(), i64> {
        let (burst, rate) = (
            Decimal::from(bucket.burst),
            Decimal::from(bucket.per_minute),
        );
        let minute = Decimal::from(60_000);
        self.tokens = match self.tokens_at {
            None => burst,
            Some(at) => (self.tokens + Decimal::from((now - at).max(0)) * rate / minute).min(burst),
        };
        self.tokens_at = Some(now);
        if self.tokens < Decimal::ONE {
            let millis = (Decimal::ONE - self.tokens) * minute / rate.max(Decimal::ONE);
            let seconds = (millis / Decimal::ONE_THOUSAND).ceil();
            return Err(i64::try_from(seconds).unwrap_or(60).max(1));
        }
        self.tokens -= Decimal::ONE;
        Ok(())
    }

    pub(super) fn coins(&self, asset: &str) -> Decimal {
        self.coins.get(asset).copied().unwrap_or_default()
    }

    /// The share of an order's value that is charged.
    pub(super) fn fee_ratio(&self) -> Decimal {
        TIERS
            .iter()
            .rev()
            .find(|(from, _)| self.volume >= Decimal::from(*from))
            .map_or(Decimal::ZERO, |(_, basis)| Decimal::new(*basis, 4))
    }

    /// Volume and ratio of the next tier.
    pub(super) fn next_tier(&self) -> Option<(Decimal, Decimal)> {
        let next = TIERS
            .iter()
            .find(|(from, _)| self.volume < Decimal::from(*from));
        next.map(|(from, basis)| (Decimal::from(*from), Decimal::new(*basis, 4)))
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// The asset of a pair, which never changes.
pub(super) fn asset_of(pair: usize) -> &'static str {
    ASSETS.get(pair).copied().unwrap_or_default()
}

const ASSETS: [&str; 4] = ["BTC", "ETH", "DOGE", "BILL"];

/// Volume from which a fee holds, and the fee in basis points. The first two were seen live.
const TIERS: &[(i64, i64)] = &[(0, 95), (50_000, 25), (1_000_000, 10)];

fn pairs() -> Vec<Pair> {
    let pair = |at: usize, bid, ask, increments: (u32, u32), max, tradable| Pair {
        asset: ASSETS[at],
        bid: Decimal::new(bid, 2),
        ask: Decimal::new(ask, 2),
        asset_increment: Decimal::new(1, increments.0),
        quote_increment: Decimal::new(1, increments.1),
        max_size: Decimal::from(max),
        min_size: Decimal::new(1, increments.0),
        tradable,
    };
    vec![
        pair(0, 6_870_012, 6_872_950, (8, 2), 100, true),
        pair(1, 330_010, 330_122, (6, 2), 1_000, true),
        pair(2, 21, 22, (2, 6), 1_000_000, true),
        pair(3, 14, 15, (1, 6), 9_900_000, false),
    ]
}
