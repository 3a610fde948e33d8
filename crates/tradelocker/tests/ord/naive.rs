//! A client as it is often written: what fails is tried again, three times.

use wheelhouse_testkit::NaiveClient;

use crate::rig::{PASSWORD, PATIENCE, Rig, SERVER, account, email};

const RETRIES: usize = 3;
/// BTCUSD and its TRADE route.
const INSTRUMENT: u32 = 206;

pub struct Client {
    http: NaiveClient,
    route: u64,
}

impl Client {
    pub async fn log_in(rig: &Rig) -> Self {
        let http = NaiveClient::new(rig.proxy.addr(), PATIENCE).header("accNum", 1);
        let email = email(0);
        let login = format!(r#"{{"email":"{email}","password":"{PASSWORD}","server":"{SERVER}"}}"#);
        let path = "/backend-api/auth/jwt/token";
        let answer = http.send("POST", path, &login).await.unwrap();
        let token = between(&answer, r#""accessToken":""#, "\"").unwrap();
        let http = http.header("authorization", format_args!("Bearer {token}"));
        let path = format!("/backend-api/trade/accounts/{}/instruments", account(0, 0));
        let instruments = http.send("GET", &path, "").await.unwrap();
        let route = trade_route(&instruments).unwrap();
        Self { http, route }
    }

    /// Places an order, and again if that did not succeed.
    pub async fn place(&self, number: usize) {
        let order = format!(
            r#"{{"qty":0.01,"routeId":{},"side":"buy","validity":"GTC","type":"limit","price":30000,"tradableInstrumentId":{INSTRUMENT},"strategyId":"NAIVE-{number:05}"}}"#,
            self.route
        );
        let path = format!("/backend-api/trade/accounts/{}/orders", account(0, 0));
        for _ in 0..=RETRIES {
            match self.http.send("POST", &path, &order).await {
                Ok(answer) if answer.contains("orderId") && answer.ends_with('}') => return,
                _ => {}
            }
        }
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    let rest = &text[start..];
    Some(&rest[..rest.find(after)?])
}

/// Finds the TRADE route of the instrument in the list of instruments.
fn trade_route(instruments: &str) -> Option<u64> {
    let list: serde_json::Value = serde_json::from_str(instruments).ok()?;
    let list = list["d"]["instruments"].as_array()?;
    let instrument = list
        .iter()
        .find(|it| it["tradableInstrumentId"] == INSTRUMENT)?;
    let routes = instrument["routes"].as_array()?;
    let route = routes.iter().find(|route| route["type"] == "TRADE")?;
    route["id"]
        .as_u64()
        .or_else(|| route["id"].as_str()?.parse().ok())
}
