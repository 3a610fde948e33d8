use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use bytestring::ByteString;
use futures_util::future::{try_join3, try_join4};
use wheelhouse_core::{
    Account, AccountId, AccountSummary, Accounts, Decimal, Error, ErrorKind, InstrumentId,
    OrderQuery, Page, PageToken, Position, PositionQuery, Result,
};

use crate::{
    api::{self, place, rows},
    client::Inner,
    config::Host,
    convert::{self, Place},
    endpoints,
    resolve::OPEN_STATES,
    wire::{self as wires, Text, account as wire, option_order},
};

/// An account is looked for again after this long at the earliest.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The page that follows the last one of shares.
const CRYPTO_PAGE: &str = "crypto";

/// The user's accounts.
#[derive(Debug)]
pub(crate) struct Directory {
    accounts: Accounts,
}

impl Inner {
    /// Lists the accounts, retirement accounts among them, each once and without the banks that money
    /// comes from. If one of the lists cannot be read whole it is an error: who does not see an
    /// account would take it for empty.
    pub(crate) async fn list_accounts(&self) -> Result<Accounts> {
        let directory = match self.directory.any() {
            Some(old) => {
                self.directory
                    .newer(self.clock(), &old, || self.read_directory())
                    .await?
            }
            None => self.directory(Duration::MAX).await?,
        };
        Ok(directory.accounts.clone())
    }

    async fn directory(&self, age: Duration) -> Result<Arc<Directory>> {
        self.directory
            .get(self.clock(), age, || self.read_directory())
            .await
    }

    /// Makes sure that an account is the user's: an unknown filter is ignored in silence, and the
    /// answer would be about another one.
    pub(crate) async fn known(&self, id: &AccountId, operation: &'static str) -> Result<()> {
        // Every call on an account comes by here, also those that are no reads.
        self.api.tell_quotas().await;
        for age in [Duration::MAX, LOOK_AGAIN] {
            let directory = self.directory(age).await?;
            if directory.accounts.iter().any(|account| account.id == *id) {
                return Ok(());
            }
        }
        let error = Error::new(ErrorKind::NotFound, format!("the user has no account {id}"));
        Err(self.place_in(error, operation))
    }

