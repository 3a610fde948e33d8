use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use wheelhouse_adapter::{Cached, Readings};
use wheelhouse_core::{
    Account, AccountId, AccountSummary, Accounts, Error, ErrorKind, Execution, ExecutionQuery,
    InstrumentId, Page, Position, PositionQuery, Raw, Result, Symbol,
};
use wheelhouse_http::{Call, Endpoint};
use wheelhouse_ratelimit::Quota;

use crate::{
    api,
    client::Inner,
    convert::{self, Rows},
    endpoints,
    instruments::Listing,
    resolve::{SPACING, Snapshot},
    wire::{
        accounts::{AccountDetails as WireDetails, AllAccounts, TradingRules},
        config::AccountConfig,
        table::{Columns, Table},
        token::Token,
    },
};

/// An account is looked for again after this long at the earliest.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// The user's accounts.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) accounts: Accounts,
    states: HashMap<AccountId, Arc<AccountState>>,
}

/// What is remembered of one account.
#[derive(Debug)]
pub(crate) struct AccountState {
    pub(crate) account: Account,
    /// What the `accNum` header says; some routes name the account by nothing else.
    pub(crate) acc_num: u64,
    config: Cached<AccountConfig>,
    /// Rows stay uneven though the columns were read again: they are taken by name as they are.
    rows_are_uneven: AtomicBool,
    pub(crate) instruments: Cached<Listing>,
    pub(crate) readings: Readings<Snapshot>,
}

/// What an account may do and how much, beyond what core types have a place for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountDetails {
    /// Which account.
    pub account: AccountId,
    /// What it may do.
    pub trading_rules: TradingRules,
    /// The most resting orders.
    pub max_pending_orders: Option<u64>,
    /// The most positions.
    pub max_positions: Option<u64>,
    /// The broker's own words, with all of its rules.
    pub raw: Raw,
}

impl AccountState {
    fn new(account: Account, acc_num: u64) -> Self {
        Self {
            account,
            acc_num,
            config: Cached::default(),
            rows_are_uneven: AtomicBool::new(false),
            instruments: Cached::default(),
            readings: Readings::spaced(SPACING),
        }
    }

    pub(crate) fn id(&self) -> &AccountId {
        &self.account.id
    }

    /// Returns whether rows did not fit their columns when they were last read.
    pub(crate) fn rows_are_uneven(&self) -> bool {
        self.rows_are_uneven.load(Ordering::Relaxed)
    }

    /// Finds the name of an instrument, if the list has been read.
    pub(crate) fn symbol_of(&self, id: &InstrumentId) -> Option<Symbol> {
        self.instruments.any()?.symbol_of(id)
    }
}

impl Inner {
    pub(crate) async fn list_accounts(&self) -> Result<Accounts> {
        Ok(self.load_directory().await?.accounts.clone())
    }

