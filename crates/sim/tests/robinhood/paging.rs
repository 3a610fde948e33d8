//! Lists in pages, and links to elsewhere.

use serde_json::Value;

use super::rig::{ACCOUNT, Rig, limit};

/// All rows of a list, page after page.
async fn all(rig: &Rig, path: &str) -> (Vec<Value>, usize) {
    let (mut rows, mut pages) = (Vec::new(), 0);
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let body = rig.get(&path).await.expect(200);
        rows.extend(body["results"].as_array().unwrap().clone());
        pages += 1;
        let link = body["next"].as_str().map(str::to_owned);
        next = link.map(|link| {
            link.strip_prefix("https://api.robinhood.com")
                .unwrap()
                .to_owned()
        });
    }
    (rows, pages)
}

#[tokio::test]
async fn two_hundred_positions_come_in_pages() {
    let rig = Rig::start().await;
    rig.broker().seed_positions(ACCOUNT, 197).unwrap();
    assert!(rig.broker().seed_positions("nobody", 1).is_err());
    let (rows, pages) = all(&rig, "/positions/?nonzero=true&page_size=60").await;
    assert_eq!((rows.len(), pages), (200, 4));
    let mut symbols: Vec<&str> = rows
        .iter()
        .map(|row| row["symbol"].as_str().unwrap())
        .collect();
    symbols.sort_unstable();
    symbols.dedup();
    assert_eq!(symbols.len(), 200);
}

#[tokio::test]
async fn five_thousand_contracts_come_a_hundred_at_a_time() {
    let rig = Rig::start().await;
    rig.broker().seed_contracts("T", 4_928).unwrap();
    let chain = "22e1308b-d490-4427-9e37-f7dee01c6e40";
    let (rows, pages) = all(&rig, &format!("/options/instruments/?chain_id={chain}")).await;
    assert_eq!((rows.len(), pages), (5_000, 50));
    let larger = format!("/options/instruments/?chain_id={chain}&page_size=500");
    let rows = rig.get(&larger).await.rows();
    assert_eq!(rows.len(), 100, "whatever page was asked for");
}

#[tokio::test]
async fn a_new_order_in_front_repeats_a_row_on_the_next_page() {
    let rig = Rig::start().await;
    for n in 0..4 {
        rig.place(limit("buy", "1", "12.00", &format!("r{n}")))
            .await;
    }
    let first = rig.get("/orders/?page_size=2").await.expect(200);
    rig.place(limit("buy", "1", "12.00", "late")).await;
    let next = first["next"]
        .as_str()
        .unwrap()
        .strip_prefix("https://api.robinhood.com")
        .unwrap();
    let second = rig.get(next).await.expect(200);
    assert_eq!(first["results"][1]["id"], second["results"][0]["id"]);
    assert!(second["previous"].is_string());
}

#[tokio::test]
async fn the_next_page_can_lie_on_a_foreign_host() {
    let rig = Rig::with(|settings| {
        settings.page_size = 2;
        settings.next_origin = Some("https://evil.example".to_owned());
    })
    .await;
    let next = rig.get("/positions/?nonzero=true").await.expect(200)["next"].clone();
    assert!(
        next.as_str()
            .unwrap()
            .starts_with("https://evil.example/positions/?cursor=")
    );
}
