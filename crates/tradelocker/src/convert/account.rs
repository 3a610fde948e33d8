use std::borrow::Cow;

use bytes::Bytes;
use time::OffsetDateTime;
use wheelhouse_core::{
    Account, AccountId, AccountStatus, AccountSummary, Currency, Money, Raw, Result,
};

use super::{NO_ID, element, leaf, plain, required};
use crate::{
    error::unexpected,
    wire::{
        accounts::{AccountEntry, state},
        table::Table,
        token::Token,
    },
};

/// Converts an account of all-accounts, with its `accNum`.
pub(crate) fn account(
    entry: &AccountEntry<'_>,
    index: usize,
    body: &Bytes,
) -> Result<(Account, u64)> {
    let path = |key: &str| format!("accounts[{index}].{key}");
    let id = required(&path("id"), entry.id, Token::text)?;
    let id = AccountId::new(id).map_err(|_| unexpected(path("id"), NO_ID))?;
    let number = required(&path("accNum"), entry.acc_num, Token::whole)?;
    let mut account = Account::new(id);
    account.name = leaf(&path("name"), entry.name, Token::text)?.map(Cow::into_owned);
    let currency = leaf(&path("currency"), entry.currency, Token::text)?;
    account.currency = currency.and_then(|code| Currency::new(&code).ok());
    account.status = match leaf(&path("status"), entry.status, Token::text)? {
        None => AccountStatus::Unknown(String::new()),
        Some(text) => match plain(&text).as_str() {
            "active" => AccountStatus::Active,
            "restricted" => AccountStatus::Restricted,
            "suspended" => AccountStatus::Suspended,
            "closed" | "archived" => AccountStatus::Closed,
            _ => AccountStatus::Unknown(text.into_owned()),
        },
    };
    let balance = leaf(
        &path("accountBalance"),
        entry.account_balance,
        Token::decimal,
    )?;
    account.balance = balance
        .zip(account.currency)
        .map(|(amount, currency)| Money::new(amount, currency));
    account.raw = element(body, &["accounts"], index);
    Ok((account, number))
}

pub(crate) fn summary(
    table: &Table<{ state::COUNT }>,
    account: &AccountId,
    currency: Option<Currency>,
    now: OffsetDateTime,
) -> Result<AccountSummary> {
    use state::*;
    let row = table
        .rows()
        .next()
        .ok_or_else(|| unexpected("d.accountDetailsData", "is missing"))?;
    let figure = |column| row.read(&IDS, column, Token::decimal);
    let count = |column| -> Result<Option<u32>> {
        Ok(row
            .read(&IDS, column, Token::whole)?
            .and_then(|count| u32::try_from(count).ok()))
    };
    let mut summary = AccountSummary::new(account.clone(), now);
    summary.currency = currency;
    summary.cash = figure(BALANCE)?;
    summary.equity = figure(PROJECTED_BALANCE)?;
    summary.buying_power = figure(AVAILABLE_FUNDS)?;
    summary.withdrawable = figure(WITHDRAWAL_AVAILABLE)?;
    summary.margin_used = figure(INITIAL_MARGIN_REQ)?;
    summary.open_pnl = figure(OPEN_NET_PNL)?.or(figure(OPEN_GROSS_PNL)?);
    summary.total_return_today = figure(TODAY_NET)?;
    summary.position_count = count(POSITIONS_COUNT)?;
    summary.order_count = count(ORDERS_COUNT)?;
    summary.raw = Raw::whole(table.body().clone());
    Ok(summary)
}