    /// Returns what is known of an account. Nothing is sent for an account that is not the user's.
    pub(crate) async fn account(
        &self,
        id: &AccountId,
        operation: &'static str,
    ) -> Result<Arc<AccountState>> {
        const FOREVER: Duration = Duration::MAX;
        let load = || self.read_directory();
        let directory = self.directory.get(self.clock(), FOREVER, load).await?;
        if let Some(state) = directory.states.get(id) {
            return Ok(state.clone());
        }
        // It may have been opened since.
        let directory = self.directory.get(self.clock(), LOOK_AGAIN, load).await?;
        directory.states.get(id).cloned().ok_or_else(|| {
            let known: Vec<_> = directory
                .accounts
                .iter()
                .map(|account| account.id.as_str())
                .collect();
            let message = format!(
                "the user has no account {id} in this environment; there is {}",
                if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                }
            );
            self.place_in(Error::new(ErrorKind::NotFound, message), operation)
        })
    }

    async fn load_directory(&self) -> Result<Arc<Directory>> {
        let load = || self.read_directory();
        match self.directory.any() {
            Some(old) => self.directory.newer(self.clock(), &old, load).await,
            None => self.directory.get(self.clock(), Duration::MAX, load).await,
        }
    }

    async fn read_directory(&self) -> Result<Directory> {
        let endpoint = &endpoints::GET_ALL_ACCOUNTS;
        let body = self
            .api
            .read(endpoint, self.api.user_call(endpoint))
            .await?;
        let accounts = all_accounts(&body).map_err(|error| self.api.place(endpoint, error))?;
        let before = self.directory.any();
        let states = accounts.iter().map(|(account, acc_num)| {
            // What is known of an account is kept as long as it is the same one.
            let known = before
                .as_ref()
                .and_then(|before| before.states.get(&account.id));
            let same = |state: &&Arc<AccountState>| {
                state.acc_num == *acc_num && state.account.currency == account.currency
            };
            let state = match known.filter(same) {
                Some(state) => state.clone(),
                None => Arc::new(AccountState::new(account.clone(), *acc_num)),
            };
            (account.id.clone(), state)
        });
        let states = states.collect();
        let accounts: Vec<_> = accounts.into_iter().map(|(account, _)| account).collect();
        Ok(Directory {
            accounts: accounts.into(),
            states,
        })
    }

    /// Returns columns and limits of an account.
    pub(crate) async fn config(&self, account: &AccountState) -> Result<Arc<AccountConfig>> {
        let load = || self.read_config(account);
        account
            .config
            .get(self.clock(), self.config.config_age, load)
            .await
    }

    async fn read_config(&self, account: &AccountState) -> Result<AccountConfig> {
        let endpoint = &endpoints::GET_CONFIG;
        let body = self
            .api
            .read(endpoint, self.api.call(endpoint, account.acc_num))
            .await?;
        let config =
            AccountConfig::decode(&body).map_err(|error| self.api.place(endpoint, error))?;
        for (name, calls, interval) in &config.rate_limits {
            if let Some((class, quota)) =
                endpoints::class_of(name).zip(Quota::new(*calls, *interval))
            {
                let scope = self.api.target.scope();
                self.api.http.limiter().configure(scope, class, quota).await;
            }
        }
        account.rows_are_uneven.store(false, Ordering::Relaxed);
        Ok(config)
    }

    /// Reads a list of rows. If the rows do not have the columns that were expected, the columns are
    /// read again, once.
    pub(crate) async fn table<'a, const N: usize>(
        &'a self,
        account: &AccountState,
        endpoint: &'static Endpoint,
        read: RowList<N>,
        complete: impl FnOnce(Call<'a>) -> Call<'a> + Send,
    ) -> Result<Table<N>> {
        let config = self.config(account).await?;
        let call =
            complete(self.api.call(endpoint, account.acc_num)).max_wait(self.config.limit_wait);
        let body = self.api.read(endpoint, call).await?;
        self.decode(account, &body, config, read)
            .await
            .map_err(|error| self.api.place(endpoint, error))
    }

    async fn decode<const N: usize>(
        &self,
        account: &AccountState,
        body: &Bytes,
        config: Arc<AccountConfig>,
        read: RowList<N>,
    ) -> Result<Table<N>> {
        let table = read.decode(body, &config)?;
        if !table.is_uneven() || account.rows_are_uneven.load(Ordering::Relaxed) {
            return Ok(table);
        }
        let newer = account
            .config
            .newer(self.clock(), &config, || self.read_config(account))
            .await?;
        let table = read.decode(body, &newer)?;
        if table.is_uneven() {
            tracing::warn!(
                list = read.name,
                "rows do not have the length that the columns say"
            );
            account.rows_are_uneven.store(true, Ordering::Relaxed);
        }
        Ok(table)
    }

    pub(crate) async fn read_summary(&self, id: &AccountId) -> Result<AccountSummary> {
        let endpoint = &endpoints::GET_STATE;
        let account = self.account(id, endpoint.operation()).await?;
        let list = RowList {
            name: "accountDetailsData",
            columns: |config| &config.state,
            single: true,
        };
        let table = self
            .table(&account, endpoint, list, |c| account_path(c, id))
            .await?;
        convert::summary(&table, id, account.account.currency, self.clock().now())
            .map_err(|error| self.api.place(endpoint, error))
    }

    pub(crate) async fn read_positions(
        &self,
        account: &AccountState,
        endpoint: &'static Endpoint,
    ) -> Result<Vec<Position>> {
        let list = RowList {
            name: "positions",
            columns: |config| &config.positions,
            single: false,
        };
        let table = self
            .table(account, endpoint, list, |c| account_path(c, account.id()))
            .await?;
        let symbol_of = |id: &InstrumentId| account.symbol_of(id);
        let mut rows = Rows::new(account.id(), account.account.currency, &symbol_of);
        table
            .read_all(|row| rows.position(row, table.body()))
            .map_err(|error| self.api.place(endpoint, error))
    }

    pub(crate) async fn list_positions(
        &self,
        id: &AccountId,
        query: PositionQuery,
    ) -> Result<Page<Position>> {
        let endpoint = &endpoints::GET_POSITIONS;
        let account = self.account(id, endpoint.operation()).await?;
        let mut positions = self.read_positions(&account, endpoint).await?;
        if let Some(instrument) = &query.instrument {
            positions.retain(|position| position.instrument == *instrument);
        }
        Ok(Page::last(positions))
    }

    pub(crate) async fn list_executions(
        &self,
        id: &AccountId,
        query: ExecutionQuery,
    ) -> Result<Page<Execution>> {
        let endpoint = &endpoints::GET_EXECUTIONS;
        let account = self.account(id, endpoint.operation()).await?;
        let list = RowList {
            name: "executions",
            columns: |config| &config.executions,
            single: false,
        };
        let table = self
            .table(&account, endpoint, list, |c| account_path(c, id))
            .await?;
        let symbol_of = |id: &InstrumentId| account.symbol_of(id);
        let mut rows = Rows::new(id, account.account.currency, &symbol_of);
        let executions = table.read_all(|row| rows.execution(row, table.body()));
        let mut executions = executions.map_err(|error| self.api.place(endpoint, error))?;
        executions.retain(|execution| {
            let wanted = query.instrument.as_ref();
            wanted.is_none_or(|wanted| execution.instrument.as_ref() == Some(wanted))
                && query
                    .from
                    .is_none_or(|from| execution.time.is_none_or(|time| time >= from))
        });
        Ok(Page::last(executions))
    }

    pub(crate) async fn read_details(&self, id: &AccountId) -> Result<AccountDetails> {
        let endpoint = &endpoints::GET_ACCOUNT_DETAILS;
        let account = self.account(id, endpoint.operation()).await?;
        let body = self
            .api
            .read(endpoint, self.api.call(endpoint, account.acc_num))
            .await?;
        details(&body, id).map_err(|error| self.api.place(endpoint, error))
    }
}

