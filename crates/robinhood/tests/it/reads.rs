//! Reads field by field and call by call, against the samples and the simulator.

use serde_json::{Value, json};
use time::macros::{date, datetime};
use wheelhouse_core::{
    AccountKind, BarInterval, BarQuery, Broker, BrokerExt, Decimal, ErrorKind, InstrumentId, Price,
    Quantity, Symbol, dec,
};

use crate::{
    rig::{AtServer, AtSim, F, PUT, sample},
    wheel::{page, world},
};

fn value(name: &str) -> Value {
    serde_json::from_slice(&sample(name)).unwrap()
}

fn row(name: &str, index: usize) -> Value {
    value(name)["results"][index].clone()
}

fn query(request: &wiremock::Request, name: &str) -> Option<String> {
    let mut pairs = request.url.query_pairs();
    pairs.find(|(key, _)| key == name).map(|(_, it)| it.into())
}

fn symbols(names: &[&str]) -> Vec<Symbol> {
    names.iter().map(|it| Symbol::new(it).unwrap()).collect()
}

#[tokio::test]
async fn an_account_that_stands_in_both_lists_twice_is_there_once() {
    let at = AtServer::new().await;
    let accounts = value("accounts")["results"].as_array().unwrap().clone();
    let twice = page(&[accounts.clone(), accounts].concat());
    at.mount("GET", "api", "/accounts/", 200, twice, 1).await;
    let own = value("bonfire_transfer_accounts")["results"]
        .as_array()
        .unwrap()
        .clone();
    let twice = page(&[own.clone(), own].concat());
    at.mount("GET", "bonfire", "/transfer/accounts/", 200, twice, 1)
        .await;
    let accounts = at.broker.accounts().await.unwrap();
    let numbers: Vec<_> = accounts.iter().map(|it| it.id.as_str()).collect();
    // The retirement account is in the second list only; the bank 4321 is no account of the broker.
    assert_eq!(numbers, ["100200301", "100200303", "100200302"]);
    assert_eq!(at.sent("GET", "/accounts/100200302/").await.len(), 1);
    assert!(at.sent("GET", "/accounts/4321/").await.is_empty());
}

