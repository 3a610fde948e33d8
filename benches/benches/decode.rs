//! Decoding a positions answer of 5 MB: rows mapped by column name against serde_json into plain
//! structs whose fields stand in a fixed order.

#![allow(clippy::print_stdout, reason = "it reports")]

use std::hint::black_box;

use bytes::Bytes;
use wheelhouse_benches::{Compared, Took, plain, positions_body, report, rounds};
use wheelhouse_tradelocker::wire::{
    positions::position::*,
    table::{Columns, Table},
    token::Token,
};

const ROUNDS: usize = 31;

fn main() {
    let body = Bytes::from(positions_body(36_500));
    let columns = Columns::new(&IDS, plain::COLUMNS);
    println!(
        "{} rows, {:.2} MB",
        plain::decode(&body).len(),
        body.len() as f64 / 1e6
    );

    let (mut tables, mut values) = (Compared::default(), Compared::default());
    for _ in 0..rounds(ROUNDS) {
        let floor = Took::of(|| drop(black_box(plain::decode(&body))));
        tables.add(Took::of(|| drop(black_box(table(&body, &columns)))), floor);
        values.add(
            Took::of(|| assert!(black_box(typed(&body, &columns)) > 0)),
            floor,
        );
    }
    let (ours, floor) = values.medians();
    println!("plain structs take {floor:?}, rows with every value read {ours:?}");
    report(
        "decode: rows by column / plain structs",
        tables.wall(),
        1.3,
        "x",
    );
    report(
        "decode: rows by column, every value read / plain structs",
        values.wall(),
        1.3,
        "x",
    );
}

fn table(body: &Bytes, columns: &Columns<COUNT>) -> Table<COUNT> {
    Table::decode(body, "positions", columns).expect("the body is a positions answer")
}

/// Reads every value of every row, and returns how many rows there were.
fn typed(body: &Bytes, columns: &Columns<COUNT>) -> usize {
    let table = table(body, columns);
    let mut read = 0;
    for row in table.rows() {
        let text = |column| row.read(&IDS, column, Token::text).expect("text");
        let number = |column| row.read(&IDS, column, Token::decimal).expect("a number");
        let position = (
            (text(ID), text(INSTRUMENT), text(ROUTE), text(SIDE)),
            (number(QTY), number(AVG_PRICE), number(UNREALIZED_PL)),
            (
                text(STOP_LOSS),
                text(TAKE_PROFIT),
                text(OPEN_DATE),
                text(STRATEGY),
            ),
        );
        black_box(&position);
        read += 1;
    }
    read
}
