use time::{Duration, macros::datetime};
use wheelhouse_core::{Decimal, OptionRight::*, Quantity, Side::*, dec};
use wheelhouse_wheel::{Hazard, NotAllowed, PutAssignment, Secured, WheelInputs};

use crate::world::{NOW, only, option, pending_put, price, report, shares, symbol, wheel, world};

#[test]
fn undercovered_calls_are_a_hazard_with_both_numbers() {
    let calls = vec![option("F", Sell, Call, dec!(15), dec!(2))];
    let f = wheel(&only(vec![shares("F", dec!(150))], calls), "F");
    let hazard = Hazard::UndercoveredCalls {
        covered: dec!(200),
        shares: dec!(150),
    };
    assert_eq!(f.hazards, vec![hazard]);
    assert_eq!(f.shares.free, Decimal::ZERO);
}

#[test]
fn a_pending_assignment_is_a_hazard() {
    let mut inputs = world();
    inputs.options = vec![pending_put()];
    let f = wheel(&report(&inputs), "F");
    let [Hazard::AssignmentPending { contracts, .. }] = f.hazards.as_slice() else {
        panic!("{:?}", f.hazards)
    };
    assert_eq!(contracts.value(), dec!(1));
}

#[test]
fn an_option_in_the_money_is_a_hazard_and_one_at_its_strike_is_not() {
    for (right, at, by) in [
        (Put, dec!(9.5), Some(dec!(0.5))),
        (Put, dec!(10), None),
        (Put, dec!(11), None),
        (Call, dec!(10.25), Some(dec!(0.25))),
        (Call, dec!(10), None),
        (Call, dec!(9), None),
    ] {
        let mut held = shares("F", dec!(100));
        held.mark_price = Some(price(at));
        let options = vec![option("F", Sell, right, dec!(10), dec!(1))];
        let f = wheel(&only(vec![held], options), "F");
        let found = f.hazards.iter().find_map(|hazard| match hazard {
            Hazard::InTheMoney { by, .. } => Some(by.value()),
            _ => None,
        });
        assert_eq!(found, by, "{right:?} at 10, price {at}");
    }
}

#[test]
fn a_call_below_the_greater_cost_is_a_hazard() {
    for (strike, is_hazard) in [(dec!(61.24), true), (dec!(61.25), false)] {
        let mut inputs = world();
        let call = inputs
            .options
            .iter_mut()
            .find(|row| row.contract.underlying == symbol("KO"));
        call.unwrap().contract.strike = price(strike);
        let ko = wheel(&report(&inputs), "KO");
        let found = ko.hazards.iter().any(
            |hazard| matches!(hazard, Hazard::CallBelowCost { cost, .. } if *cost == dec!(61.25)),
        );
        assert_eq!(found, is_hazard, "{strike}");
    }
}

#[test]
fn the_effective_cost_counts_where_it_is_the_greater_one() {
    let mut inputs = world();
    let (one, strike, credit) = (Quantity::new(dec!(1)), price(dec!(80)), price(dec!(1)));
    let account = crate::world::account();
    let assignment = PutAssignment::new(account, symbol("KO"), one, strike, credit);
    inputs.assignments.push(assignment);
    let ko = wheel(&report(&inputs), "KO");
    assert!(matches!(
        ko.hazards.as_slice(),
        [Hazard::CallBelowCost { cost, .. }] if *cost == dec!(79)
    ));
}

#[test]
fn puts_without_the_cash_are_not_called_secured() {
    let mut inputs = world();
    inputs.summaries[0].options_collateral = Some(dec!(400));
    let report = report(&inputs);
    assert_eq!(report.secured, Secured::No { missing: dec!(600) });
    assert_eq!(wheel(&report, "F").secured, report.secured);
    assert_eq!(wheel(&report, "KO").secured, Secured::NoPuts);
    let hazard = Hazard::PutsNotSecured {
        collateral: dec!(1000),
        missing: dec!(600),
        margin: false,
    };
    assert_eq!(report.hazards, vec![hazard]);
}

