use wheelhouse_core::{
    BarInterval, BarQuery, Broker, BrokerExt, ErrorKind, InstrumentQuery, Quote,
};

use super::{
    BrokerHarness,
    stage::{Stage, skipped},
};
use crate::{TestFailure, TestResult, outcome::ensure};

/// An instrument is found by its symbol, with rules, and sized in a unit that the capabilities name.
pub async fn instruments_are_found_by_symbol(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let units = stage.broker.capabilities().order_sizes;
    for instrument in [&stage.first, &stage.second] {
        let symbol = &instrument.symbol;
        let again = stage.broker.instrument(&stage.account, symbol).await?;
        ensure!(
            again.id == instrument.id,
            "{symbol} is found as {}",
            again.id
        );
        ensure!(
            units.contains(&instrument.unit),
            "{symbol} is sized in {:?}",
            instrument.unit
        );
        let known = instrument
            .rules
            .quantity_step
            .or(instrument.rules.min_quantity);
        ensure!(known.is_some(), "{symbol} has no rules for quantities");
    }
    ensure!(
        stage.first.id != stage.second.id,
        "two instruments share an identifier"
    );
    Ok(())
}

/// The list of instruments has what can be found by symbol, and can be searched.
pub async fn instruments_are_listed(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let query = InstrumentQuery::all().text(stage.first.symbol.as_str().to_lowercase());
    let found = stage.broker.instruments(&stage.account, query).await?.items;
    ensure!(
        found.iter().any(|it| it.id == stage.first.id),
        "{} is not in the list that was searched for it",
        stage.first.symbol
    );
    Ok(())
}

/// A symbol that the broker does not know is not found.
pub async fn unknown_symbols_are_not_found(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let account = &stage.account;
    let asked = stage.broker.find_instrument(account, "NOSUCHTHING");
    stage
        .refused("an unknown symbol", ErrorKind::NotFound, asked)
        .await?;
    Ok(())
}

/// A symbol with a hidden character is refused by its code point, and nothing is sent for it.
pub async fn symbols_with_hidden_characters_are_refused_unsent(
    h: &impl BrokerHarness,
) -> TestResult {
    let stage = Stage::set(h).await?;
    let requests = stage.backstage.requests().await;
    let hidden = format!("{}\u{200B}", stage.first.symbol);
    let asked = stage.broker.find_instrument(&stage.account, &hidden);
    let error = stage
        .refused("a hidden character", ErrorKind::InvalidInput, asked)
        .await?;
    ensure!(
        error.message().contains("U+200B"),
        "the character is not named: {error}"
    );
    ensure!(
        stage.backstage.requests().await == requests,
        "something was sent for it"
    );
    Ok(())
}

/// Quotes come in the order in which they were asked for, with prices that do not cross.
pub async fn quotes_come_in_the_order_asked(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let ids = [
        stage.second.id.clone(),
        stage.first.id.clone(),
        stage.second.id.clone(),
    ];
    let quotes = stage.broker.quotes(&stage.account, &ids).await?;
    let order: Vec<_> = quotes
        .iter()
        .map(|quote| quote.instrument.clone())
        .collect();
    ensure!(order == ids, "asked for {ids:?}, got {order:?}");
    ensure!(
        quotes.iter().all(not_crossed),
        "bid above ask, or no price: {quotes:?}"
    );
    let none = stage.broker.quotes(&stage.account, &[]).await?;
    ensure!(none.is_empty(), "quotes of nothing are {none:?}");
    Ok(())
}

fn not_crossed(quote: &Quote) -> bool {
    quote
        .bid
        .zip(quote.ask)
        .is_some_and(|(bid, ask)| bid <= ask)
}

/// Bars come oldest first, within the span that was asked for, with high and low around the rest.
pub async fn bars_come_oldest_first(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(history) = stage.broker.market_history() else {
        skipped(format_args!("the broker has no price history"));
        return Ok(());
    };
    let to = stage.quote().await?.received_at;
    let from = to - time::Duration::days(3);
    let query = BarQuery::new(&stage.first, BarInterval::Hour1, from, to);
    let bars = history.bars(&stage.account, &query).await?;
    ensure!(
        bars.is_sorted_by(|a, b| a.time < b.time),
        "the bars are not in order"
    );
    for bar in &bars {
        ensure!(
            from <= bar.time && bar.time <= to,
            "the bar of {} was not asked for",
            bar.time
        );
        let (low, high) = (bar.low.min(bar.open).min(bar.close), bar.high.max(bar.open));
        ensure!(
            low == bar.low && high.max(bar.close) == bar.high,
            "low and high of {bar:?}"
        );
    }
    history.daily_bar(&stage.account, &stage.first.id).await?;
    Ok(())
}

/// Order books have the best price first and do not cross.
pub async fn depth_has_the_best_price_first(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(depth) = stage.broker.market_depth() else {
        skipped(format_args!("the broker has no order books"));
        return Ok(());
    };
    let book = depth.depth(&stage.account, &stage.first.id).await?;
    ensure!(
        book.instrument == stage.first.id,
        "the book is of {}",
        book.instrument
    );
    ensure!(
        book.bids.is_sorted_by(|a, b| a.price >= b.price),
        "bids: {:?}",
        book.bids
    );
    ensure!(
        book.asks.is_sorted_by(|a, b| a.price <= b.price),
        "asks: {:?}",
        book.asks
    );
    let best = book.bids.first().zip(book.asks.first());
    ensure!(
        best.is_none_or(|(bid, ask)| bid.price <= ask.price),
        "the book crosses"
    );
    Ok(())
}

/// Trading hours and status can be read, and the status allows what trades.
pub async fn trading_sessions_are_read(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let Some(sessions) = stage.broker.trading_sessions() else {
        skipped(format_args!("the broker has no trading hours"));
        return Ok(());
    };
    let schedule = sessions
        .trading_hours(&stage.account, &stage.first.id)
        .await?;
    ensure!(
        schedule.blocked != Some(true),
        "an instrument that trades is blocked"
    );
    let status = sessions
        .session_status(&stage.account, &stage.first.id)
        .await?;
    ensure!(
        status.can_place,
        "an instrument that trades takes no orders: {status:?}"
    );
    Ok(())
}

/// Reads follow each other under fifty callers at once, and all get the same.
pub async fn fifty_callers_are_served(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    stage.backstage.cause(super::Trouble::ExpireToken).await;
    let broker = std::sync::Arc::new(stage.broker);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let broker = broker.clone();
        tasks.spawn(async move { broker.accounts().await });
    }
    let mut answers = Vec::new();
    while let Some(answer) = tasks.join_next().await {
        answers.push(answer.map_err(TestFailure::from)??);
    }
    let ids = |accounts: &wheelhouse_core::Accounts| -> Vec<_> {
        accounts.iter().map(|account| account.id.clone()).collect()
    };
    ensure!(answers.len() == 50, "{} of 50 were answered", answers.len());
    ensure!(
        answers.iter().all(|it| ids(it) == ids(&answers[0])),
        "the answers differ"
    );
    Ok(())
}

/// A token that has expired is renewed without the caller.
pub async fn expired_tokens_are_renewed_for_the_caller(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    if !stage.cause(super::Trouble::ExpireToken).await {
        return Ok(());
    }
    stage.broker.account_summary(&stage.account).await?;
    stage.quote().await?;
    Ok(())
}
