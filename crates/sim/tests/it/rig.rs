//! A client that shows every byte, and a simulator with a user logged in.

use std::{io, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wheelhouse_sim::{
    Sim, SimBuilder,
    tradelocker::{RateLimits, Settings, TradeLockerSim},
};

pub const ACCOUNT: &str = "1002003";

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self {
            status,
            head,
            body: bytes[end + 4..].to_vec(),
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// `d` of an answer that has to be `"s":"ok"`.
    #[track_caller]
    pub fn d(&self) -> Value {
        let json = self.json();
        assert_eq!((self.status, &json["s"]), (200, &json!("ok")), "{json}");
        json["d"].clone()
    }

    /// The text of a business refusal.
    #[track_caller]
    pub fn errmsg(&self) -> String {
        let json = self.json();
        assert_eq!((self.status, &json["s"]), (200, &json!("error")), "{json}");
        assert!(json.get("d").is_none());
        json["errmsg"].as_str().unwrap().to_owned()
    }
}

/// Sends bytes on a new connection and reads until it ends.
pub async fn raw(addr: SocketAddr, request: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} /backend-api{path} HTTP/1.1\r\nHost: sim\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    text
}

pub struct Rig {
    pub sim: Sim,
    pub token: String,
    pub acc_num: String,
}

impl Rig {
    /// A simulator without rate limits and the demo user logged in.
    pub async fn start() -> Self {
        Self::with(Settings::new()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::of(Sim::builder().settings(settings.rate_limits(RateLimits::off()))).await
    }

    pub async fn of(builder: SimBuilder) -> Self {
        let sim = builder
            .tradelocker("127.0.0.1:0".parse().unwrap())
            .start()
            .await
            .unwrap();
        let mut rig = Self {
            sim,
            token: String::new(),
            acc_num: "1".into(),
        };
        let tokens = rig.login("demo-password").await.json();
        rig.token = tokens["accessToken"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        rig
    }

    pub fn broker(&self) -> &TradeLockerSim {
        self.sim.tradelocker()
    }

    pub async fn login(&self, password: &str) -> Reply {
        let body = json!({"email": "demo@example.com", "password": password, "server": "DEMO"});
        self.bare("POST", "/auth/jwt/token", &body.to_string())
            .await
    }

    /// A request without token and account number.
    pub async fn bare(&self, method: &str, path: &str, body: &str) -> Reply {
        let text = request(method, path, &[("Connection", "close")], body);
        Reply::parse(&raw(self.broker().addr(), &text).await.unwrap()).unwrap()
    }

    pub fn request(&self, method: &str, path: &str, body: &str) -> String {
        let token = format!("Bearer {}", self.token);
        let headers = [
            ("Authorization", &*token),
            ("accNum", &self.acc_num),
            ("Connection", "close"),
        ];
        request(method, path, &headers, body)
    }

    /// Everything that comes back for a request, or how the connection failed.
    pub async fn bytes(&self, method: &str, path: &str, body: &str) -> io::Result<Vec<u8>> {
        raw(self.broker().addr(), &self.request(method, path, body)).await
    }

    pub async fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let bytes = self.bytes(method, path, body).await.unwrap();
        Reply::parse(&bytes).unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "").await
    }

    /// A table under the account, such as `positions`.
    pub async fn table(&self, name: &str) -> Value {
        self.get(&format!("/trade/accounts/{ACCOUNT}/{name}"))
            .await
            .d()
    }

    pub async fn positions(&self) -> Vec<Value> {
        self.table("positions").await["positions"]
            .as_array()
            .unwrap()
            .clone()
    }

    pub async fn orders(&self) -> Vec<Value> {
        self.table("orders").await["orders"]
            .as_array()
            .unwrap()
            .clone()
    }

    pub async fn history(&self) -> Vec<Value> {
        self.table("ordersHistory").await["ordersHistory"]
            .as_array()
            .unwrap()
            .clone()
    }

    pub async fn place(&self, order: Value) -> Reply {
        self.send(
            "POST",
            &format!("/trade/accounts/{ACCOUNT}/orders"),
            &order.to_string(),
        )
        .await
    }

    pub async fn placed(&self, order: Value) -> String {
        self.place(order).await.d()["orderId"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// A simulator where EURUSD stands still at this bid.
pub async fn at(price: &str) -> Rig {
    let rig = Rig::start().await;
    rig.broker()
        .set_price("EURUSD", price.parse().unwrap())
        .unwrap();
    rig
}

/// The row with that id.
#[track_caller]
pub fn row<'a>(rows: &'a [Value], id: &str) -> &'a Value {
    rows.iter()
        .find(|row| row[column::ID] == id)
        .unwrap_or_else(|| panic!("no {id} in {rows:?}"))
}

/// A market order for EURUSD in the form of the documentation.
pub fn market(side: &str, qty: f64) -> Value {
    json!({
        "qty": qty, "routeId": 9001, "side": side, "validity": "IOC", "type": "market",
        "tradableInstrumentId": 278, "price": 0
    })
}

/// A limit order for EURUSD in the form of the official client.
pub fn limit(side: &str, qty: &str, price: f64) -> Value {
    json!({
        "qty": qty, "routeId": "9001", "side": side, "validity": "GTC", "type": "limit",
        "tradableInstrumentId": "278", "price": price, "stopPrice": null, "strategyId": null
    })
}

pub fn stop(side: &str, qty: f64, stop_price: f64) -> Value {
    json!({
        "qty": qty, "routeId": 9001, "side": side, "validity": "GTC", "type": "stop",
        "tradableInstrumentId": 278, "stopPrice": stop_price
    })
}

/// Sets keys of an order.
pub fn with(mut order: Value, keys: Value) -> Value {
    let keys = keys.as_object().unwrap().clone();
    order.as_object_mut().unwrap().extend(keys);
    order
}

/// Column numbers of the captured order.
pub mod column {
    pub const ID: usize = 0;
    pub const POSITION_QTY: usize = 4;
    pub const POSITION_AVG: usize = 5;
    pub const POSITION_SL: usize = 6;
    pub const POSITION_TP: usize = 7;
    pub const POSITION_PL: usize = 9;
    pub const POSITION_STRATEGY: usize = 10;
    pub const QTY: usize = 3;
    pub const SIDE: usize = 4;
    pub const TYPE: usize = 5;
    pub const STATUS: usize = 6;
    pub const FILLED: usize = 7;
    pub const AVG: usize = 8;
    pub const PRICE: usize = 9;
    pub const STOP_PRICE: usize = 10;
    pub const MODIFIED: usize = 14;
    pub const IS_OPEN: usize = 15;
    pub const POSITION: usize = 16;
    pub const STOP_LOSS: usize = 17;
    pub const STRATEGY: usize = 21;
}
