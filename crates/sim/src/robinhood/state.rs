//! Everything that the broker remembers.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashSet},
};

use rust_decimal::Decimal;
use secrecy::SecretString;
use time::Date;

use super::{
    auth::Auth,
    events::Event,
    ledger::Ledger,
    limits::Usage,
    market::Market,
    nummus::CryptoAccount,
    option_orders::OptionOrder,
    orders::Order,
    settings::Settings,
    text::{self, uuid, uuid_of},
    user::{AccountKind, AccountSpec, UserSpec},
};
use crate::error::{Result, SimError};

#[derive(Debug)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) users: Vec<User>,
    pub(super) auth: Auth,
    pub(super) usage: Usage,
}

/// What all users share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) market: Market,
    pub(super) ledger: Ledger,
    seed: u64,
    serial: u64,
    version: u64,
}

pub(super) struct User {
    pub(super) id: String,
    pub(super) username: String,
    pub(super) password: SecretString,
    pub(super) totp: SecretString,
    pub(super) code: SecretString,
    /// Devices that were approved.
    pub(super) devices: HashSet<String>,
    pub(super) accounts: Vec<Account>,
    pub(super) crypto: CryptoAccount,
    /// Ids that orders carry, in lower case.
    pub(super) ref_ids: HashSet<String>,
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) number: String,
    pub(super) kind: AccountKind,
    pub(super) agentic: bool,
    pub(super) is_default: bool,
    pub(super) option_level: &'static str,
    pub(super) cash: Decimal,
    /// By instrument.
    pub(super) positions: BTreeMap<usize, Position>,
    pub(super) contracts: Vec<OptionPosition>,
    pub(super) orders: Vec<Order>,
    /// Places of orders that are not final.
    pub(super) open_orders: Vec<usize>,
    /// Those of them whose next step does not wait for a price.
    pub(super) moving_orders: Vec<usize>,
    /// When the others have to be looked at.
    pub(super) pace: Pace,
    /// Cash that open orders hold, with the version of the world that it was summed up in.
    pub(super) held_cash: Cell<Option<(u64, Decimal)>>,
    pub(super) option_orders: Vec<OptionOrder>,
    pub(super) open_option_orders: Vec<usize>,
    /// Those of them whose next step does not wait for a price.
    pub(super) moving_option_orders: Vec<usize>,
    /// When the others have to be looked at.
    pub(super) option_pace: Pace,
    pub(super) events: Vec<Event>,
}

#[derive(Debug, Clone)]
pub(super) struct Position {
    pub(super) quantity: Decimal,
    pub(super) cost: Decimal,
    /// Whether `average_buy_price` is told; settled shares read 0.
    pub(super) told: bool,
    pub(super) intraday: Intraday,
    pub(super) since: i64,
    pub(super) updated: i64,
}

/// Until when resting orders need no look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    /// The version of prices and settings that they were looked at in.
    pub(super) version: u64,
    pub(super) until: i64,
}

/// What was bought on one New York date.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intraday {
    pub(super) day: Date,
    pub(super) quantity: Decimal,
    pub(super) cost: Decimal,
}

impl Intraday {
    /// The same on its own date, nothing on another.
    pub(super) fn on(self, day: Date) -> Self {
        if self.day == day {
            return self;
        }
        Self::none(day)
    }

    pub(super) fn none(day: Date) -> Self {
        Self {
            day,
            quantity: Decimal::ZERO,
            cost: Decimal::ZERO,
        }
    }

    pub(super) fn average(self) -> Decimal {
        if self.quantity.is_zero() {
            return Decimal::ZERO;
        }
        self.cost / self.quantity
    }
}

#[derive(Debug, Clone)]
pub(super) struct OptionPosition {
    pub(super) id: String,
    pub(super) contract: usize,
    pub(super) short: bool,
    pub(super) quantity: Decimal,
    /// Per contract, positive.
    pub(super) average: Decimal,
    pub(super) pending_assignment: Decimal,
    pub(super) pending_expiration: Decimal,
    pub(super) pending_exercise: Decimal,
    /// Positions that were opened together.
    pub(super) group: Option<String>,
    pub(super) since: i64,
    pub(super) updated: i64,
}

impl World {
    /// An id that was not given out before.
    pub(super) fn id(&mut self) -> String {
        self.serial += 1;
        uuid(self.seed, self.serial)
    }

    /// Counts the changes of prices and settings.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Says that prices or settings have changed.
    pub(super) fn touch(&mut self) {
        self.version += 1;
    }

