use wheelhouse_core::{
    Decimal, Deliverable, ErrorKind, OptionRight::*, OrderSize, Quantity, Side::*, dec,
};
use wheelhouse_wheel::{
    AsideReason, Hazard, PutAssignment, Secured, Stage, Turn, WheelInputs, classify,
};

use crate::world::{
    NOW, account, only, option, pending_put, price, report, shares, symbol, wheel, world,
};

#[test]
fn the_world_stands_where_it_is_known_to_stand() {
    let report = report(&world());
    let stages: Vec<_> = report
        .wheels
        .iter()
        .map(|wheel| {
            let stages: Vec<_> = wheel.stages.iter().map(|stage| stage.as_str()).collect();
            (
                wheel.underlying.as_str(),
                stages.join("+"),
                wheel.shares.free_lots,
            )
        })
        .collect();
    let expected = [
        ("F", "cash-secured-put-open", 0),
        ("KO", "covered-call-open", 0),
        ("SOFI", "shares-uncovered", 1),
        ("T", "sub-100-shares", 0),
    ];
    assert_eq!(
        stages,
        expected.map(|(s, stage, n)| (s, stage.to_owned(), n))
    );
    assert_eq!(report.all_hazards().count(), 0, "{report}");
    assert_eq!(report.secured, Secured::Yes);
}

#[test]
fn the_put_on_f_has_its_figures() {
    let f = wheel(&report(&world()), "F");
    let [put] = f.puts.as_slice() else {
        panic!("{f:?}")
    };
    assert_eq!(put.collateral, dec!(1000));
    assert_eq!(put.break_even, Some(price(dec!(9.72))));
    assert_eq!(put.annualised_return, Some(dec!(0.365)));
    assert_eq!(put.leg.days_to_expiry, 28);
    assert_eq!(put.leg.credit, Some(price(dec!(0.28))));
    assert_eq!(put.leg.premium, Some(dec!(28)));
    assert_eq!(put.leg.cost_to_close, Some(dec!(22)));
    assert_eq!(put.leg.open_pnl, Some(dec!(6)));
    assert_eq!(put.leg.intrinsic, Some(price(dec!(0))));
}

#[test]
fn the_call_on_ko_has_its_figures() {
    let ko = wheel(&report(&world()), "KO");
    let [call] = ko.calls.as_slice() else {
        panic!("{ko:?}")
    };
    assert_eq!(call.covers, dec!(100));
    assert_eq!(call.leg.open_pnl, Some(dec!(6.5)));
    assert_eq!(call.break_even.broker, Some(dec!(60.83)));
    assert_eq!(call.break_even.effective, None);
    assert_eq!(call.if_called.broker, Some(dec!(1417)));
    assert_eq!(ko.shares.free, Decimal::ZERO);
    assert_eq!(ko.shares.held_for_options, Some(dec!(100)));
    assert_eq!(ko.shares.open_pnl, Some(dec!(985)));
}

#[test]
fn the_account_of_the_world_has_its_sums() {
    let totals = report(&world()).totals;
    assert_eq!(totals.collateral, dec!(1000));
    assert_eq!(totals.free_lots, 1);
    assert_eq!(
        (totals.put_contracts, totals.call_contracts),
        (dec!(1), dec!(1))
    );
    assert_eq!(totals.premium, Some(dec!(70)));
    assert_eq!(totals.cost_to_close, Some(dec!(57.5)));
    assert_eq!(totals.open_pnl, Some(dec!(12.5)));
}

#[test]
fn a_sum_with_an_unknown_part_is_unknown() {
    let mut inputs = world();
    inputs.marks.pop_first();
    let totals = report(&inputs).totals;
    assert_eq!(totals.cost_to_close, None);
    assert_eq!(totals.open_pnl, None);
    assert_eq!(totals.premium, Some(dec!(70)));
}

#[test]
fn held_calls_are_listed_beside_and_never_counted() {
    let sofi = wheel(&report(&world()), "SOFI");
    assert!(sofi.calls.is_empty());
    assert_eq!(sofi.aside.len(), 1);
    assert_eq!(sofi.aside[0].reason, AsideReason::Long);
    assert_eq!(sofi.aside[0].contracts, Quantity::new(dec!(2)));
}

