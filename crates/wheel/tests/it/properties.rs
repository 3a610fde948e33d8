use proptest::{collection::vec, prelude::*, sample::select};
use wheelhouse_core::{
    AccountId, AccountSummary, Decimal, Deliverable, ErrorKind, OptionPosition, OptionRight,
    OrderSize, Position, Quantity, Side,
};
use wheelhouse_wheel::{Hazard, Secured, Stage, Wheel, WheelInputs, classify};

use crate::world::{NOW, option, price, shares};

/// A row in thousandths of shares, or an option in contracts.
#[derive(Clone, Debug)]
enum Row {
    Shares(Position),
    Option(OptionPosition),
}

const ACCOUNTS: [&str; 3] = ["A", "B", "C"];
const UNDERLYINGS: [&str; 3] = ["F", "KO", "T"];

fn shares_row(account: &'static str) -> impl Strategy<Value = Row> {
    let milli = prop_oneof![0_i64..500_000, select(vec![99_999, 100_000, 200_000])];
    let cost = proptest::option::of(0_i64..10_000);
    (select(&UNDERLYINGS[..]), milli, any::<u8>(), cost).prop_map(
        move |(name, milli, short, cost)| {
            let mut row = shares(name, Decimal::new(milli, 3));
            row.account = account.parse().unwrap();
            row.average_price = cost.map(|cents| price(Decimal::new(cents, 2)));
            if short < 20 {
                row.side = Side::Sell;
            }
            Row::Shares(row)
        },
    )
}

fn option_row(account: &'static str) -> impl Strategy<Value = Row> {
    let terms = (
        select(&UNDERLYINGS[..]),
        select(vec![Side::Buy, Side::Sell, Side::Sell]),
        select(vec![OptionRight::Call, OptionRight::Put]),
        100_i64..20_000,
        0_i64..6,
    );
    let oddities = (any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>());
    (terms, oddities).prop_map(
        move |((name, side, right, cents, contracts), (group, odd, adjusted, pending))| {
            let mut row = option(name, side, right, Decimal::new(cents, 2), contracts.into());
            row.account = account.parse().unwrap();
            row.average_price = Some(price(Decimal::new(cents, 4)));
            if group < 25 {
                row.strategy = Some("s".parse().unwrap());
            }
            if odd < 25 {
                row.contract.multiplier = Decimal::TEN;
            }
            if adjusted < 25 {
                row.contract.deliverable = Some(Deliverable::Adjusted);
            }
            if pending < 25 {
                row.pending_assignment = Some(Quantity::new(Decimal::ONE));
            }
            Row::Option(row)
        },
    )
}

fn row_of(account: &'static str) -> impl Strategy<Value = Row> {
    prop_oneof![shares_row(account), option_row(account)]
}

fn any_row() -> impl Strategy<Value = Row> {
    select(&ACCOUNTS[..]).prop_flat_map(row_of)
}

fn inputs(rows: &[Row]) -> WheelInputs {
    let mut inputs = WheelInputs::at(NOW);
    for row in rows {
        match row {
            Row::Shares(row) => inputs.positions.push(row.clone()),
            Row::Option(row) => inputs.options.push(row.clone()),
        }
    }
    inputs
}

fn wheels(rows: &[Row]) -> Vec<Wheel> {
    let accounts = classify(&inputs(rows)).unwrap().accounts;
    accounts.into_iter().flat_map(|a| a.wheels).collect()
}

/// What a wheel should count, in thousandths, found by another way: whole numbers and plain loops.
#[derive(Default)]
struct Count {
    net: i64,
    covered: i64,
    puts: i64,
    collateral_cents: i64,
    pending: bool,
    odd_calls: bool,
}