    async fn read_directory(&self) -> Result<Directory> {
        let endpoint = &endpoints::GET_ACCOUNTS;
        let mut accounts: Vec<Account> = Vec::new();
        let call = self
            .api
            .call(Host::Api, endpoint)
            .query("default_to_all_accounts", true);
        self.api
            .all_pages(Host::Api, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &wire::Account<'_>, index| {
                    convert::account(row, None, Place::Row(body, index)).map(Some)
                })?;
                for account in items {
                    if !accounts.iter().any(|known| known.id == account.id) {
                        accounts.push(account);
                    }
                }
                Ok((next, true))
            })
            .await?;
        // That list leaves out retirement accounts; this one has all, and banks besides.
        for (number, name) in self.read_transfer_accounts().await? {
            if let Some(known) = accounts.iter_mut().find(|it| it.id.as_str() == number) {
                known.name = name.or(known.name.take());
                continue;
            }
            let call = self
                .api
                .call(Host::Api, &endpoints::GET_ACCOUNT)
                .path("account", &number);
            let body = match self.api.read(endpoint, call).await {
                Ok(body) => body,
                // A spending account is no brokerage account.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let account = api::decode::<wire::Account<'_>>(&body)
                .and_then(|row| convert::account(&row, name.as_deref(), Place::Whole(&body)))
                .map_err(|error| place(endpoint, error))?;
            accounts.push(account);
        }
        Ok(Directory {
            accounts: accounts.into(),
        })
    }

    async fn read_transfer_accounts(&self) -> Result<Vec<(String, Option<String>)>> {
        let endpoint = &endpoints::GET_TRANSFER_ACCOUNTS;
        let mut own = Vec::new();
        let call = self.api.call(Host::Bonfire, endpoint);
        self.api
            .all_pages(Host::Bonfire, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &wire::TransferAccount<'_>, _| {
                    let number = row.account_number.as_ref().filter(|_| !row.is_external);
                    let name = row.account_name.as_ref().map(Text::owned);
                    Ok(number.map(|number| (number.owned(), name)))
                })?;
                own.extend(items);
                Ok((next, true))
            })
            .await?;
        Ok(own)
    }

    pub(crate) async fn read_summary(&self, id: &AccountId) -> Result<AccountSummary> {
        self.known(id, "account_summary").await?;
        let get = |endpoint| {
            self.api.read(
                endpoint,
                self.api
                    .call(Host::Api, endpoint)
                    .path("account", id.as_str()),
            )
        };
        let (account, portfolio, day_trades, unified) = try_join4(
            get(&endpoints::GET_ACCOUNT),
            get(&endpoints::GET_PORTFOLIO),
            get(&endpoints::GET_DAY_TRADES),
            self.read_unified(),
        )
        .await?;
        let (shares, strategies, orders) = try_join3(
            self.cost_of_shares(id),
            self.cost_of_options(id),
            self.count_open(id),
        )
        .await?;
        let cost = shares
            .1
            .zip(strategies.1)
            .and_then(|(a, b)| a.checked_add(b));
        let summary = || -> Result<AccountSummary> {
            let mut balances = Vec::new();
            for body in &unified {
                balances.extend(api::decode::<wires::Page<'_, wire::Unified<'_>>>(body)?.results);
            }
            let mine = |row: &&wire::Unified<'_>| {
                row.account_number
                    .as_ref()
                    .is_some_and(|number| number.as_str() == id.as_str())
            };
            let trades: wire::DayTrades = api::decode(&day_trades)?;
            let sources = convert::Sources {
                account: &api::decode(&account)?,
                portfolio: &api::decode(&portfolio)?,
                unified: balances.iter().find(mine),
                day_trades: trades.equity_day_trades.len() + trades.option_day_trades.len(),
                positions: shares.0 + strategies.0,
                orders,
                cost,
            };
            let mut summary = convert::summary(&sources, id.clone(), self.clock().now())?;
            summary.raw = Place::Whole(&portfolio).raw();
            Ok(summary)
        };
        summary().map_err(|error| self.place_in(error, "account_summary"))
    }

    /// Reads the balances of all accounts, from a host that not every client is let in to. What they
    /// tell stands in other answers too, but for what can be spent with the broker's own deposits.
    async fn read_unified(&self) -> Result<Vec<ByteString>> {
        let endpoint = &endpoints::GET_UNIFIED;
        let call = self.api.call(Host::Bonfire, endpoint);
        let mut bodies = Vec::new();
        let read = self.api.all_pages(Host::Bonfire, endpoint, call, |body| {
            let (_, next) = rows(body, |_: &wire::Unified<'_>, _| Ok(None::<()>))?;
            bodies.push(body.clone());
            Ok((next, true))
        });
        match read.await {
            Ok(()) => Ok(bodies),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::PermissionDenied => Ok(Vec::new()),
                _ => Err(error),
            },
        }
    }

    /// Counts positions in shares and adds up what they cost.
    async fn cost_of_shares(&self, id: &AccountId) -> Result<(usize, Option<Decimal>)> {
        let endpoint = &endpoints::GET_POSITIONS;
        let call = self
            .api
            .call(Host::Api, endpoint)
            .query("nonzero", true)
            .query("account_number", id);
        let mut costs = HashMap::new();
        self.api
            .all_pages(Host::Api, endpoint, call, |body| {
                let (paid, _) = rows(body, |row: &wire::Cost<'_>, _| {
                    let basis = row.clearing_cost_basis.filter(|basis| !basis.0.is_zero());
                    let direction = row.clearing_direction.as_ref();
                    Ok(Some(convert::signed_cost(basis, direction)))
                })?;
                let (read, next) = rows(body, |row: &wire::Position<'_>, index| {
                    let mine = |account: &AccountId, _: &InstrumentId| account == id;
                    let Some(held) = convert::position(row, Place::Row(body, index), mine)? else {
                        return Ok(None);
                    };
                    let basis = paid.get(index).copied().flatten().or_else(|| {
                        let price = held.average_price?.value();
                        price.checked_mul(row.quantity.0)
                    });
                    let id = held.id.as_str().to_ascii_lowercase();
                    Ok(Some((id, basis)))
                })?;
                costs.extend(read);
                Ok((next, true))
            })
            .await?;
        Ok(sum(&costs))
    }

    /// Counts strategies of options and adds up what they cost; what was received counts against it.
    async fn cost_of_options(&self, id: &AccountId) -> Result<(usize, Option<Decimal>)> {
        let endpoint = &endpoints::GET_STRATEGIES;
        let call = self
            .api
            .call(Host::Api, endpoint)
            .query("nonzero", "True")
            .query("account_numbers", id);
        let mut costs = HashMap::new();
        self.api
            .all_pages(Host::Api, endpoint, call, |body| {
                let (read, next) = rows(body, |row: &wires::option::AggregatePosition<'_>, _| {
                    let number = row.account_number.as_ref().map(Text::as_str);
                    let mine = number.or(row.account.as_ref().map(Text::tail)) == Some(id.as_str());
                    let held = mine && !row.quantity.0.is_zero();
                    let id = row.id.as_str().to_ascii_lowercase();
                    Ok(held.then(|| (id, convert::cost_of_strategy(row))))
                })?;
                costs.extend(read);
                Ok((next, true))
            })
            .await?;
        Ok(sum(&costs))
    }

    /// Counts the open orders of shares, of crypto if it was asked for, and of options.
    async fn count_open(&self, id: &AccountId) -> Result<usize> {
        let mut query = OrderQuery::open();
        let mut pages = wheelhouse_http::Pages::new();
        let mut open = HashSet::new();
        loop {
            let page = self.list_orders(id, query.clone()).await?;
            open.extend(page.items.into_iter().map(|order| order.id));
            let Some(next) = page.next else { break };
            let visited = pages.visit(next.as_str());
            visited.map_err(|error| place(&endpoints::GET_ORDERS, error))?;
            query.page = Some(next);
        }
        let endpoint = &endpoints::GET_OPTION_ORDERS;
        let call = self.api.call(Host::Api, endpoint);
        let call = call
            .query("account_numbers", id)
            .query("states", OPEN_STATES);
        let read = self.api.all_pages(Host::Api, endpoint, call, |body| {
            let (orders, next) = rows(body, |row: &option_order::OptionOrder<'_>, index| {
                let order = convert::option_order(row, Place::Row(body, index))?.order;
                let counts = order.account == *id && !order.state.is_final();
                Ok(counts.then_some(order.id))
            })?;
            open.extend(orders);
            Ok((next, true))
        });
        read.await?;
        Ok(open.len())
    }

    pub(crate) async fn list_positions(
        &self,
        id: &AccountId,
        query: PositionQuery,
    ) -> Result<Page<Position>> {
        self.known(id, "positions").await?;
        let endpoint = &endpoints::GET_POSITIONS;
        let wanted = |instrument: &InstrumentId| {
            let asked = query.instrument.as_ref();
            asked.is_none_or(|asked| asked == instrument)
        };
        let body = match query.page.as_ref().map(PageToken::as_str) {
            Some(CRYPTO_PAGE) if self.config.private_crypto => {
                let mut items = self.read_holdings(id).await?;
                items.retain(|held| wanted(&held.instrument));
                return Ok(Page::last(items));
            }
            Some(link) => self.api.follow(Host::Api, endpoint, link).await?,
            None => {
                let call = self.api.call(Host::Api, endpoint);
                let call = call.query("nonzero", true).query("account_number", id);
                self.api.read(endpoint, call).await?
            }
        };
        let page = rows(&body, |row: &wire::Position<'_>, index| {
            let mine = |account: &AccountId, instrument: &InstrumentId| {
                account == id && wanted(instrument)
            };
            convert::position(row, Place::Row(&body, index), mine)
        });
        let (mut items, next) = page.map_err(|error| place(endpoint, error))?;
        let next = next_page(query.page.as_ref(), next).map_err(|error| place(endpoint, error))?;
        self.name(&mut items).await?;
        let crypto = self
            .config
            .private_crypto
            .then(|| PageToken::new(CRYPTO_PAGE));
        Ok(Page {
            items,
            next: next.or(crypto),
        })
    }
}