#[test]
fn a_pending_assignment_is_a_stage_of_its_own_before_and_after_the_shares_move() {
    let mut inputs = world();
    inputs.options = vec![pending_put()];
    let before = wheel(&report(&inputs), "F");
    let stages = vec![Stage::AssignmentPending, Stage::CashSecuredPutOpen];
    assert_eq!(before.stages, stages);

    // The contracts have gone to 0 and the shares are there, but it has not settled.
    inputs.options[0].contracts = Quantity::new(Decimal::ZERO);
    inputs.positions.push(shares("F", dec!(100)));
    let after = wheel(&report(&inputs), "F");
    let stages = vec![Stage::AssignmentPending, Stage::SharesUncovered];
    assert_eq!(after.stages, stages);
    assert_eq!(after.collateral(), Decimal::ZERO);

    inputs.options[0].pending_assignment = Some(Quantity::new(Decimal::ZERO));
    let settled = wheel(&report(&inputs), "F");
    assert_eq!(settled.stages, vec![Stage::SharesUncovered]);
    assert!(settled.puts.is_empty());
}

#[test]
fn every_row_of_the_stage_table_is_found_at_its_edges() {
    use Stage::*;
    let table = [
        (dec!(0.001), 0, 0, vec![Sub100Shares]),
        (dec!(99.999), 0, 0, vec![Sub100Shares]),
        (dec!(100), 0, 0, vec![SharesUncovered]),
        (dec!(0), 1, 0, vec![CashSecuredPutOpen]),
        (dec!(99.999), 1, 0, vec![CashSecuredPutOpen]),
        (dec!(100), 1, 0, vec![CspPlusShares]),
        (dec!(100), 0, 1, vec![CoveredCallOpen]),
        (dec!(300), 0, 1, vec![CoveredCallOpen]),
        (dec!(100), 2, 1, vec![CoveredCallOpen, CashSecuredPutOpen]),
        (dec!(99.999), 0, 1, vec![ShortCallUndercovered]),
        (dec!(0), 0, 1, vec![ShortCallUndercovered]),
        (
            dec!(199),
            1,
            2,
            vec![ShortCallUndercovered, CashSecuredPutOpen],
        ),
    ];
    for (held, puts, calls, stages) in table {
        let options = vec![
            option("F", Sell, Put, dec!(10), puts.into()),
            option("F", Sell, Call, dec!(15), calls.into()),
        ];
        let f = wheel(&only(vec![shares("F", held)], options), "F");
        assert_eq!(
            f.stages, stages,
            "{held} shares, {puts} puts, {calls} calls"
        );
    }
}

#[test]
fn an_underlying_with_held_options_alone_has_not_started() {
    let report = only(vec![], vec![option("F", Buy, Put, dec!(10), dec!(1))]);
    assert_eq!(wheel(&report, "F").stages, vec![Stage::NotStarted]);
    assert_eq!(report.secured, Secured::NoPuts);
}

#[test]
fn closed_rows_and_rows_that_are_not_in_shares_do_not_count() {
    let mut coin = shares("BTC", dec!(200));
    coin.size = OrderSize::Units(Quantity::new(dec!(200)));
    let options = vec![option("F", Sell, Put, dec!(10), dec!(0))];
    let report = only(vec![coin, shares("KO", dec!(0))], options);
    assert!(report.wheels.is_empty(), "{report}");
}

#[test]
fn a_held_call_does_not_cover_a_written_one() {
    let options = vec![
        option("F", Buy, Call, dec!(5), dec!(1)),
        option("F", Sell, Call, dec!(15), dec!(1)),
    ];
    let f = wheel(&only(vec![], options), "F");
    assert_eq!(f.stage(), Stage::ShortCallUndercovered);
}

#[test]
fn shares_of_another_account_cover_nothing_here() {
    let mut elsewhere = shares("F", dec!(1000));
    elsewhere.account = "100200303".parse().unwrap();
    let calls = vec![option("F", Sell, Call, dec!(15), dec!(1))];
    let report = only(vec![elsewhere], calls);
    assert_eq!(wheel(&report, "F").stage(), Stage::ShortCallUndercovered);
}

