use proptest::prelude::*;

use super::*;
use crate::wire::{Page, account::Position, decode, option::Contract, order::Order};

const PAGES: [&str; 3] = [
    include_str!("../../../tests/data/positions_nonzero.json"),
    include_str!("../../../tests/data/options_instruments_F_puts.json"),
    include_str!("../../../tests/data/orders_page_1.json"),
];

/// In one line, as the broker sends it.
fn sent(sample: &str) -> String {
    let lines: String = sample.lines().map(str::trim).collect();
    lines.replace("\": ", "\":")
}

/// The link and the rows of a page, as far as they can be told.
type Shown = (String, Vec<String>);

fn quick<'a, T: Deserialize<'a> + std::fmt::Debug>(body: &'a str) -> Option<Shown> {
    let mut rows = Vec::new();
    let next = walk(body, |row: &T, _| {
        rows.push(format!("{row:?}"));
        true
    })?;
    Some((format!("{next:?}"), rows))
}

fn slow<'a, T: Deserialize<'a> + std::fmt::Debug>(body: &'a str) -> Option<Shown> {
    let page = decode::<Page<'a, T>>(body.as_bytes()).ok()?;
    let rows = page.results.iter().map(|row| format!("{row:?}"));
    Some((format!("{:?}", page.next), rows.collect()))
}

/// Both readings of one text, as one kind of row.
fn both<'a, T: Deserialize<'a> + std::fmt::Debug>(body: &'a str) -> [Option<Shown>; 2] {
    [quick::<T>(body), slow::<T>(body)]
}

fn agree(body: &str) -> Result<(), TestCaseError> {
    for [quick, slow] in [
        both::<Position<'_>>(body),
        both::<Option<Contract<'_>>>(body),
        both::<Order<'_>>(body),
    ] {
        prop_assert!(quick.is_none() || quick == slow, "{body}");
    }
    Ok(())
}

