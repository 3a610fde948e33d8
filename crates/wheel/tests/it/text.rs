use wheelhouse_core::{OptionRight::*, Side::*, dec};
use wheelhouse_wheel::classify;

use crate::world::{only, option, pending_put, report, wheel, world};

#[test]
fn the_table_of_the_world_reads_like_this() {
    let expected = "\
account 100200301, 2026-11-20 in New York
underlying  stage                  shares  free lots  puts  calls  collateral  premium  open P&L
F           cash-secured-put-open       0          0     1      0        1000       28         6
KO          covered-call-open         100          0     0      1           0       42       6.5
SOFI        shares-uncovered          150          1     0      0           0        0         0
T           sub-100-shares         40.125          0     0      0           0        0         0
total                                              1     1      1        1000       70      12.5
";
    assert_eq!(classify(&world()).unwrap().to_string(), expected);
}

#[test]
fn the_readme_shows_the_picture_that_there_is() {
    let picture = wheel(&report(&world()), "F").picture().to_string();
    let readme = include_str!("../../README.md");
    assert!(readme.contains(picture.trim_end()), "{picture}");
}

#[test]
fn an_assignment_that_moves_shows_on_its_way() {
    let mut inputs = world();
    inputs.options = vec![pending_put()];
    let picture = wheel(&report(&inputs), "F").picture().to_string();
    assert!(picture.contains("┆ being assigned\n"), "{picture}");
    assert!(picture.contains("│ called away"), "{picture}");
    assert!(picture.contains("\n  ! being assigned: 1 contract of the put at 10;"));
}

#[test]
fn an_unknown_figure_shows_as_a_question_mark_and_hazards_stand_below_the_table() {
    let report = only(vec![], vec![option("F", Sell, Call, dec!(15), dec!(1))]);
    let text = report.to_string();
    let f = text.lines().nth(2).unwrap();
    assert!(f.starts_with("F ") && f.ends_with('?'), "{text}");
    let last = text.lines().last().unwrap();
    assert_eq!(
        last,
        "! F: the written calls stand for 100 shares and the account holds 0: the loss has no limit"
    );
}

#[test]
fn the_report_serializes_with_exact_numbers_and_names() {
    let json = serde_json::to_value(classify(&world()).unwrap()).unwrap();
    assert_eq!(json["today"], "2026-11-20");
    let f = &json["accounts"][0]["wheels"][0];
    assert_eq!(f["stages"], serde_json::json!(["cash-secured-put-open"]));
    assert_eq!(f["puts"][0]["leg"]["days_to_expiry"], 28);
    assert_eq!(f["puts"][0]["break_even"], "9.7200");
    assert_eq!(f["secured"], serde_json::json!({"secured": "yes"}));
}