#[test]
fn cash_and_assignments_of_another_account_are_not_this_ones() {
    let other: wheelhouse_core::AccountId = "100200303".parse().unwrap();
    let alone = world();
    let mut inputs = alone.clone();
    let mut summary = inputs.summaries[0].clone();
    summary.account = other.clone();
    summary.options_collateral = Some(Decimal::ZERO);
    summary.updated_at += time::Duration::HOUR;
    inputs.summaries.push(summary);
    let (one, strike) = (Quantity::new(dec!(1)), price(dec!(62)));
    let theirs = PutAssignment::new(other, symbol("KO"), one, strike, price(dec!(1)));
    inputs.assignments.push(theirs);
    assert_eq!(report(&inputs), report(&alone));
}

#[test]
fn a_row_with_a_negative_count_still_needs_its_shares() {
    let options = vec![option("F", Sell, Call, dec!(15), dec!(-2))];
    let f = wheel(&only(vec![shares("F", dec!(100))], options), "F");
    assert_eq!(f.shares.covered, dec!(200));
    assert_eq!(f.stage(), Stage::ShortCallUndercovered);
}

#[test]
fn legs_of_spreads_and_odd_contracts_are_no_legs_of_the_wheel() {
    let plain = || option("F", Sell, Put, dec!(10), dec!(1));
    let mut spread = plain();
    spread.strategy = Some("spread-1".parse().unwrap());
    let mut adjusted = plain();
    adjusted.contract.deliverable = Some(Deliverable::Adjusted);
    let mut index = plain();
    index.contract.deliverable = Some(Deliverable::Cash);
    let mut mini = plain();
    mini.contract.multiplier = dec!(10);
    for (row, reason) in [
        (spread, AsideReason::MultiLeg),
        (adjusted, AsideReason::Deliverable),
        (index, AsideReason::Deliverable),
        (mini, AsideReason::Deliverable),
    ] {
        let f = wheel(&only(vec![], vec![row]), "F");
        assert_eq!(f.stage(), Stage::NotStarted);
        assert_eq!(f.aside[0].reason, reason);
    }
    let mut standard = plain();
    standard.contract.deliverable = Some(Deliverable::Standard);
    let f = wheel(&only(vec![], vec![standard]), "F");
    assert_eq!(f.stage(), Stage::CashSecuredPutOpen);
}

#[test]
fn shares_behind_calls_that_do_not_count_are_in_no_free_lot() {
    let mut mini = option("F", Sell, Call, dec!(15), dec!(5));
    mini.contract.multiplier = dec!(10);
    let long = option("F", Buy, Call, dec!(15), dec!(1));
    // What the broker holds behind them tells how many are free; else none is called so.
    for (held_for_options, row, lots) in [
        (Some(dec!(50)), mini.clone(), 2),
        (Some(dec!(200)), mini.clone(), 1),
        (Some(dec!(400)), mini.clone(), 0),
        (None, mini, 0),
        (None, long, 3),
    ] {
        let mut held = shares("F", dec!(300));
        held.options_collateral = held_for_options.map(Quantity::new);
        let f = wheel(&only(vec![held], vec![row]), "F");
        assert_eq!(f.shares.free_lots, lots, "{held_for_options:?}");
        assert!(f.shares.free >= Decimal::ZERO && f.shares.covered.is_zero());
        assert_eq!(f.stage(), Stage::SharesUncovered);
    }
}

#[test]
fn a_count_of_shares_below_zero_covers_nothing() {
    let calls = vec![option("F", Sell, Call, dec!(15), dec!(1))];
    let f = wheel(&only(vec![shares("F", dec!(-100))], calls), "F");
    assert_eq!(f.stage(), Stage::ShortCallUndercovered);
    let short = Hazard::ShortShares { shares: dec!(100) };
    assert!(f.hazards.contains(&short), "{:?}", f.hazards);
}

