//! The memory that decoding a positions answer of 5 MB takes at its highest, the body included.

#![allow(clippy::print_stdout, reason = "it reports")]

use bytes::Bytes;
use wheelhouse_benches::{plain, positions_body, report};
use wheelhouse_tradelocker::wire::{
    positions::position,
    table::{Columns, Table},
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() {
    let text = positions_body(36_500);
    let size = text.len() as f64;
    let columns = Columns::new(&position::IDS, plain::COLUMNS);

    let profiler = dhat::Profiler::builder().testing().build();
    let body = Bytes::copy_from_slice(text.as_bytes());
    let table = Table::decode(&body, "positions", &columns).expect("a positions answer");
    let ours = dhat::HeapStats::get().max_bytes as f64;
    println!("{} rows, {:.2} MB", table.len(), size / 1e6);
    drop((table, body, profiler));

    let profiler = dhat::Profiler::builder().testing().build();
    let body = Bytes::copy_from_slice(text.as_bytes());
    let rows = plain::decode(&body);
    let floor = dhat::HeapStats::get().max_bytes as f64;
    drop((rows, body.len(), profiler));

    println!("plain structs: {:.2} times the body", floor / size);
    report(
        "decode: peak memory / body, the body included",
        ours / size,
        2.0,
        "x",
    );
}
