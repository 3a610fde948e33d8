use time::macros::datetime;
use wheelhouse_core::{
    ErrorKind, InstrumentId, OptionQuote, OrderSize, Quantity, Quote, Side, Symbol, dec,
};
use wheelhouse_wheel::{Hazard, Stage, classify, gather, read};

use crate::{
    broker::{Fake, Standing},
    world::{NOW, account, price, symbol, world},
};

const F: &str = "1a55e189-5d08-417e-9e65-d549ba4b2a1b";
const PUT_ON_F: &str = "be7c2476-573c-466d-8294-f7150e29271c";
const CALL_ON_KO: &str = "8c469713-9205-420c-9252-5988481ce6f4";

fn clock() -> Standing {
    Standing(NOW)
}

fn quote(id: &InstrumentId, last: wheelhouse_core::Decimal) -> Quote {
    let mut quote = Quote::new(id.clone(), NOW);
    quote.last = Some(price(last));
    quote
}

/// The world, with the prices that its quotes have.
fn priced() -> Fake {
    let mut fake = Fake::of_the_world();
    let id: InstrumentId = F.parse().unwrap();
    fake.instruments.insert(symbol("F"), id.clone());
    fake.quotes.insert(id.clone(), quote(&id, dec!(12.345)));
    for (name, last) in [("KO", dec!(71.1)), ("SOFI", dec!(27.5))] {
        let name: Symbol = symbol(name);
        let mut rows = fake.positions.iter().flatten();
        let row = rows.find(|row| row.symbol.as_ref() == Some(&name)).unwrap();
        let id = row.instrument.clone();
        fake.quotes.insert(id.clone(), quote(&id, last));
    }
    let mut put = OptionQuote::new(PUT_ON_F.parse().unwrap(), NOW);
    put.mark = Some(price(dec!(0.22)));
    let mut call = OptionQuote::new(CALL_ON_KO.parse().unwrap(), NOW);
    (call.bid, call.ask) = (Some(price(dec!(0.34))), Some(price(dec!(0.37))));
    fake.option_quotes = vec![call, put];
    fake
}

#[tokio::test]
async fn what_is_read_is_what_is_classified_over_all_pages() {
    let broker = priced();
    let report = read(&broker, &account(), &clock()).await.unwrap();
    assert_eq!(
        Some(&report),
        classify(&world()).unwrap().account(&account())
    );
    let positions = broker.calls().iter().filter(|c| *c == "positions").count();
    assert_eq!(positions, 3, "a page each");
}

#[tokio::test]
async fn only_written_contracts_and_unpriced_underlyings_are_asked_for() {
    let mut broker = priced();
    for row in broker.positions.iter_mut().flatten() {
        row.mark_price = Some(price(dec!(50)));
    }
    read(&broker, &account(), &clock()).await.unwrap();
    let calls = broker.calls();
    let priced: Vec<_> = calls
        .iter()
        .filter(|call| !call.contains("positions") && !call.contains("summary"))
        .collect();
    let quotes = format!("quotes {F}");
    let marks = format!("option_quotes {CALL_ON_KO} {PUT_ON_F}");
    assert_eq!(priced, [&marks, "instrument F", &quotes]);
}

#[tokio::test]
async fn missing_prices_leave_figures_out_and_stages_as_they_are() {
    for kind in [ErrorKind::NotFound, ErrorKind::Unsupported] {
        let mut broker = priced();
        for operation in ["quotes", "option_quotes", "instrument"] {
            broker.failing.insert(operation, kind);
        }
        let report = read(&broker, &account(), &clock()).await.unwrap();
        let f = report.wheel(&symbol("F")).unwrap();
        assert_eq!(f.stages, vec![Stage::CashSecuredPutOpen]);
        assert_eq!((f.price, f.puts[0].leg.mark), (None, None));
        assert_eq!(report.totals.open_pnl, None);
    }
}

