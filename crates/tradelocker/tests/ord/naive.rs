//! A client as it is often written: what fails is tried again, three times.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::rig::{PASSWORD, PATIENCE, Rig, SERVER, account, email};

const RETRIES: usize = 3;
/// BTCUSD and its TRADE route.
const INSTRUMENT: u32 = 206;

pub struct Client {
    addr: SocketAddr,
    token: String,
    route: u64,
}

impl Client {
    pub async fn log_in(rig: &Rig) -> Arc<Self> {
        let mut client = Self {
            addr: rig.proxy.addr(),
            token: String::new(),
            route: 0,
        };
        let login = format!(
            r#"{{"email":"{}","password":"{PASSWORD}","server":"{SERVER}"}}"#,
            email(0)
        );
        let answer = client
            .send("POST", "/auth/jwt/token", &login)
            .await
            .unwrap();
        client.token = between(&answer, r#""accessToken":""#, "\"")
            .unwrap()
            .to_owned();
        let path = format!("/trade/accounts/{}/instruments", account(0, 0));
        let instruments = client.send("GET", &path, "").await.unwrap();
        client.route = trade_route(&instruments).unwrap();
        Arc::new(client)
    }

    /// Places an order, and again if that did not succeed.
    pub async fn place(&self, number: usize) {
        let order = format!(
            r#"{{"qty":0.01,"routeId":{},"side":"buy","validity":"GTC","type":"limit","price":30000,"tradableInstrumentId":{INSTRUMENT},"strategyId":"NAIVE-{number:05}"}}"#,
            self.route
        );
        let path = format!("/trade/accounts/{}/orders", account(0, 0));
        for _ in 0..=RETRIES {
            match self.send("POST", &path, &order).await {
                Ok(answer) if answer.contains("orderId") && answer.ends_with('}') => return,
                _ => {}
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a naive client has a timeout, no clock"
    )]
    async fn send(&self, method: &str, path: &str, body: &str) -> io::Result<String> {
        let mut request = format!(
            "{method} /backend-api{path} HTTP/1.1\r\nhost: {}\r\naccNum: 1\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n",
            self.addr,
            body.len(),
        );
        if !self.token.is_empty() {
            request.push_str(&format!("authorization: Bearer {}\r\n", self.token));
        }
        request.push_str("\r\n");
        request.push_str(body);
        let exchange = async {
            let mut stream = TcpStream::connect(self.addr).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok(answer)
        };
        timeout(PATIENCE, exchange).await?
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    let rest = &text[start..];
    Some(&rest[..rest.find(after)?])
}

/// Finds the TRADE route of the instrument in the list of instruments.
fn trade_route(instruments: &str) -> Option<u64> {
    let body = instruments.split_once("\r\n\r\n")?.1;
    let list: serde_json::Value = serde_json::from_str(body).ok()?;
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