/// How many there are, and what they cost together; `None` if it is not known of one.
fn sum(costs: &HashMap<String, Option<Decimal>>) -> (usize, Option<Decimal>) {
    let add = |sum: Option<Decimal>, cost: &Option<Decimal>| sum?.checked_add((*cost)?);
    (costs.len(), costs.values().fold(Some(Decimal::ZERO), add))
}

impl Inner {
    /// Finds the names of positions whose rows do not carry them, as older ones do not.
    async fn name(&self, positions: &mut [Position]) -> Result<()> {
        let nameless = positions.iter().filter(|it| it.symbol.is_none());
        let listings = self
            .listings_of(nameless.map(|it| it.instrument.clone()))
            .await?;
        for position in positions.iter_mut().filter(|it| it.symbol.is_none()) {
            let listing = listings.get(&position.instrument);
            position.symbol = listing.map(|listing| listing.instrument.symbol.clone());
        }
        Ok(())
    }
}

/// Makes a token of the link to the next page. A link to the page itself would never end.
pub(crate) fn next_page(
    asked: Option<&PageToken>,
    next: Option<String>,
) -> Result<Option<PageToken>> {
    let next = next.map(PageToken::new);
    if next.is_some() && next.as_ref() == asked {
        let message = "the pages of the answer go round in a circle";
        return Err(Error::new(ErrorKind::OriginRefused, message));
    }
    Ok(next)
}

/// Keeps the last quotes apart from the identifiers they were asked by.
pub(crate) type ById<T> = HashMap<InstrumentId, T>;