/// Which list of rows to read, and which columns it has.
#[derive(Clone, Copy)]
pub(crate) struct RowList<const N: usize> {
    pub(crate) name: &'static str,
    pub(crate) columns: fn(&AccountConfig) -> &Columns<N>,
    /// Whether it is one row instead of a list of them.
    pub(crate) single: bool,
}

impl<const N: usize> RowList<N> {
    fn decode(&self, body: &Bytes, config: &AccountConfig) -> Result<Table<N>> {
        let columns = (self.columns)(config);
        if self.single {
            Table::decode_single(body, self.name, columns)
        } else {
            Table::decode(body, self.name, columns)
        }
    }
}

/// Fills in the account on the routes that have it in their path.
pub(crate) fn account_path<'a>(call: Call<'a>, account: &'a AccountId) -> Call<'a> {
    call.path("accountId", account.as_str())
}

fn all_accounts(body: &Bytes) -> Result<Vec<(Account, u64)>> {
    let all: AllAccounts<'_> = api::bare(body)?;
    let accounts = all.accounts.iter().enumerate();
    accounts
        .map(|(index, entry)| convert::account(entry, index, body))
        .collect()
}

fn details(body: &Bytes, id: &AccountId) -> Result<AccountDetails> {
    let accounts: Vec<WireDetails<'_>> = api::data(body)?;
    let named = |details: &WireDetails<'_>| {
        details.id.text().ok().flatten().as_deref() == Some(id.as_str())
    };
    let details = accounts.into_iter().find(named).ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            "the broker's answer does not have the account",
        )
    })?;
    let rules = details.risk_rules.unwrap_or_default();
    Ok(AccountDetails {
        account: id.clone(),
        trading_rules: details.trading_rules.unwrap_or_default(),
        max_pending_orders: convert::leaf(
            "d[].riskRules.maxPendingOrdersNumber",
            rules.max_pending_orders_number,
            Token::whole,
        )?,
        max_positions: convert::leaf(
            "d[].riskRules.maxPositionsNumber",
            rules.max_positions_number,
            Token::whole,
        )?,
        raw: Raw::whole(body.clone()),
    })
}