#[test]
fn pages_as_they_are_sent_are_read_the_quick_way() {
    for page in PAGES {
        let body = sent(page);
        agree(&body).unwrap();
    }
    let [positions, contracts, orders] = PAGES.map(sent);
    assert_eq!(quick::<Position<'_>>(&positions).unwrap().1.len(), 3);
    assert!(quick::<Contract<'_>>(&contracts).is_some());
    assert!(quick::<Order<'_>>(&orders).is_some());
    assert!(quick::<Position<'_>>(PAGES[0]).is_none(), "it has lines");
    assert!(walk(&positions, |_: &Position<'_>, _| false).is_none());
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown as a whole")]
struct Small<'a> {
    #[serde(borrow, default)]
    a: Option<Text<'a>>,
    #[serde(default)]
    b: Option<crate::wire::Num>,
    #[serde(default)]
    c: Option<bool>,
}

#[test]
fn rows_that_differ_from_the_first_one_are_read_as_serde_json_reads_them() {
    for rows in [
        r#"{"x":"1","a":"A","y":5,"b":"1","z":[1,{"q":"]"}]},{"x":"1","a":"A","y":51,"b":"1","z":[]}"#,
        r#"{"a":"A","b":"1"},{"b":"1","a":"A"},{"a":"A","b":"1"},{}"#,
        r#"{"a":"A","x":1},{"a":"A","x":1,"b":"2"},{"a":"A"},null,{"a":"A","x":1}"#,
        r#"{},{"a":"A"},{"x":"\u0041\"","a":"\u00e4"}, { "a" : "B" , "b" : 1.50 }"#,
        r#"{"x":"a b! 7","a":"a! b \t c"},{"x":"a b! 8","a":"12345678"},{"x":"1234567!","a":" "}"#,
        r#"null,{"x":"1","b":"0E-8"},{"x":"12","b":-28},{"x":"1","b":"0E-8","c":true}"#,
        r#"{"x":{"a":"inner"},"a":"ä€"},{"x":{"a":"inner"},"a":"ä¬"}"#,
    ] {
        let body = format!(r#"{{"next":null,"results":[{rows}],"more":1}}"#);
        let [quick, slow] = both::<Option<Small<'_>>>(&body);
        assert!(slow.is_some(), "{body}");
        assert_eq!(quick, slow, "{body}");
    }
}

#[test]
fn f1_f21_f24_what_serde_json_refuses_is_refused() {
    for rows in [
        r#"{"a":"A","a":"B"}"#,
        r#"{"a":"A"},{"a":"A","a":"A"}"#,
        r#"{"x":01}"#,
        r#"{"x":nul}"#,
        "{\"x\":\"1\t\"}",
        "{\"x\":\"1234567\"},{\"x\":\"123456\n\"}",
        "{\"a\":\"123456789 \u{1f}\"}",
        r#"{"x":"1"},{"x":"1",}"#,
        r#"{"x":"1"},{"x":"1"}}"#,
        r#"{"x":"1"},"#,
        r#"{"x":"\q"}"#,
        r#"{"x":"\ud800","a":"\ud800"}"#,
        r#"{"x" "1"}"#,
        r#"{"x":"1" "a":"2"}"#,
        r#"{x:1}"#,
        r#"{"x":[1}"#,
        r#"{"a":true}"#,
        r#"{"b":"1,000"}"#,
        r#"{"c":"true"}"#,
        r#"7"#,
    ] {
        let body = format!(r#"{{"next":null,"results":[{rows}]}}"#);
        assert!(
            decode::<Page<'_, Option<Small<'_>>>>(body.as_bytes()).is_err(),
            "{body}"
        );
        assert!(quick::<Option<Small<'_>>>(&body).is_none(), "{body}");
    }
    for body in [
        r#"{"results":[],"results":[]}"#,
        r#"{"next":null,"next":null,"results":[]}"#,
        r#"{"next":null}"#,
        r#"{"results":[]} x"#,
        r#"{"results":[]"#,
        "",
    ] {
        assert!(quick::<Small<'_>>(body).is_none(), "{body}");
    }
}

proptest! {
    /// Bytes taken out, doubled or put in anywhere in a good page.
    #[test]
    fn damaged_pages_are_never_read_otherwise_than_by_serde_json(
        page in 0..PAGES.len(),
        at in any::<prop::sample::Index>(),
        cut in 0_usize..40,
        put in "[\\[\\]{}\",: \t\n\r\u{1}0-9a\\\\ue-]{0,6}",
    ) {
        let mut body = sent(PAGES[page]);
        let at = at.index(body.len());
        if body.is_char_boundary(at) {
            let end = (at + cut).min(body.len());
            if body.is_char_boundary(end) {
                body.replace_range(at..end, &put);
            }
        }
        agree(&body)?;
    }

    /// Values of the second row changed, so that it leaves the pace of the first.
    #[test]
    fn rows_of_any_values_are_read_as_serde_json_reads_them(
        values in prop::collection::vec(
            prop_oneof![
                "\"[a-z0-9 !.:,{}\\[\\]ä-]{0,40}\"",
                "\"[a-z \t\n!#ü]{0,20}\"",
                "-?[0-9]{1,3}(\\.[0-9]{1,4})?",
                Just("null".to_owned()),
                Just("true".to_owned()),
                Just("\"0.0000\"".to_owned()),
                Just("{\"b\":[\"}\"]}".to_owned()),
            ],
            24,
        ),
        keys in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "x", "y", "zz"]), 24),
    ) {
        let row = |from: usize| {
            let fields: Vec<String> = (from..from + 6)
                .map(|at| format!("\"{}\":{}", keys[at % 8], values[at]))
                .collect();
            format!("{{{}}}", fields.join(","))
        };
        let rows: Vec<String> = [0, 6, 0, 12, 18, 18].map(row).to_vec();
        let body = format!("{{\"results\":[{}]}}", rows.join(","));
        let [quick, slow] = both::<Small<'_>>(&body);
        prop_assert!(quick.is_none() || quick == slow, "{}", body);
    }
}
