use std::collections::BTreeSet;

use wheelhouse_core::{AccountId, Broker, ErrorKind, OrderQuery, PositionQuery};

use super::{BrokerHarness, stage::Stage};
use crate::{TestResult, outcome::ensure};

/// The user has accounts, and no two have the same identifier.
pub async fn accounts_have_ids_of_their_own(h: &impl BrokerHarness) -> TestResult {
    let world = h.start().await?;
    let accounts = world.broker.accounts().await?;
    ensure!(!accounts.is_empty(), "the user has no account");
    let ids: BTreeSet<_> = accounts.iter().map(|account| &account.id).collect();
    ensure!(
        ids.len() == accounts.len(),
        "two accounts share an identifier: {accounts:?}"
    );
    for account in &accounts {
        let found = accounts.by_id(account.id.as_str())?;
        ensure!(
            found.id == account.id,
            "{} is found as {}",
            account.id,
            found.id
        );
    }
    Ok(())
}

/// The summary is of the account that was asked for, has a currency and at least one of cash and
/// equity, and counts what is there.
pub async fn summary_is_of_the_account_and_in_its_currency(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let summary = stage.broker.account_summary(&stage.account).await?;
    ensure!(
        summary.account == stage.account,
        "the summary is of {}",
        summary.account
    );
    ensure!(summary.currency.is_some(), "the summary has no currency");
    ensure!(
        summary.cash.or(summary.equity).is_some(),
        "the summary has neither cash nor equity: {summary:?}"
    );
    ensure!(
        summary.position_count.is_none_or(|count| count == 0),
        "the summary counts {:?} positions where there are none",
        summary.position_count
    );
    Ok(())
}

/// An account that is not the user's is refused by every call that names one.
pub async fn accounts_of_others_are_refused(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let other = AccountId::new("99999999")?;
    let fit = |kind| {
        use ErrorKind::{InvalidInput, NotFound, PermissionDenied};
        matches!(kind, InvalidInput | NotFound | PermissionDenied)
    };
    let broker = &stage.broker;
    let mut request = stage.resting().await?;
    request.account = other.clone();
    for (call, error) in [
        (
            "account_summary",
            broker.account_summary(&other).await.err(),
        ),
        (
            "positions",
            broker.positions(&other, PositionQuery::all()).await.err(),
        ),
        (
            "orders",
            broker.orders(&other, OrderQuery::all()).await.err(),
        ),
        ("place_order", broker.place_order(&request).await.err()),
    ] {
        let kind = error.as_ref().map(wheelhouse_core::Error::kind);
        ensure!(
            kind.is_some_and(fit),
            "{call} of a foreign account gives {error:?}"
        );
    }
    let placed = stage.backstage.orders_placed(None).await;
    ensure!(
        placed.is_none_or(|placed| placed == 0),
        "an order was placed in a foreign account"
    );
    Ok(())
}