#[test]
fn of_two_summaries_of_one_moment_the_one_with_less_cash_counts() {
    let mut inputs = world();
    let mut poor = inputs.summaries[0].clone();
    poor.currency = Some("EUR".parse().unwrap());
    poor.options_collateral = Some(dec!(10));
    inputs.summaries.push(poor);
    let missing = dec!(990);
    for _ in 0..2 {
        assert_eq!(report(&inputs).secured, Secured::No { missing });
        inputs.summaries.reverse();
    }
}

#[test]
fn a_price_that_is_not_above_zero_is_none() {
    for none in [dec!(0), dec!(-3)] {
        let mut inputs = WheelInputs::at(NOW);
        let put = option("F", Sell, Put, dec!(10), dec!(1));
        inputs.prices.insert(symbol("F"), price(none));
        inputs
            .marks
            .insert(put.contract.id.clone(), price(dec!(-1)));
        inputs.options.push(put);
        let f = wheel(&report(&inputs), "F");
        assert_eq!((f.price, f.puts[0].leg.intrinsic), (None, None));
        assert_eq!(
            (f.puts[0].leg.mark, f.puts[0].leg.cost_to_close),
            (None, None)
        );
        assert!(f.hazards.is_empty(), "{:?}", f.hazards);
    }
}

#[test]
fn a_cost_of_zero_is_no_cost_and_makes_no_profit() {
    let mut inputs = world();
    for position in &mut inputs.positions {
        position.average_price = Some(price(Decimal::ZERO));
    }
    let ko = wheel(&report(&inputs), "KO");
    assert_eq!(ko.shares.cost.broker, None);
    assert_eq!(ko.shares.open_pnl, None);
    assert_eq!(ko.calls[0].if_called.broker, None);
}

#[test]
fn the_cost_of_several_rows_is_their_mean_by_shares() {
    let (mut one, mut two) = (shares("F", dec!(100)), shares("F", dec!(50)));
    one.average_price = Some(price(dec!(10)));
    two.average_price = Some(price(dec!(13)));
    let f = wheel(&only(vec![one.clone(), two.clone()], vec![]), "F");
    assert_eq!(f.shares.held, dec!(150));
    assert_eq!(f.shares.cost.broker, Some(dec!(11)));
    two.average_price = None;
    let f = wheel(&only(vec![one, two], vec![]), "F");
    assert_eq!(f.shares.cost.broker, None);
}

#[test]
fn assigned_shares_keep_both_costs_and_end_as_a_whole_turn_does() {
    let mut inputs = world();
    let assignment = PutAssignment::new(
        account(),
        symbol("KO"),
        Quantity::new(dec!(1)),
        price(dec!(62)),
        price(dec!(0.90)),
    );
    inputs.assignments = vec![assignment.clone()];
    let ko = wheel(&report(&inputs), "KO");
    assert_eq!(ko.shares.cost.broker, Some(dec!(61.25)));
    assert_eq!(ko.shares.cost.effective, Some(dec!(61.10)));
    assert_eq!(ko.shares.assigned, dec!(100));
    assert_eq!(ko.calls[0].break_even.effective, Some(dec!(60.68)));
    let turn = Turn::new(
        assignment.strike,
        assignment.credit,
        ko.calls[0].leg.strike,
        ko.calls[0].leg.credit.unwrap(),
        assignment.contracts,
    );
    assert_eq!(ko.calls[0].if_called.effective, turn.profit());
    assert_eq!(turn.fees(dec!(0.12)).profit(), Some(dec!(1431.88)));

    // Two lots cannot have come from assignments if one is held.
    inputs.assignments.push(assignment);
    let ko = wheel(&report(&inputs), "KO");
    assert_eq!(ko.shares.cost.effective, None);
    assert_eq!(ko.shares.assigned, Decimal::ZERO);
}