    /// Text that nobody can guess and that was not given out before.
    pub(super) fn secret(&mut self) -> String {
        self.id().replace('-', "") + &self.id().replace('-', "")[..12]
    }
}

impl State {
    pub(super) fn new(
        seed: u64,
        users: Vec<UserSpec>,
        settings: Settings,
        ledger: Ledger,
        now: i64,
    ) -> Result<Self> {
        let market = Market::new(text::new_york(now));
        let world = World {
            settings,
            market,
            ledger,
            seed,
            serial: 0,
            version: 1,
        };
        let mut state = Self {
            world,
            users: Vec::new(),
            auth: Auth::default(),
            usage: Usage::default(),
        };
        for user in users {
            state.add_user(user, now)?;
        }
        Ok(state)
    }

    fn add_user(&mut self, spec: UserSpec, now: i64) -> Result<()> {
        if self.users.iter().any(|user| user.username == spec.username) {
            return Err(SimError::Duplicate {
                what: "login",
                id: spec.username,
            });
        }
        let mut accounts: Vec<Account> = Vec::new();
        for account in spec.accounts {
            let taken = self.account(&account.number).is_some()
                || accounts.iter().any(|known| known.number == account.number);
            if taken {
                return Err(SimError::Duplicate {
                    what: "account",
                    id: account.number,
                });
            }
            let is_default = accounts.is_empty();
            accounts.push(self.new_account(account, is_default, now)?);
        }
        let number = accounts
            .first()
            .map(|account| account.number.clone())
            .unwrap_or_default();
        let crypto = CryptoAccount::new(&number, &spec.coins, &self.world.market)?;
        // The demo user has the id that the captures show.
        let id = match number.as_str() {
            "100200301" => "9a499c7f-cf00-42cc-814f-b8dd9ac574fa".to_owned(),
            _ => uuid_of(&spec.username),
        };
        self.users.push(User {
            id,
            username: spec.username,
            password: spec.password,
            totp: spec.totp,
            code: spec.code,
            devices: spec.devices.into_iter().collect(),
            accounts,
            crypto,
            ref_ids: HashSet::new(),
        });
        Ok(())
    }

    fn new_account(&mut self, spec: AccountSpec, is_default: bool, now: i64) -> Result<Account> {
        let mut positions = BTreeMap::new();
        for (symbol, quantity, cost, told) in spec.shares {
            let at = self.world.market.list_symbol(&symbol, cost);
            let (since, updated) = (now - 650 * text::DAY, now - 2 * text::DAY);
            let cost = quantity * cost;
            let intraday = Intraday::none(text::new_york(now));
            positions.insert(
                at,
                Position {
                    quantity,
                    cost,
                    told,
                    intraday,
                    since,
                    updated,
                },
            );
        }
        let mut contracts = Vec::new();
        for (name, count, average) in spec.options {
            let contract = self.world.market.named_contract(&name).ok_or_else(|| {
                let known = "contracts are named as in \"F put 10 #3\"".to_owned();
                SimError::UnknownInstrument {
                    name: name.clone(),
                    known,
                }
            })?;
            let since = now - 14 * text::DAY;
            contracts.push(OptionPosition {
                id: self.world.id(),
                contract,
                short: count < 0,
                quantity: Decimal::from(count.abs()),
                average,
                pending_assignment: Decimal::ZERO,
                pending_expiration: Decimal::ZERO,
                pending_exercise: Decimal::ZERO,
                group: None,
                since,
                updated: since,
            });
        }
        Ok(Account {
            number: spec.number,
            kind: spec.kind,
            agentic: spec.agentic,
            is_default,
            option_level: match spec.kind {
                AccountKind::Margin => "option_level_3",
                _ => "option_level_2",
            },
            cash: spec.cash,
            positions,
            contracts,
            orders: Vec::new(),
            open_orders: Vec::new(),
            moving_orders: Vec::new(),
            pace: Pace::default(),
            held_cash: Cell::new(None),
            option_orders: Vec::new(),
            open_option_orders: Vec::new(),
            moving_option_orders: Vec::new(),
            option_pace: Pace::default(),
            events: Vec::new(),
        })
    }

    /// User and place of an account.
    pub(super) fn account(&self, number: &str) -> Option<(usize, usize)> {
        self.users.iter().enumerate().find_map(|(user, known)| {
            let at = known
                .accounts
                .iter()
                .position(|account| account.number == number)?;
            Some((user, at))
        })
    }
}

impl User {
    pub(super) fn own(&self, number: &str) -> Option<usize> {
        self.accounts
            .iter()
            .position(|account| account.number == number)
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