#[tokio::test]
async fn a_last_price_of_nothing_gives_way_to_the_middle_of_the_market() {
    let mut broker = priced();
    let f: InstrumentId = F.parse().unwrap();
    let mut strange = quote(&f, dec!(0));
    (strange.bid, strange.ask) = (Some(price(dec!(12))), Some(price(dec!(13))));
    broker.quotes.insert(f, strange);
    let report = read(&broker, &account(), &clock()).await.unwrap();
    assert_eq!(
        report.wheel(&symbol("F")).unwrap().price,
        Some(price(dec!(12.5)))
    );
}

#[tokio::test]
async fn a_reading_that_fails_fails_the_whole() {
    for operation in [
        "account_summary",
        "positions",
        "option_positions",
        "option_quotes",
        "instrument",
        "quotes",
    ] {
        let mut broker = priced();
        broker.failing.insert(operation, ErrorKind::BrokerFailure);
        let error = read(&broker, &account(), &clock()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokerFailure, "{operation}");
        assert_eq!(error.operation(), Some(operation));
    }
}

#[tokio::test]
async fn a_broker_without_options_is_unsupported_and_asked_nothing() {
    let mut broker = priced();
    broker.written = None;
    let error = read(&broker, &account(), &clock()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(broker.calls().is_empty());
}

#[tokio::test]
async fn rows_of_another_account_are_refused() {
    let other: wheelhouse_core::AccountId = "100200303".parse().unwrap();
    for operation in ["account_summary", "positions", "option_positions"] {
        let mut broker = priced();
        match operation {
            "account_summary" => broker.summary.account = other.clone(),
            "positions" => broker.positions[1][0].account = other.clone(),
            _ => broker.written.as_mut().unwrap()[2].account = other.clone(),
        }
        let error = read(&broker, &account(), &clock()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
        assert_eq!(error.operation(), Some(operation));
    }
}

#[tokio::test]
async fn shares_without_a_name_are_found_by_the_instruments_of_options() {
    let mut broker = priced();
    let row = &mut broker.positions[0][0];
    assert_eq!(row.symbol.take(), Some(symbol("KO")));
    let ko = row.instrument.clone();

    let report = read(&broker, &account(), &clock()).await.unwrap();
    let wheel = report.wheel(&symbol("KO")).unwrap();
    assert_eq!(wheel.stage(), Stage::ShortCallUndercovered);
    let unnamed = |hazard: &Hazard| matches!(hazard, Hazard::UnnamedShares { .. });
    assert!(report.hazards.iter().any(unnamed), "the doubt is told");

    broker.instruments.insert(symbol("KO"), ko);
    let report = read(&broker, &account(), &clock()).await.unwrap();
    let wheel = report.wheel(&symbol("KO")).unwrap();
    assert_eq!(wheel.stage(), Stage::CoveredCallOpen);
    assert_eq!(wheel.price, Some(price(dec!(71.1))));
    assert!(!report.hazards.iter().any(unnamed));
}

#[tokio::test]
async fn positions_that_are_no_shares_are_not_priced() {
    let mut broker = priced();
    broker.written = Some(Vec::new());
    let mut coin = broker.positions[0][0].clone();
    coin.size = OrderSize::Units(Quantity::new(dec!(2)));
    coin.side = Side::Buy;
    broker.positions = vec![vec![coin]];
    let report = read(&broker, &account(), &clock()).await.unwrap();
    assert!(report.wheels.is_empty());
    let calls = ["account_summary", "positions", "option_positions"];
    assert_eq!(broker.calls(), calls);
}

#[tokio::test]
async fn days_are_counted_from_the_date_in_new_york() {
    let evening = Standing(datetime!(2026-12-18 02:00 UTC));
    let inputs = gather(&priced(), &account(), &evening).await.unwrap();
    assert_eq!(inputs.today, time::macros::date!(2026 - 12 - 17));
    let report = classify(&inputs).unwrap();
    let f = report.accounts[0].wheel(&symbol("F")).unwrap();
    assert_eq!(f.puts[0].leg.days_to_expiry, 1);
}