#[test]
fn a_call_in_the_money_is_a_hazard_of_its_own_before_the_shares_go_ex_dividend() {
    let found = |right, at, days_to_ex: i64| {
        let mut inputs = WheelInputs::at(NOW);
        let mut held = shares("KO", dec!(100));
        held.mark_price = Some(price(at));
        inputs.positions = vec![held];
        inputs.options = vec![option("KO", Sell, right, dec!(75), dec!(1))];
        let on = inputs.today + Duration::days(days_to_ex);
        inputs.ex_dividends.insert(symbol("KO"), on);
        let ko = wheel(&report(&inputs), "KO");
        ko.hazards
            .iter()
            .any(|hazard| matches!(hazard, Hazard::ExDividend { on: day, .. } if *day == on))
    };
    // 28 days are left.
    for (right, at, days, is_hazard) in [
        (Call, dec!(76), 10, true),
        (Call, dec!(76), 0, true),
        (Call, dec!(76), 28, true),
        (Call, dec!(76), 29, false),
        (Call, dec!(76), -1, false),
        (Call, dec!(75), 10, false),
        (Call, dec!(74), 10, false),
        (Put, dec!(74), 10, false),
    ] {
        assert_eq!(found(right, at, days), is_hazard, "{right:?} {at} {days}");
    }
}

#[test]
fn what_an_account_is_not_allowed_depends_on_its_kind() {
    use wheelhouse_core::AccountKind::{self, *};
    let mut spread = option("T", Sell, Put, dec!(5), dec!(1));
    spread.strategy = Some("spread-1".parse().unwrap());
    let seen = |kind: Option<AccountKind>| {
        let mut inputs = world();
        inputs.summaries[0].kind = kind;
        inputs.summaries[0].options_collateral = Some(dec!(0));
        inputs.options.push(spread.clone());
        let call = option("KO", Sell, Call, dec!(75), dec!(5));
        inputs.options.push(call);
        let hazards = report(&inputs).hazards;
        let what = hazards.iter().filter_map(|hazard| match hazard {
            Hazard::NotAllowed { what, .. } => Some(*what),
            _ => None,
        });
        let margin = hazards
            .iter()
            .any(|hazard| matches!(hazard, Hazard::PutsNotSecured { margin: true, .. }));
        (what.collect::<Vec<_>>(), margin)
    };
    let bare = vec![NotAllowed::UncoveredCalls, NotAllowed::UnsecuredPuts];
    let mut all = vec![NotAllowed::Spreads];
    all.extend(&bare);
    assert_eq!(seen(Some(Retirement)), (all, false));
    assert_eq!(seen(Some(Cash)), (bare, false));
    assert_eq!(seen(Some(Margin)), (vec![], true));
    assert_eq!(seen(Some(Unknown("prime".to_owned()))), (vec![], false));
    assert_eq!(seen(None), (vec![], false));

    // What stands covered and secured is allowed in each.
    for kind in [Cash, Margin, Retirement] {
        let mut inputs = world();
        inputs.summaries[0].kind = Some(kind.clone());
        let report = report(&inputs);
        assert_eq!(report.all_hazards().count(), 0, "{report}");
        assert_eq!(report.kind, Some(kind));
    }
}

#[test]
fn puts_are_not_called_secured_when_nothing_shows_the_cash() {
    let mut inputs = world();
    inputs.summaries.clear();
    let report = report(&inputs);
    assert_eq!(report.secured, Secured::Unknown);
    let hazard = Hazard::CashNotShown {
        collateral: dec!(1000),
    };
    assert_eq!(report.hazards, vec![hazard]);
}

#[test]
fn collateral_of_legs_beside_the_wheel_secures_no_put() {
    let mut inputs = world();
    let mut spread = option("T", Sell, Put, dec!(5), dec!(1));
    spread.strategy = Some("spread-1".parse().unwrap());
    inputs.options.push(spread);
    let report = report(&inputs);
    assert_eq!(report.secured, Secured::Unknown);
    assert!(matches!(
        wheel(&report, "T").hazards.as_slice(),
        [Hazard::ShortLegAside { .. }]
    ));
}

#[test]
fn an_option_past_its_date_in_new_york_is_a_hazard_and_not_in_the_money() {
    let mut inputs = world();
    let f = inputs.prices.get_mut(&symbol("F")).unwrap();
    *f = price(dec!(9));
    // 23:59 in New York on the day of expiry, then a minute later.
    let midnight = datetime!(2026-12-19 05:00 UTC);
    inputs.today = wheelhouse_wheel::new_york_date(midnight - Duration::MINUTE);
    let f = wheel(&report(&inputs), "F");
    assert_eq!(f.puts[0].leg.days_to_expiry, 0);
    assert_eq!(f.puts[0].annualised_return, None);
    assert!(matches!(f.hazards.as_slice(), [Hazard::InTheMoney { .. }]));
    inputs.today = wheelhouse_wheel::new_york_date(midnight);
    let f = wheel(&report(&inputs), "F");
    assert_eq!(f.puts[0].leg.days_to_expiry, -1);
    assert!(matches!(f.hazards.as_slice(), [Hazard::PastExpiry { .. }]));
}