#[test]
fn no_lot_is_called_free_while_contracts_are_being_assigned() {
    // The call has gone and its shares have not: they are no longer the holder's to write on.
    let mut call = option("KO", Sell, Call, dec!(75), dec!(0));
    call.pending_assignment = Some(Quantity::new(dec!(1)));
    let report = only(vec![shares("KO", dec!(300))], vec![call.clone()]);
    let ko = wheel(&report, "KO");
    let stages = vec![Stage::AssignmentPending, Stage::SharesUncovered];
    assert_eq!((ko.stages, ko.shares.free_lots), (stages, 0));
    assert_eq!(report.totals.free_lots, 0);
    assert_eq!(ko.shares.free, dec!(300), "the count itself is a fact");

    call.pending_assignment = None;
    let settled = only(vec![shares("KO", dec!(300))], vec![call]);
    assert_eq!(wheel(&settled, "KO").shares.free_lots, 3);
}

#[test]
fn figures_too_large_to_be_exact_are_left_out() {
    let large = Decimal::MAX / dec!(1000);
    let mut call = option("F", Sell, Call, large, dec!(1));
    call.average_price = Some(price(Decimal::MIN));
    let mut held = shares("F", dec!(100));
    held.average_price = Some(price(Decimal::MAX));
    held.mark_price = Some(price(dec!(0.0000000000000000000000000001)));
    let report = only(vec![held], vec![call]);
    let f = wheel(&report, "F");
    assert_eq!(f.calls[0].leg.premium, None);
    assert_eq!(f.shares.open_pnl, None);
    assert_eq!(report.totals.premium, None);
    assert!(!f.picture().to_string().is_empty());
    assert!(!report.to_string().is_empty());
}

#[test]
fn counts_too_large_for_a_decimal_are_an_error_and_never_cut_off() {
    let max = Decimal::MAX;
    let put = |strike, contracts| option("F", Sell, Put, strike, contracts);
    let call = |contracts| option("F", Sell, Call, dec!(10), contracts);
    let held = |count| shares("F", count);
    let mut short = held(max);
    short.side = Sell;
    for (positions, options) in [
        (vec![held(max), held(max)], vec![]),
        // Cut off at the greatest decimal, these would come to nothing.
        (vec![held(max), held(max), short.clone()], vec![]),
        (vec![short.clone(), short], vec![]),
        // More lots than can be counted.
        (vec![held(max)], vec![]),
        (vec![], vec![put(max, dec!(1))]),
        (vec![], vec![put(dec!(1), max)]),
        (
            vec![],
            vec![put(max / dec!(150), dec!(1)), put(max / dec!(150), dec!(1))],
        ),
        (vec![], vec![call(max)]),
        (vec![], vec![call(max / dec!(150)), call(max / dec!(150))]),
    ] {
        let mut inputs = WheelInputs::at(NOW);
        (inputs.positions, inputs.options) = (positions, options);
        let error = classify(&inputs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{inputs:?}");
    }
    let mut inputs = world();
    inputs.summaries[0].options_collateral = Some(Decimal::MIN);
    assert_eq!(classify(&inputs).unwrap_err().code(), 5001);
}

#[test]
fn puts_on_several_underlyings_share_the_cash_of_their_account() {
    let puts = || {
        vec![
            option("F", Sell, Put, dec!(10), dec!(1)),
            option("KO", Sell, Put, dec!(60), dec!(2)),
        ]
    };
    for (set_aside, secured) in [
        (dec!(13000), Secured::Yes),
        // Enough for either of them, not for both.
        (
            dec!(12000),
            Secured::No {
                missing: dec!(1000),
            },
        ),
    ] {
        let mut inputs = world();
        (inputs.positions, inputs.options) = (Vec::new(), puts());
        inputs.summaries[0].options_collateral = Some(set_aside);
        let report = report(&inputs);
        assert_eq!(report.totals.collateral, dec!(13000));
        for name in ["F", "KO"] {
            assert_eq!(wheel(&report, name).secured, secured, "{name}");
        }
    }
}

#[test]
fn cash_of_another_account_secures_nothing() {
    let mut inputs = world();
    let mut other = inputs.summaries[0].clone();
    other.account = "100200303".parse().unwrap();
    other.options_collateral = Some(dec!(1_000_000));
    inputs.summaries[0].options_collateral = Some(dec!(999));
    inputs.summaries.push(other);
    assert_eq!(report(&inputs).secured, Secured::No { missing: dec!(1) });
}
