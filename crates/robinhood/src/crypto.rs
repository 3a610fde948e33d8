//! Crypto of the private API, if it was asked for.

use std::{collections::HashMap, sync::Arc, time::Duration};

use wheelhouse_adapter::Cached;
use wheelhouse_core::{
    AccountId, BrokerOrderId, Error, ErrorKind, Instrument, InstrumentId, Order, Position, Quote,
    Result, Symbol,
};

use crate::{
    api::{self, place, rows},
    client::Inner,
    config::Host,
    convert::{self, Place},
    endpoints,
    wire::{Text, crypto as wire},
};

/// What is remembered of crypto.
#[derive(Debug, Default)]
pub(crate) struct CryptoDesk {
    pairs: Cached<Vec<Instrument>>,
    /// The accounts of that host, by the numbers of the brokerage accounts that pay for them.
    accounts: Cached<HashMap<String, String>>,
}

impl Inner {
    async fn pairs(&self) -> Result<Arc<Vec<Instrument>>> {
        let load = || async {
            let endpoint = &endpoints::GET_PAIRS;
            let mut pairs = Vec::new();
            let call = self.api.call(Host::Nummus, endpoint);
            self.api
                .all_pages(Host::Nummus, endpoint, call, |body| {
                    let (items, next) = rows(body, |row: &wire::Pair<'_>, index| {
                        convert::pair(row, Place::Row(body, index)).map(Some)
                    })?;
                    pairs.extend(items);
                    Ok((next, true))
                })
                .await?;
            Ok(pairs)
        };
        self.crypto
            .pairs
            .get(self.clock(), self.config.instruments_age, load)
            .await
    }

    pub(crate) async fn pair_by_symbol(&self, symbol: &Symbol) -> Result<Option<Instrument>> {
        let pairs = self
            .pairs()
            .await
            .map_err(|error| self.place_in(error, "instrument"))?;
        Ok(pairs.iter().find(|pair| pair.symbol == *symbol).cloned())
    }

    pub(crate) async fn pair(&self, id: &InstrumentId) -> Result<Instrument> {
        if !self.config.private_crypto {
            let message = "crypto of the private API is switched off";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let pairs = self.pairs().await?;
        pairs
            .iter()
            .find(|pair| pair.id == *id)
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("the broker has no pair {id}")))
    }

    /// Finds the account of crypto that belongs to a brokerage account.
    pub(crate) async fn crypto_account(&self, account: &AccountId) -> Result<Option<String>> {
        let load = || async {
            let endpoint = &endpoints::GET_CRYPTO_ACCOUNTS;
            let mut accounts = HashMap::new();
            let call = self.api.call(Host::Nummus, endpoint);
            self.api
                .all_pages(Host::Nummus, endpoint, call, |body| {
                    let (items, next) = rows(body, |row: &wire::CryptoAccount<'_>, _| {
                        let payer = row
                            .rhs_account_number
                            .as_ref()
                            .or(row.apex_account_number.as_ref());
                        Ok(payer.map(|payer| (payer.owned(), row.id.owned())))
                    })?;
                    accounts.extend(items);
                    Ok((next, true))
                })
                .await?;
            Ok(accounts)
        };
        let accounts = self
            .crypto
            .accounts
            .get(self.clock(), Duration::from_secs(3_600), load)
            .await?;
        Ok(accounts.get(account.as_str()).cloned())
    }

    pub(crate) async fn read_holdings(&self, account: &AccountId) -> Result<Vec<Position>> {
        let Some(own) = self.crypto_account(account).await? else {
            return Ok(Vec::new());
        };
        let endpoint = &endpoints::GET_HOLDINGS;
        let call = self.api.call(Host::Nummus, endpoint).query("nonzero", true);
        let mut held = Vec::new();
        self.api
            .all_pages(Host::Nummus, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &wire::Holding<'_>, index| {
                    if row.account_id.as_str() != own {
                        return Ok(None);
                    }
                    convert::holding(row, account, Place::Row(body, index))
                })?;
                held.extend(items);
                Ok((next, true))
            })
            .await?;
        Ok(held)
    }

    pub(crate) async fn read_crypto_quote(&self, id: &InstrumentId) -> Result<Quote> {
        let endpoint = &endpoints::GET_FOREX_QUOTE;
        let pair = convert::own_part(id.as_str()).unwrap_or_default();
        let call = self.api.call(Host::Api, endpoint).path("pair", pair);
        let body = self.api.read(endpoint, call).await?;
        api::decode::<wire::ForexQuote<'_>>(&body)
            .and_then(|row| convert::forex_quote(&row, self.clock().now(), Place::Whole(&body)))
            .map_err(|error| place(endpoint, error))
    }

    /// Reads all orders of crypto of an account.
    pub(crate) async fn read_crypto_orders(
        &self,
        account: &AccountId,
        endpoint: &'static wheelhouse_http::Endpoint,
    ) -> Result<Vec<Order>> {
        let Some(own) = self.crypto_account(account).await? else {
            return Ok(Vec::new());
        };
        let call = self.api.call(Host::Nummus, endpoint);
        let mut orders = Vec::new();
        self.api
            .all_pages(Host::Nummus, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &wire::CryptoOrder<'_>, index| {
                    if row.account_id.as_str() != own {
                        return Ok(None);
                    }
                    convert::crypto_order(row, account, Place::Row(body, index)).map(Some)
                })?;
                orders.extend(items);
                Ok((next, true))
            })
            .await?;
        Ok(orders)
    }

    pub(crate) async fn read_crypto_order(
        &self,
        account: &AccountId,
        order: &BrokerOrderId,
        endpoint: &'static wheelhouse_http::Endpoint,
    ) -> Result<Order> {
        let id = convert::own_part(order.as_str()).unwrap_or_default();
        let own = self.crypto_account(account).await?;
        let call = self.api.call(Host::Nummus, endpoint).path("order", id);
        let body = self.api.read(endpoint, call).await?;
        let read = || {
            let row: wire::CryptoOrder<'_> = api::decode(&body)?;
            if own.as_deref() != Some(Text::as_str(&row.account_id)) {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    "the order is not in this account",
                ));
            }
            convert::crypto_order(&row, account, Place::Whole(&body))
        };
        read().map_err(|error| place(endpoint, error))
    }
}
