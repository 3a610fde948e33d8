//! What a person sees: pictures of all stages, in wide and narrow terminals, plain and coloured.

use wheelhouse_core::{Decimal, OptionRight::*, Quantity, Side::*, dec};
use wheelhouse_wheel::{Stage, Wheel};

use crate::world::{only, option, pending_put, price, report, shares, wheel, world};

/// A wheel in each stage, by the name of the stage.
fn every_stage() -> Vec<(Stage, Wheel)> {
    let of = |held: Decimal, puts: u32, calls: u32| {
        let mut options = vec![option("F", Buy, Put, dec!(5), dec!(1))];
        if puts > 0 {
            options.push(option("F", Sell, Put, dec!(10), puts.into()));
        }
        if calls > 0 {
            options.push(option("F", Sell, Call, dec!(15), calls.into()));
        }
        let mut row = shares("F", held);
        row.mark_price = Some(price(dec!(12.345)));
        wheel(&only(vec![row], options), "F")
    };
    let mut inputs = world();
    inputs.options = vec![pending_put()];
    vec![
        (Stage::NotStarted, of(dec!(0), 0, 0)),
        (Stage::CashSecuredPutOpen, of(dec!(0), 1, 0)),
        (Stage::AssignmentPending, wheel(&report(&inputs), "F")),
        (Stage::CspPlusShares, of(dec!(100), 2, 0)),
        (Stage::Sub100Shares, of(dec!(40.125), 0, 0)),
        (Stage::SharesUncovered, of(dec!(250), 0, 0)),
        (Stage::CoveredCallOpen, of(dec!(1200), 0, 12)),
        (Stage::ShortCallUndercovered, of(dec!(150), 1, 2)),
    ]
}

#[test]
fn every_stage_has_its_picture() {
    let all: Vec<_> = every_stage()
        .into_iter()
        .map(|(stage, wheel)| {
            assert_eq!(wheel.stage(), stage);
            wheel.picture().to_string()
        })
        .collect();
    assert_eq!(all.join("\n"), include_str!("../data/pictures.txt"));
}

#[test]
fn a_narrow_terminal_gets_no_line_that_is_longer_than_it() {
    for (stage, wheel) in every_stage() {
        for columns in [32, 40, 51, 60, 80, 200] {
            let picture = wheel.picture().width(columns).to_string();
            let longest = picture.lines().map(|line| line.chars().count()).max();
            // The line that names a leg and its day is not broken.
            let least = columns.max(40);
            assert!(
                longest.unwrap() <= least,
                "{stage} at {columns}:\n{picture}"
            );
        }
        let narrow = wheel.picture().width(40).to_string();
        assert!(
            !narrow.contains('┏') && narrow.contains("● ") | narrow.contains("! "),
            "{narrow}"
        );
    }
}

#[test]
fn colours_are_there_only_if_asked_for_and_change_no_text() {
    for (stage, wheel) in every_stage() {
        let plain = wheel.picture().to_string();
        assert!(!plain.contains('\u{1b}'), "{stage}");
        let coloured = wheel.picture().colour(true).to_string();
        assert!(coloured.contains("\u{1b}["), "{stage}");
        assert_eq!(without_colours(&coloured), plain, "{stage}");
    }
}

fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap().to_owned();
    pieces.fold(first, |text, piece| {
        text + piece.split_once('m').map_or("", |(_, rest)| rest)
    })
}

#[test]
fn huge_and_tiny_numbers_keep_the_frame_whole() {
    let mut row = shares("F", dec!(123456789012.00000001));
    row.mark_price = Some(price(dec!(0.0001)));
    let mut put = option("F", Sell, Put, dec!(0.0001), dec!(1));
    put.pending_assignment = Some(Quantity::new(dec!(1)));
    let f = wheel(&only(vec![row], vec![put]), "F");
    let picture = f.picture().width(200).to_string();
    let frame: Vec<_> = picture
        .lines()
        .filter(|line| line.contains(['┏', '┃', '┗', '╭', '╰']))
        .map(|line| line.chars().count())
        .collect();
    assert!(
        frame.len() >= 6 && frame.windows(2).all(|pair| pair[0] == pair[1]),
        "{picture}"
    );
}