fn count(rows: &[Row], wheel: &Wheel) -> Count {
    let mut count = Count::default();
    let whole = |value: Decimal, scale: u32| i64::try_from(value * Decimal::from(scale)).unwrap();
    for row in rows {
        match row {
            Row::Shares(row)
                if row.account == wheel.account
                    && row.symbol.as_ref() == Some(&wheel.underlying) =>
            {
                let milli = whole(row.size.amount(), 1000);
                count.net += if row.side == Side::Buy { milli } else { -milli };
            }
            Row::Option(row)
                if row.account == wheel.account
                    && row.contract.underlying == wheel.underlying
                    && row.side == Side::Sell =>
            {
                count.pending |= row.pending_assignment.is_some();
                let is_odd = row.strategy.is_some()
                    || row.contract.multiplier != Decimal::ONE_HUNDRED
                    || row.contract.deliverable.is_some();
                let contracts = whole(row.contracts.value(), 1);
                match row.contract.right {
                    OptionRight::Call if is_odd && contracts > 0 => count.odd_calls = true,
                    _ if is_odd => {}
                    OptionRight::Call => count.covered += contracts * 100_000,
                    OptionRight::Put => {
                        count.puts += contracts;
                        let cents = whole(row.contract.strike.value(), 100);
                        count.collateral_cents += cents * 100 * contracts;
                    }
                }
            }
            _ => {}
        }
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn free_lots_are_the_whole_uncovered_lots_and_never_negative(rows in vec(any_row(), 0..20)) {
        for wheel in wheels(&rows) {
            let count = count(&rows, &wheel);
            let free = (count.net.max(0) - count.covered).max(0);
            let lots = if count.pending || count.odd_calls { 0 } else { free / 100_000 };
            prop_assert_eq!(wheel.shares.free_lots, u64::try_from(lots).unwrap());
            prop_assert_eq!(wheel.shares.free, Decimal::new(free, 3));
            prop_assert!(!wheel.shares.free.is_sign_negative() || wheel.shares.free.is_zero());
        }
    }

    #[test]
    fn the_order_of_rows_changes_nothing(
        (rows, shuffled) in vec(any_row(), 0..20)
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    ) {
        prop_assert_eq!(classify(&inputs(&rows)).unwrap(), classify(&inputs(&shuffled)).unwrap());
    }

    #[test]
    fn a_row_in_another_account_changes_nothing_here(
        rows in vec(any_row(), 0..20),
        others in vec(row_of("C"), 1..5),
    ) {
        let more: Vec<_> = rows.iter().chain(&others).cloned().collect();
        let (before, after) = (classify(&inputs(&rows)).unwrap(), classify(&inputs(&more)).unwrap());
        for account in ["A", "B"] {
            let account: AccountId = account.parse().unwrap();
            prop_assert_eq!(before.account(&account), after.account(&account));
        }
    }

    #[test]
    fn calls_are_undercovered_exactly_when_more_is_covered_than_held(rows in vec(any_row(), 0..20)) {
        for wheel in wheels(&rows) {
            let count = count(&rows, &wheel);
            let undercovered = count.covered > count.net.max(0);
            let stage = wheel.stages.contains(&Stage::ShortCallUndercovered);
            let hazard = wheel
                .hazards
                .iter()
                .any(|hazard| matches!(hazard, Hazard::UndercoveredCalls { .. }));
            prop_assert_eq!((stage, hazard), (undercovered, undercovered));
        }
    }

    #[test]
    fn the_first_stage_is_the_first_row_of_the_table_that_fits(rows in vec(any_row(), 0..20)) {
        for wheel in wheels(&rows) {
            let count = count(&rows, &wheel);
            let held = count.net.max(0);
            let first = match (count.covered, count.puts, held) {
                (covered, _, _) if covered > held => Stage::ShortCallUndercovered,
                (1.., _, _) => Stage::CoveredCallOpen,
                (_, 1.., 100_000..) => Stage::CspPlusShares,
                (_, 1.., _) => Stage::CashSecuredPutOpen,
                (_, _, 100_000..) => Stage::SharesUncovered,
                (_, _, 1..) => Stage::Sub100Shares,
                _ => Stage::NotStarted,
            };
            let pending = wheel.stage() == Stage::AssignmentPending;
            prop_assert_eq!(pending, count.pending);
            prop_assert_eq!(wheel.stages[usize::from(pending)], first);
        }
    }

    #[test]
    fn collateral_is_the_sum_of_all_puts_in_the_account(rows in vec(any_row(), 0..20)) {
        for account in classify(&inputs(&rows)).unwrap().accounts {
            let cents: i64 = account
                .wheels
                .iter()
                .map(|wheel| count(&rows, wheel).collateral_cents)
                .sum();
            prop_assert_eq!(account.totals.collateral, Decimal::new(cents, 2));
        }
    }

    #[test]
    fn puts_are_secured_exactly_when_the_cash_of_their_own_account_is_enough(
        rows in vec(any_row(), 0..20),
        cents in select(vec![0_i64, 100_000, 1_000_000, 5_000_000]),
    ) {
        let mut inputs = inputs(&rows);
        for account in ["A", "B"] {
            let mut summary = AccountSummary::new(account.parse().unwrap(), NOW);
            // The other account is rich: that helps nobody.
            let cents = if account == "A" { cents } else { i64::MAX };
            summary.options_collateral = Some(Decimal::new(cents, 2));
            inputs.summaries.push(summary);
        }
        let report = classify(&inputs).unwrap();
        for account in report.accounts.iter().filter(|it| it.account.as_str() == "A") {
            let counts = account.wheels.iter().map(|wheel| count(&rows, wheel));
            let (puts, needed) = counts.fold((0, 0), |(puts, needed), count| {
                (puts + count.puts, needed + count.collateral_cents)
            });
            let mut aside = account.wheels.iter().flat_map(|wheel| &wheel.aside);
            let others = aside.any(|aside| aside.side == Side::Sell);
            let expected = match (puts, needed > cents) {
                (0, _) => Secured::NoPuts,
                (_, true) => Secured::No { missing: Decimal::new(needed - cents, 2) },
                (_, false) if others => Secured::Unknown,
                (_, false) => Secured::Yes,
            };
            prop_assert_eq!(account.secured, expected);
        }
    }

    #[test]
    fn numbers_of_any_size_are_counted_or_refused_and_never_panic(
        rows in vec((any_row(), huge(), huge(), huge()), 1..6),
    ) {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(row, a, b, c)| match row {
                Row::Shares(mut row) => {
                    row.size = OrderSize::Shares(Quantity::new(a));
                    row.average_price = Some(price(b));
                    row.mark_price = Some(price(c));
                    Row::Shares(row)
                }
                Row::Option(mut row) => {
                    row.contracts = Quantity::new(a);
                    row.contract.strike = price(b);
                    row.average_price = Some(price(c));
                    Row::Option(row)
                }
            })
            .collect();
        match classify(&inputs(&rows)) {
            Ok(report) => {
                let pictures = report.accounts.iter().flat_map(|account| &account.wheels);
                let shown: usize = pictures.map(|it| it.picture().to_string().len()).sum();
                prop_assert!(shown + report.to_string().len() > 0);
            }
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::InvalidInput),
        }
    }

    #[test]
    fn the_frame_of_a_picture_is_whole_whatever_it_shows(rows in vec(any_row(), 0..12)) {
        for wheel in wheels(&rows) {
            let picture = wheel.picture().width(200).to_string();
            let widths: Vec<_> = picture
                .lines()
                .filter(|line| line.contains(['┏', '┗', '╭', '╰', '┃']))
                .map(|line| line.chars().count())
                .collect();
            prop_assert!(widths.len() >= 5, "{}", picture);
            prop_assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{}", picture);
        }
    }
}

fn huge() -> impl Strategy<Value = Decimal> {
    let edges = vec![
        Decimal::MAX,
        Decimal::MIN,
        Decimal::ZERO,
        Decimal::MAX / Decimal::ONE_HUNDRED,
        Decimal::new(1, 28),
        Decimal::new(i64::MAX, 9),
    ];
    prop_oneof![
        select(edges),
        (any::<i64>(), 0_u32..18).prop_map(|(digits, scale)| Decimal::new(digits, scale)),
    ]
}