#[test]
fn a_broker_that_holds_other_collateral_than_the_calls_need_is_a_hazard() {
    let mut held = shares("F", dec!(200));
    held.options_collateral = Some(Quantity::new(dec!(200)));
    let calls = vec![option("F", Sell, Call, dec!(15), dec!(1))];
    let f = wheel(&only(vec![held], calls), "F");
    let hazard = Hazard::CollateralDiffers {
        held: dec!(200),
        covered: dec!(100),
    };
    assert_eq!(f.hazards, vec![hazard]);
}

#[test]
fn shares_sold_short_are_a_hazard_and_cover_nothing() {
    let mut short = shares("F", dec!(100));
    short.side = Sell;
    let report = only(vec![short], vec![]);
    let f = wheel(&report, "F");
    let hazard = Hazard::ShortShares { shares: dec!(100) };
    assert_eq!(f.hazards, vec![hazard]);
    assert_eq!(f.shares.held, Decimal::ZERO);
}

#[test]
fn shares_without_a_name_are_a_hazard_of_the_account() {
    let mut nameless = shares("F", dec!(100));
    nameless.symbol = None;
    let mut inputs = WheelInputs::at(NOW);
    inputs.positions = vec![nameless.clone()];
    let before = report(&inputs);
    assert!(before.wheels.is_empty());
    assert!(matches!(
        before.hazards.as_slice(),
        [Hazard::UnnamedShares { .. }]
    ));
    inputs.symbols.insert(nameless.instrument, symbol("F"));
    let report = report(&inputs);
    assert_eq!(wheel(&report, "F").shares.held, dec!(100));
    assert!(report.hazards.is_empty());
}

#[test]
fn no_hazard_gives_advice() {
    let words = [
        "should",
        "consider",
        "recommend",
        "advise",
        "must",
        "better",
        "try",
        "roll",
        "buy",
        "sell",
        "close",
        "wait",
        "avoid",
        "please",
        "suggest",
        "need to",
    ];
    for hazard in every_hazard() {
        let text = hazard.to_string();
        let said: Vec<_> = text
            .split(|c: char| !c.is_alphabetic())
            .filter(|word| words.contains(&word.to_lowercase().as_str()))
            .collect();
        assert!(said.is_empty(), "{text}: {said:?}");
        assert!(text.len() > 20, "{text}");
        let json = serde_json::to_value(&hazard).unwrap();
        assert!(json["hazard"].is_string(), "{json}");
    }
}

fn every_hazard() -> Vec<Hazard> {
    let position: wheelhouse_core::PositionId = "p".parse().unwrap();
    let (strike, contracts) = (price(dec!(10)), Quantity::new(dec!(2)));
    let all = vec![
        Hazard::AssignmentPending {
            position: position.clone(),
            right: Put,
            strike,
            contracts,
        },
        Hazard::CallBelowCost {
            position: position.clone(),
            strike,
            cost: dec!(11),
        },
        Hazard::CashNotShown {
            collateral: dec!(1000),
        },
        Hazard::CollateralDiffers {
            held: dec!(200),
            covered: dec!(100),
        },
        Hazard::ExDividend {
            position: position.clone(),
            strike,
            on: time::macros::date!(2026 - 12 - 01),
        },
        Hazard::NotAllowed {
            kind: wheelhouse_core::AccountKind::Retirement,
            what: NotAllowed::Spreads,
        },
        Hazard::NotAllowed {
            kind: wheelhouse_core::AccountKind::Cash,
            what: NotAllowed::UncoveredCalls,
        },
        Hazard::NotAllowed {
            kind: wheelhouse_core::AccountKind::Cash,
            what: NotAllowed::UnsecuredPuts,
        },
        Hazard::InTheMoney {
            position: position.clone(),
            right: Call,
            strike,
            by: strike,
        },
        Hazard::PastExpiry {
            position: position.clone(),
            expiration: time::macros::date!(2026 - 12 - 18),
        },
        Hazard::PutsNotSecured {
            collateral: dec!(1000),
            missing: dec!(600),
            margin: true,
        },
        Hazard::ShortLegAside {
            position,
            right: Call,
            strike,
            contracts,
        },
        Hazard::ShortShares { shares: dec!(1) },
        Hazard::UndercoveredCalls {
            covered: dec!(200),
            shares: dec!(100),
        },
        Hazard::UnnamedShares {
            instrument: "i".parse().unwrap(),
            shares: dec!(3),
        },
    ];
    assert_eq!(all.len(), 15);
    all
}
