//! What a Robinhood server says in the benches, made of the adapter's own samples.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Name and password of the user.
pub const USER: (&str, &str) = ("demo@example.com", "demo-password");
/// Whose positions come in one page.
pub const ONE_PAGE: &str = "100200301";
/// Whose positions come in two pages of half as many rows.
pub const TWO_PAGES: &str = "100200303";
/// The host in links that answers give.
pub const HOST: &str = "https://api.robinhood.com";

const ACCOUNTS: &str = include_str!("../../crates/robinhood/tests/data/accounts.json");
const POSITIONS: &str = include_str!("../../crates/robinhood/tests/data/positions_nonzero.json");
const CONTRACTS: &str =
    include_str!("../../crates/robinhood/tests/data/options_instruments_F_puts.json");
const CHAIN: &str = include_str!("../../crates/robinhood/tests/data/options_chain_F.json");
const INSTRUMENT: &str =
    include_str!("../../crates/robinhood/tests/data/instruments_by_symbol_F.json");

const KO: &str = "81ceab01-8be9-43b0-b01e-88992d5e9c55";
const CONTRACT: &str = "6e172755-6c31-419c-baaf-023b1d6f59bb";

/// The answer to a login and to a refresh.
pub fn tokens() -> String {
    let part = "a".repeat(400);
    format!(
        r#"{{"access_token":"{part}","expires_in":691200,"token_type":"Bearer","scope":"internal","refresh_token":"{part}","mfa_code":null,"backup_code":null,"user_uuid":"9a499c7f-cf00-42cc-814f-b8dd9ac574fa","read_only_secondary_access_token":null}}"#
    )
}

/// The user's accounts.
pub fn accounts() -> String {
    compact(ACCOUNTS)
}

/// The instrument that the option chain hangs on.
pub fn instrument() -> String {
    compact(INSTRUMENT)
}

/// The option chain.
pub fn chain() -> String {
    compact(CHAIN)
}

/// An empty list.
pub fn nothing() -> String {
    page(None, std::iter::empty())
}

/// Positions `from` to `to` of `account`, with the link to the next page.
pub fn positions(account: &str, from: usize, to: usize, next: Option<&str>) -> String {
    let sample = first_row(POSITIONS);
    page(
        next,
        (from..to).map(|row| {
            sample
                .replace(KO, &format!("81ceab01-8be9-43b0-b01e-{row:012}"))
                .replace("100200301", account)
                .replace("\"KO\"", &format!("\"S{row}\""))
                .replace(
                    "\"61.2500\"",
                    &format!("\"{}.25{:02}\"", row + 1, row % 100),
                )
                .replace(
                    "\"6125.0000\"",
                    &format!("\"{}.{:04}\"", 6_000 + row, row * 37),
                )
                .replace(
                    "\"100.00000000\"",
                    &format!("\"{}.00000000\"", row % 90 + 10),
                )
                .replace("540785Z", &format!("{:06}Z", 100_000 + row * 4_211))
                .replace("853949Z", &format!("{:06}Z", 900_000 - row * 3_571))
        }),
    )
}

/// Contracts `from` to `to` of the chain, with the link to the next page.
pub fn contracts(from: usize, to: usize, next: Option<&str>) -> String {
    let sample = first_row(CONTRACTS);
    page(
        next,
        (from..to).map(|row| {
            sample
                .replace(CONTRACT, &format!("6e172755-6c31-419c-baaf-{row:012}"))
                .replace("\"9.0000\"", &format!("\"{}.5000\"", row + 1))
        }),
    )
}

fn page(next: Option<&str>, rows: impl Iterator<Item = String>) -> String {
    let next = next.map_or("null".to_owned(), |next| format!("{next:?}"));
    let rows: Vec<String> = rows.collect();
    format!(
        r#"{{"next":{next},"previous":null,"results":[{}]}}"#,
        rows.join(",")
    )
}

fn first_row(page: &str) -> String {
    #[derive(Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        results: Vec<&'a RawValue>,
    }
    let page: Page<'_> = serde_json::from_str(page).expect("a sample is JSON");
    compact(page.results.first().expect("a sample has rows").get())
}

/// Without the blanks that make a sample readable. No text in the samples has blanks at its ends or
/// a colon behind a quotation mark.
fn compact(json: &str) -> String {
    let lines: String = json.lines().map(str::trim).collect();
    lines.replace("\": ", "\":")
}