#[tokio::test]
async fn a_list_of_accounts_that_cannot_be_read_whole_is_an_error_and_not_a_short_list() {
    for (host, route) in [
        ("api", "/accounts/"),
        ("bonfire", "/transfer/accounts/"),
        ("api", "/accounts/100200302/"),
    ] {
        for (status, name, kind) in [
            (403, "error_403", ErrorKind::PermissionDenied),
            (500, "error_500", ErrorKind::BrokerFailure),
        ] {
            let at = AtServer::new().await;
            at.mount("GET", host, route, status, sample(name), 1).await;
            let error = at.broker.accounts().await.unwrap_err();
            assert_eq!(error.kind(), kind, "{route} {status}: {error}");
            assert_eq!(error.operation(), Some("accounts"));
        }
    }
    let at = AtServer::new().await;
    let gone = sample("error_404");
    at.mount("GET", "bonfire", "/transfer/accounts/", 404, gone, 1)
        .await;
    let error = at.broker.accounts().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_summary_is_filled_from_the_wire_field_by_field() {
    let at = world().await;
    let summary = at.broker.account_summary(&at.account).await.unwrap();
    let figures = [
        ("cash", summary.cash, Some(dec!(19250.55))),
        ("buying_power", summary.buying_power, Some(dec!(18250.55))),
        (
            "portfolio_value",
            summary.portfolio_value,
            Some(dec!(32148.05)),
        ),
        ("equity", summary.equity, Some(dec!(32148.05))),
        // equity less the adjusted close of the day before: the plain one is "0".
        ("today", summary.total_return_today, Some(dec!(136.75))),
        // market value 12,897.50 less 6,125 + 2,115 + 886.7625 for shares and 156 for options.
        ("total", summary.total_return_total, Some(dec!(3614.7375))),
        ("open_pnl", summary.open_pnl, Some(dec!(3614.7375))),
        ("withdrawable", summary.withdrawable, Some(dec!(18250.55))),
        ("margin_used", summary.margin_used, Some(dec!(0))),
        ("collateral", summary.options_collateral, Some(dec!(1000))),
    ];
    for (name, read, expected) in figures {
        assert_eq!(read, expected, "{name}");
    }
    assert_eq!(summary.account.as_str(), "100200301");
    assert_eq!(summary.kind, Some(AccountKind::Margin));
    assert_eq!(summary.currency, Some(wheelhouse_core::Currency::USD));
    assert_eq!(summary.day_trades_remaining, Some(3));
    assert_eq!(summary.pattern_day_trader, Some(false));
    assert_eq!(
        (summary.position_count, summary.order_count),
        (Some(6), Some(0))
    );
}

/// The balances of a kind of account stand in one of two objects, and in part outside of them.
#[tokio::test]
async fn a_summary_reads_the_balances_of_each_kind_of_account() {
    const OUTSIDE: [&str; 5] = [
        "cash",
        "portfolio_cash",
        "buying_power",
        "cash_available_for_withdrawal",
        "cash_held_for_options_collateral",
    ];
    for (kind, brokerage, key, read_kind) in [
        (
            "margin",
            "individual",
            "margin_balances",
            AccountKind::Margin,
        ),
        ("cash", "individual", "cash_balances", AccountKind::Cash),
        ("cash", "ira_roth", "cash_balances", AccountKind::Retirement),
        (
            "margin",
            "ira_traditional",
            "margin_balances",
            AccountKind::Retirement,
        ),
    ] {
        let at = world().await;
        let mut account = value("account_detail");
        let balances = json!({
            "portfolio_cash": "500.0000",
            "buying_power": "480.0000",
            "cash_held_for_options_collateral": "20.0000",
            "marked_pattern_day_trader_date": "2026-11-02",
        });
        account["type"] = json!(kind);
        account["brokerage_account_type"] = json!(brokerage);
        account["margin_balances"] = Value::Null;
        account["cash_balances"] = Value::Null;
        account[key] = balances;
        for name in OUTSIDE {
            account[name] = Value::Null;
        }
        let body = account.to_string().into_bytes();
        at.mount("GET", "api", "/accounts/100200301/", 200, body, 1)
            .await;
        let nobody = sample("error_403");
        at.mount("GET", "bonfire", "/accounts/unified/", 403, nobody, 1)
            .await;
        let summary = at.broker.account_summary(&at.account).await.unwrap();
        assert_eq!(summary.kind, Some(read_kind), "{kind} {brokerage}");
        assert_eq!(summary.cash, Some(dec!(500)));
        assert_eq!(summary.options_collateral, Some(dec!(20)));
        assert_eq!(summary.buying_power, Some(dec!(480)));
        assert_eq!(summary.pattern_day_trader, Some(true));
        let of_margin = (kind == "margin").then_some(3);
        assert_eq!(summary.day_trades_remaining, of_margin);
    }
}

#[tokio::test]
async fn day_trades_and_what_is_open_are_counted_once() {
    let at = world().await;
    let trades = json!({"equity_day_trades": [{}, {}], "option_day_trades": [{}, {}]});
    let route = "/accounts/100200301/recent_day_trades/";
    at.mount("GET", "api", route, 200, trades.to_string().into(), 1)
        .await;
    let (first, second) = (row("orders_page_1", 0), row("orders_page_1", 2));
    let filled = row("orders_page_1", 1);
    let orders = page(&[first.clone(), first, second, filled]);
    at.mount("GET", "api", "/orders/", 200, orders, 1).await;
    let open = row("options_orders", 0);
    let orders = page(&[open.clone(), open, row("options_orders", 1)]);
    at.mount("GET", "api", "/options/orders/", 200, orders, 1)
        .await;
    let shares = value("positions_nonzero")["results"]
        .as_array()
        .unwrap()
        .clone();
    let shares = page(&[shares.clone(), shares].concat());
    at.mount("GET", "api", "/positions/", 200, shares, 1).await;
    let summary = at.broker.account_summary(&at.account).await.unwrap();
    assert_eq!(summary.day_trades_remaining, Some(0));
    assert_eq!(summary.order_count, Some(3));
    assert_eq!(summary.position_count, Some(6));
    assert_eq!(summary.open_pnl, Some(dec!(3614.7375)));
}

#[tokio::test]
async fn a_total_return_with_a_row_of_unknown_cost_is_not_known() {
    let at = world().await;
    let mut old = row("options_aggregate_positions", 0);
    old["clearing_cost_basis"] = Value::Null;
    let rows = [
        old.clone(),
        row("options_aggregate_positions", 1),
        row("options_aggregate_positions", 2),
    ];
    let route = "/options/aggregate_positions/";
    at.mount("GET", "api", route, 200, page(&rows), 2).await;
    let summary = at.broker.account_summary(&at.account).await.unwrap();
    // The price that it was opened at tells the same.
    assert_eq!(summary.total_return_total, Some(dec!(3614.7375)));
    old["average_open_price"] = Value::Null;
    at.mount("GET", "api", route, 200, page(&[old]), 1).await;
    let summary = at.broker.account_summary(&at.account).await.unwrap();
    assert_eq!(summary.total_return_total, None);
}

#[tokio::test]
async fn each_list_is_asked_for_one_account_by_the_name_that_it_has_for_that() {
    let at = world().await;
    let options = at.broker.options().unwrap();
    let none = page(&[]);
    for route in ["/options/events/", "/dividends/"] {
        at.mount("GET", "api", route, 200, none.clone(), 3).await;
    }
    let chain = "11057328-9f9a-46b3-b665-bc5dc944f363";
    let collateral = format!("/options/chains/{chain}/collateral/");
    let body = sample("options_chain_collateral");
    at.mount("GET", "api", &collateral, 200, body, 3).await;
    at.broker.all_positions(&at.account).await.unwrap();
    at.broker
        .all_orders(&at.account, Default::default())
        .await
        .unwrap();
    options.option_positions(&at.account).await.unwrap();
    options
        .option_orders(&at.account, Default::default())
        .await
        .unwrap();
    at.broker.option_events(&at.account).await.unwrap();
    at.broker.dividends(&at.account).await.unwrap();
    at.broker
        .option_collateral(&at.account, chain)
        .await
        .unwrap();
    for (route, name) in [
        ("robinhood.com/positions/", "account_number"),
        (
            "/options/chains/11057328-9f9a-46b3-b665-bc5dc944f363/collateral/",
            "account_number",
        ),
        ("robinhood.com/orders/", "account_numbers"),
        ("/options/positions/", "account_numbers"),
        ("/options/aggregate_positions/", "account_numbers"),
        ("/options/orders/", "account_numbers"),
        ("/options/events/", "account_numbers"),
        ("/dividends/", "account_numbers"),
    ] {
        let sent = at.sent("GET", route).await;
        assert!(!sent.is_empty(), "{route}");
        let asked = |it| query(it, name).as_deref() == Some("100200301");
        assert!(sent.iter().all(asked), "{route}");
    }
    for route in ["robinhood.com/positions/", "/options/positions/"] {
        let sent = at.sent("GET", route).await;
        assert!(sent.iter().all(|it| query(it, "nonzero").is_some()));
    }
}

/// Filters with a wrong name are ignored by the broker in silence.
#[tokio::test]
async fn rows_of_another_account_are_left_out_of_every_list() {
    let at = world().await;
    let roth = "100200302".parse().unwrap();
    for (route, name) in [
        ("/options/events/", "options_events"),
        ("/dividends/", "dividends"),
        ("/orders/", "orders_page_2"),
        ("/options/orders/", "options_orders"),
    ] {
        at.mount("GET", "api", route, 200, sample(name), 1).await;
    }
    let options = at.broker.options().unwrap();
    assert_eq!(at.broker.option_events(&at.account).await.unwrap().len(), 2);
    assert!(!at.broker.dividends(&at.account).await.unwrap().is_empty());
    assert!(at.broker.all_positions(&roth).await.unwrap().is_empty());
    assert!(options.option_positions(&roth).await.unwrap().is_empty());
    assert!(at.broker.option_strategies(&roth).await.unwrap().is_empty());
    assert!(at.broker.option_events(&roth).await.unwrap().is_empty());
    assert!(at.broker.dividends(&roth).await.unwrap().is_empty());
    let orders = options.option_orders(&roth, Default::default()).await;
    assert!(orders.unwrap().items.is_empty());
}

#[tokio::test]
async fn numbers_and_times_are_read_in_every_form_that_occurs() {
    let at = AtServer::new().await;
    let mut rows = Vec::new();
    for (quantity, created) in [
        (json!("100.00000000"), "2026-11-20T21:00:00Z"),
        (json!(100), "2026-11-20T16:00:00.123-05:00"),
        (json!("1E+2"), "2026-11-20T21:00:00.123456Z"),
        (json!(100.0), "2026-11-20T21:00:00.123456789+00:00"),
    ] {
        let mut held = row("positions_nonzero", 0);
        held["quantity"] = quantity;
        held["shares_available_for_sells"] = json!("0E-8");
        held["account_number"] = json!(100_200_301);
        held["created_at"] = json!(created);
        held["type"] = json!("never_seen");
        rows.push(held);
    }
    at.mount("GET", "api", "/positions/", 200, page(&rows), 1)
        .await;
    let held = at.broker.positions(&at.account, Default::default()).await;
    let held = held.unwrap().items;
    let times = [
        datetime!(2026-11-20 21:00 UTC),
        datetime!(2026-11-20 21:00:00.123 UTC),
        datetime!(2026-11-20 21:00:00.123456 UTC),
        datetime!(2026-11-20 21:00:00.123456789 UTC),
    ];
    assert_eq!(held.len(), 4);
    for (held, time) in held.iter().zip(times) {
        assert_eq!(held.size.amount(), Decimal::ONE_HUNDRED);
        assert_eq!(held.available, Some(Quantity::new(Decimal::ZERO)));
        assert_eq!(held.opened_at, Some(time));
    }
}

#[tokio::test]
async fn a_quote_prefers_the_extended_hours_and_has_no_bid_of_zero() {
    let at = AtServer::new().await;
    let mut quote = row("marketdata_quotes", 0);
    quote["last_extended_hours_trade_price"] = json!("12.410000");
    quote["bid_price"] = json!("0.000000");
    quote["ask_price"] = json!("0.000000");
    quote["previous_close"] = json!("12.05");
    quote["adjusted_previous_close"] = json!("12.040000");
    at.mount(
        "GET",
        "api",
        "/marketdata/quotes/",
        200,
        page(&[quote, Value::Null]),
        1,
    )
    .await;
    let ids = [F, "00000000-0000-4000-8000-000000000000"].map(|id| InstrumentId::new(id).unwrap());
    let quotes = at.broker.quotes(&at.account, &ids).await.unwrap();
    assert_eq!((quotes[0].bid, quotes[0].ask), (None, None));
    assert_eq!(quotes[0].last, Some(Price::new(dec!(12.41))));
    assert_eq!(quotes[0].previous_close, Some(Price::new(dec!(12.04))));
    assert_eq!(quotes[1].instrument, ids[1]);
    assert_eq!((quotes[1].bid, quotes[1].last), (None, None));
}

#[tokio::test]
async fn a_symbol_that_the_broker_does_not_know_is_not_found_by_name() {
    let at = AtServer::new().await;
    for (route, name) in [
        ("/quotes/", "quotes_with_unknown_symbol"),
        ("/fundamentals/", "fundamentals"),
    ] {
        at.mount("GET", "api", route, 200, sample(name), 1).await;
    }
    let both = symbols(&["F", "NOSUCH"]);
    let of_quotes = at.broker.quotes_of(&both).await.unwrap_err();
    let of_fundamentals = at.broker.fundamentals_of(&both).await.unwrap_err();
    for error in [of_quotes, of_fundamentals] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.message().ends_with("know NOSUCH"), "{error}");
    }
    // A row too few could belong to any of them.
    let three = symbols(&["F", "NOSUCH", "KO"]);
    let error = at.broker.quotes_of(&three).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
    let error = at.broker.quotes_of(&symbols(&["KO", "F"])).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::UnexpectedAnswer);
    let at = AtSim::new().await;
    let error = at.broker.find_instrument(&at.account, "NOSUCH").await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn many_symbols_are_asked_for_in_as_few_requests_as_the_address_allows() {
    let at = AtSim::new().await;
    at.server().seed_positions("100200301", 1_220).unwrap();
    let names: Vec<_> = (1..=1_220).map(|n| format!("W{n:04}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let quotes = at.broker.quotes_of(&symbols(&names)).await.unwrap();
    assert_eq!(quotes.len(), 1_220);
    assert!(quotes.iter().all(|it| it.last.is_some()));
    let known = at.broker.fundamentals_of(&symbols(&names[..250])).await;
    assert_eq!(known.unwrap().len(), 250);
    let asked = |route: &str| {
        let requests = at.server().ledger().requests();
        let of_route = requests.iter().filter(|it| it.path.ends_with(route));
        of_route.count()
    };
    assert_eq!((asked("/quotes/"), asked("/fundamentals/")), (4, 3));
}

#[tokio::test]
async fn a_thousand_positions_need_no_call_for_each_of_them() {
    let at = AtSim::new().await;
    at.server().seed_positions("100200301", 1_000).unwrap();
    at.broker.accounts().await.unwrap();
    let before = at.server().ledger().requests().len();
    let held = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(held.len(), 1_003);
    let pages = at.server().ledger().requests().len() - before;
    assert!(pages <= 1_003 / 100 + 1, "{pages}");
    let ids: Vec<_> = held.iter().map(|it| it.instrument.clone()).collect();
    at.broker.quotes(&at.account, &ids).await.unwrap();
    let quotes = at.server().ledger().requests().len() - before - pages;
    assert_eq!(quotes, 1_003usize.div_ceil(50));
    at.broker.account_summary(&at.account).await.unwrap();
    let summary = at.server().ledger().requests().len() - before - pages - quotes;
    // Account, portfolio, day trades, balances, strategies, orders of both kinds, and the positions.
    assert_eq!(summary, 7 + pages);
}

/// Answers a route that lists what bears the asked-for `ids`: for each of them `template`, changed.
async fn rows_by_id(
    at: &AtServer,
    route: &str,
    template: Value,
    change: impl Fn(&mut Value, &str) + Send + Sync + 'static,
) {
    let answer = move |request: &wiremock::Request| {
        let ids = query(request, "ids").unwrap_or_default();
        let told = |id: &str| {
            let mut row = template.clone();
            row["id"] = json!(id);
            change(&mut row, id);
            row
        };
        let rows: Vec<_> = ids.split(',').map(told).collect();
        wiremock::ResponseTemplate::new(200).set_body_raw(page(&rows), "application/json")
    };
    let path = format!("/api.robinhood.com{route}");
    wiremock::Mock::given(wiremock::matchers::path(path))
        .respond_with(answer)
        .with_priority(1)
        .mount(&at.server)
        .await;
}

/// Answers with shares that are called W and four digits of their identifier.
async fn instruments_by_id(at: &AtServer) {
    let template = value("instrument_detail_F");
    rows_by_id(at, "/instruments/", template, |row, id| {
        row["symbol"] = json!(format!("W{}", &id[4..8]));
    })
    .await;
}

#[tokio::test]
async fn positions_without_a_name_get_theirs_by_fifties() {
    let at = AtServer::new().await;
    let id = |n: usize| format!("{n:08}-0000-4000-8000-000000000000");
    let held = |n| {
        let mut held = row("positions_nonzero", 0);
        held["instrument"] = json!(format!("https://api.robinhood.com/instruments/{}/", id(n)));
        held["instrument_id"] = json!(id(n));
        held.as_object_mut().unwrap().remove("symbol");
        held
    };
    let all: Vec<_> = (0..120).map(held).collect();
    at.mount("GET", "api", "/positions/", 200, page(&all), 1)
        .await;
    instruments_by_id(&at).await;
    let held = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(held[7].symbol.as_ref().unwrap().as_str(), "W0007");
    assert!(held.iter().all(|it| it.symbol.is_some()));
    assert_eq!(at.sent("GET", ".com/instruments/").await.len(), 3);
    at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(at.sent("GET", ".com/instruments/").await.len(), 3);
}

#[tokio::test]
async fn options_on_many_chains_are_read_by_forties() {
    let at = AtServer::new().await;
    let id = |kind: &str, n: usize| format!("{n:08}-0000-4000-8000-{kind:0>12}");
    let held = |n| {
        let mut held = row("options_positions_nonzero", 0);
        held["id"] = json!(id("a", n));
        held["option_id"] = json!(id("b", n));
        held
    };
    let all: Vec<_> = (0..100).map(held).collect();
    at.mount("GET", "api", "/options/positions/", 200, page(&all), 1)
        .await;
    let none = page(&[]);
    let route = "/options/aggregate_positions/";
    at.mount("GET", "api", route, 200, none, 1).await;
    for (route, name) in [
        ("instruments", "option_instrument_detail_F_put_10"),
        ("chains", "options_chain_F"),
    ] {
        let route = format!("/options/{route}/");
        rows_by_id(&at, &route, value(name), |row, id| {
            row["chain_id"] = json!(id.replace("00000000000b", "00000000000c"));
            row["underlyings"] = json!([{
                "id": id.replace("00000000000c", "00000000000d"),
                "symbol": format!("W{}", &id[4..8]),
                "type": "equity",
            }]);
        })
        .await;
    }
    let options = at.broker.options().unwrap();
    let held = options.option_positions(&at.account).await.unwrap();
    assert_eq!(held.len(), 100);
    assert_eq!(at.sent("GET", "/options/instruments/").await.len(), 3);
    assert_eq!(at.sent("GET", "/options/chains/").await.len(), 3);
    options.option_positions(&at.account).await.unwrap();
    assert_eq!(at.sent("GET", "/options/chains/").await.len(), 3);

    // And so are the shares that they are on, whoever asks for one after the other.
    instruments_by_id(&at).await;
    for held in &held {
        let underlying = held.contract.underlying.clone();
        let found = at.broker.instrument(&at.account, &underlying).await;
        assert_eq!(found.unwrap().symbol, underlying);
    }
    assert_eq!(at.sent("GET", ".com/instruments/").await.len(), 2);
}

#[tokio::test]
async fn bars_are_refused_offline_where_the_broker_would_refuse_them() {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    let before = at.server().ledger().requests().len();
    let now = wheelhouse_core::Clock::now(&at.clock);
    let history = at.broker.market_history().unwrap();
    for (interval, days) in [
        (BarInterval::Minute1, 1),
        (BarInterval::Minute5, 9),
        (BarInterval::Minute10, 9),
        (BarInterval::Hour1, 100),
        (BarInterval::Day1, 2_000),
        (BarInterval::Week1, 2_000),
    ] {
        let from = now - time::Duration::days(days);
        let query = BarQuery::new(&f, interval, from, now);
        let error = history.bars(&at.account, &query).await.unwrap_err();
        assert!(matches!(error.code(), 3010 | 5001), "{error}");
    }
    assert_eq!(at.server().ledger().requests().len(), before);
    for (interval, days) in [
        (BarInterval::Minute5, 6),
        (BarInterval::Minute10, 6),
        (BarInterval::Hour1, 80),
        (BarInterval::Day1, 1_800),
        (BarInterval::Week1, 1_800),
    ] {
        let from = now - time::Duration::days(days);
        let query = BarQuery::new(&f, interval, from, now);
        history.bars(&at.account, &query).await.unwrap();
    }
}

#[tokio::test]
async fn hours_are_asked_for_by_the_date_in_new_york() {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    let sessions = at.broker.trading_sessions().unwrap();
    // Through a whole day, so that one of the looks is between midnight here and there.
    for _ in 0..24 {
        let now = wheelhouse_core::Clock::now(&at.clock);
        let date = wheelhouse_wheel::new_york_date(now);
        sessions.trading_hours(&at.account, &f.id).await.unwrap();
        let requests = at.server().ledger().requests();
        let path = &requests.last().unwrap().path;
        assert!(
            path.ends_with(&format!("/hours/{date}/")),
            "{path} at {now}"
        );
        at.clock.0.skip(std::time::Duration::from_secs(3_600));
    }
}

#[tokio::test]
async fn a_day_without_trading_has_no_hours() {
    let at = AtServer::new().await;
    let route = "/markets/XNYS/hours/2026-11-26/";
    let closed = sample("market_hours_closed");
    at.mount("GET", "api", route, 200, closed, 1).await;
    let hours = at.broker.market_hours("XNYS", date!(2026 - 11 - 26)).await;
    let hours = hours.unwrap();
    assert!(!hours.is_open && hours.opens_at.is_none() && hours.closes_at.is_none());
}

#[tokio::test]
async fn contracts_without_a_price_or_greeks_have_none() {
    let at = AtServer::new().await;
    let body = sample("marketdata_options_no_greeks_and_null");
    at.mount("GET", "api", "/marketdata/options/", 200, body, 1)
        .await;
    let other = "02114a8c-f3ea-4bf3-a83a-0d6430589f4e";
    let ids = [other, PUT].map(|id| InstrumentId::new(id).unwrap());
    let options = at.broker.options().unwrap();
    let quotes = options.option_quotes(&at.account, &ids).await.unwrap();
    let known: Vec<_> = quotes.iter().map(|it| it.mark.is_some()).collect();
    assert_eq!(quotes.len(), 2);
    assert_eq!(known.iter().filter(|known| **known).count(), 1);
    assert!(
        quotes
            .iter()
            .all(|it| it.delta.is_none() && it.implied_volatility.is_none())
    );
}

#[tokio::test]
async fn a_page_that_repeats_rows_of_the_page_before_doubles_nothing() {
    let at = world().await;
    for (route, name) in [
        ("/positions/", "positions_nonzero"),
        ("/options/positions/", "options_positions_nonzero"),
        (
            "/options/aggregate_positions/",
            "options_aggregate_positions",
        ),
        ("/options/events/", "options_events"),
        ("/dividends/", "dividends"),
        ("/orders/", "orders_page_2"),
    ] {
        let second = wiremock::Mock::given(wiremock::matchers::query_param("cursor", "2"))
            .and(wiremock::matchers::path(format!(
                "/api.robinhood.com{route}"
            )))
            .respond_with(
                wiremock::ResponseTemplate::new(200).set_body_raw(sample(name), "application/json"),
            );
        second.with_priority(1).mount(&at.server).await;
        let mut first = value(name);
        let next = format!("https://api.robinhood.com{route}?cursor=2");
        first["next"] = json!(next);
        let body = first.to_string().into_bytes();
        at.mount("GET", "api", route, 200, body, 2).await;
    }
    let count = |name: &str| value(name)["results"].as_array().unwrap().len();
    let options = at.broker.options().unwrap();
    let held = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(held.len(), 3);
    let held = options.option_positions(&at.account).await.unwrap();
    assert_eq!(held.len(), 3);
    let held = at.broker.option_strategies(&at.account).await.unwrap();
    assert_eq!(held.len(), 3);
    let events = at.broker.option_events(&at.account).await.unwrap();
    assert_eq!(events.len(), count("options_events"));
    let dividends = at.broker.dividends(&at.account).await.unwrap();
    assert_eq!(dividends.len(), count("dividends"));
    let orders = at.broker.all_orders(&at.account, Default::default()).await;
    assert_eq!(orders.unwrap().len(), count("orders_page_2"));
    let summary = at.broker.account_summary(&at.account).await.unwrap();
    assert_eq!(summary.position_count, Some(6));
}

/// Rows that are read a second time, for the page is not written the usual way to its end, count once
/// and not none.
#[tokio::test]
async fn a_page_that_is_read_twice_is_there_once() {
    let at = world().await;
    for (route, name) in [
        ("/positions/", "positions_nonzero"),
        ("/options/positions/", "options_positions_nonzero"),
        (
            "/options/aggregate_positions/",
            "options_aggregate_positions",
        ),
    ] {
        let compact = value(name).to_string();
        let at_last = compact.rfind("\"quantity\"").unwrap();
        let (start, end) = compact.split_at(at_last);
        let odd = end.replacen("\"quantity\"", "\"qu\\u0061ntity\"", 1);
        let body = format!("{start}{odd}").into_bytes();
        at.mount("GET", "api", route, 200, body, 1).await;
    }
    assert_eq!(at.broker.all_positions(&at.account).await.unwrap().len(), 3);
    let options = at.broker.options().unwrap();
    let held = options.option_positions(&at.account).await.unwrap();
    assert_eq!(held.len(), 3);
    let held = at.broker.option_strategies(&at.account).await.unwrap();
    assert_eq!(held.len(), 3);
    let summary = at.broker.account_summary(&at.account).await.unwrap();
    assert_eq!(summary.position_count, Some(6));
    assert_eq!(summary.open_pnl, Some(dec!(3614.7375)));
}

#[tokio::test]
async fn terms_of_contracts_are_read_again_when_they_may_have_changed() {
    let at = AtServer::built(|mut config| {
        config.instruments_age = std::time::Duration::from_secs(60);
        config
    })
    .await;
    for (route, name) in [
        (
            "/options/positions/",
            "options_positions_pending_assignment",
        ),
        (
            "/options/aggregate_positions/",
            "options_aggregate_positions",
        ),
    ] {
        at.mount("GET", "api", route, 200, sample(name), 1).await;
    }
    let options = at.broker.options().unwrap();
    options.option_positions(&at.account).await.unwrap();
    options.option_positions(&at.account).await.unwrap();
    assert_eq!(at.sent("GET", "/options/instruments/").await.len(), 1);
    at.clock.0.skip(std::time::Duration::from_secs(60));
    options.option_positions(&at.account).await.unwrap();
    assert_eq!(at.sent("GET", "/options/instruments/").await.len(), 2);
    let chain = "11057328-9f9a-46b3-b665-bc5dc944f363/";
    assert_eq!(at.sent("GET", chain).await.len(), 2);
}

#[tokio::test]
async fn calls_go_out_at_the_pace_of_the_settings() {
    let default = AtSim::new().await;
    let before = default.clock.0.skipped();
    for _ in 0..30 {
        default.broker.user().await.unwrap();
    }
    let waited = default.clock.0.skipped() - before;
    // Ten at once and twenty at four a second, but for the part that is kept for cancels.
    let seconds = std::time::Duration::from_secs;
    assert!((seconds(5)..seconds(7)).contains(&waited), "{waited:?}");

    let slow = AtSim::built(crate::rig::granted(), crate::rig::rich(), |mut config| {
        config.limits.reads_per_second = 1;
        config.limits.reads_burst = 2;
        config.limits.order_interval_ms = 20_000;
        config.limit_wait = seconds(60);
        config
    })
    .await;
    let before = slow.clock.0.skipped();
    for _ in 0..12 {
        slow.broker.user().await.unwrap();
    }
    let waited = slow.clock.0.skipped() - before;
    assert!((seconds(10)..seconds(15)).contains(&waited), "{waited:?}");
    let f = slow.instrument("F").await;
    let before = slow.clock.0.skipped();
    for _ in 0..3 {
        let request = wheelhouse_core::OrderRequest::limit(
            &slow.account,
            &f,
            wheelhouse_core::Side::Buy,
            wheelhouse_core::shares!(1),
            dec!(5),
        );
        let placed = slow.broker.place_order(&request).await.unwrap();
        let accepted = matches!(placed, wheelhouse_core::Submission::Accepted(_));
        assert!(accepted, "{placed}");
    }
    let waited = slow.clock.0.skipped() - before;
    assert!((seconds(39)..seconds(60)).contains(&waited), "{waited:?}");
    let usage = slow.broker.usage().await;
    let reads = usage.iter().find(|it| it.class.name() == "robinhood.reads");
    assert_eq!(reads.unwrap().limit, 1);
}
