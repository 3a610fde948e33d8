//! A client that shows every byte, and simulators with somebody logged in.

use std::{net::SocketAddr, time::Duration};

use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wheelhouse_sim::{
    Sim, Start,
    robinhood::{LoginFlow, RobinhoodSim, Settings, UserSpec},
};

pub const ACCOUNT: &str = "100200301";
pub const F: &str = "1a55e189-5d08-417e-9e65-d549ba4b2a1b";
pub const KO: &str = "81ceab01-8be9-43b0-b01e-88992d5e9c55";
pub const F_PUT: &str = "be7c2476-573c-466d-8294-f7150e29271c";

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

    /// The body of an answer that has to have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The rows of a page.
    #[track_caller]
    pub fn rows(&self) -> Vec<Value> {
        self.expect(200)["results"].as_array().unwrap().clone()
    }
}

/// Sends a request on a new connection.
pub async fn send(
    addr: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let mut text = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        text.push_str(&format!("Host: {addr}\r\n"));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    Reply::parse(&bytes).unwrap_or(Reply {
        status: 0,
        head: String::new(),
        body: bytes,
    })
}

/// 2026-11-20, a Friday, 10:30 in New York.
pub fn friday() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_795_188_600).unwrap()
}

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub struct Rig {
    pub sim: Sim,
    pub token: String,
    pub host: &'static str,
}

impl Rig {
    /// A simulator whose user is logged in, on the day of the documented samples.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::of(UserSpec::demo(), change).await
    }

    pub async fn of(user: UserSpec, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new();
        settings.login = LoginFlow::Granted;
        settings.access_token_life = Duration::from_secs(100 * 86_400);
        change(&mut settings);
        let mut rig = Self::out(user, settings).await;
        rig.token = rig.login("d1").await.expect(200)["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        rig
    }

    /// A simulator whose user is not logged in.
    pub async fn out(user: UserSpec, settings: Settings) -> Self {
        let sim = Sim::builder()
            .robinhood("127.0.0.1:0".parse().unwrap())
            .robinhood_user(user)
            .robinhood_settings(settings)
            .time(Start::Frozen(friday()))
            .start()
            .await
            .unwrap();
        Self {
            sim,
            token: String::new(),
            host: "api.robinhood.com",
        }
    }

    pub fn broker(&self) -> &RobinhoodSim {
        self.sim.robinhood()
    }

    pub fn addr(&self) -> SocketAddr {
        self.broker().addr()
    }

    pub async fn login(&self, device: &str) -> Reply {
        self.login_with(device, json!({})).await
    }

    /// A login with further fields.
    pub async fn login_with(&self, device: &str, more: Value) -> Reply {
        self.form("/oauth2/token/", &credentials(device, more))
            .await
    }

    /// A form without a token.
    pub async fn form(&self, path: &str, fields: &Value) -> Reply {
        let pairs: Vec<String> = fields
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| {
                let value = value.as_str().map_or(value.to_string(), str::to_owned);
                format!("{key}={}", value.replace('@', "%40"))
            })
            .collect();
        let kind = (
            "Content-Type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
        send(self.addr(), "POST", path, &[kind], &pairs.join("&")).await
    }

    /// JSON without a token.
    pub async fn open(&self, method: &str, path: &str, body: &Value) -> Reply {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let kind = ("Content-Type", "application/json");
        let host = ("X-Sim-Host", self.host);
        send(self.addr(), method, path, &[kind, host], &text).await
    }

    pub async fn call(&self, method: &str, host: &str, path: &str, body: &Value) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("Authorization", bearer.as_str()),
            ("X-Sim-Host", host),
            ("Content-Type", "application/json"),
        ];
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        send(self.addr(), method, path, &headers, &text).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", "api.robinhood.com", path, &Value::Null)
            .await
    }

    pub async fn get_on(&self, host: &str, path: &str) -> Reply {
        self.call("GET", &format!("{host}.robinhood.com"), path, &Value::Null)
            .await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", "api.robinhood.com", path, body).await
    }

    /// Places an equity order and gives its row.
    pub async fn place(&self, body: Value) -> Value {
        self.post("/orders/", &body).await.expect(201)
    }

    pub async fn order(&self, id: &str) -> Value {
        self.get(&format!("/orders/{id}/")).await.expect(200)
    }
}

pub fn credentials(device: &str, more: Value) -> Value {
    let mut fields = json!({
        "client_id": "c82SH0WZOsabOXGP2sxqcj34FxkvfnWRZBKlBjFS",
        "expires_in": "86400",
        "grant_type": "password",
        "password": "demo-password",
        "scope": "internal",
        "username": "demo@example.com",
        "device_token": device,
        "try_passkeys": "False",
        "token_request_path": "/login",
        "create_read_only_secondary_token": "True",
    });
    for (key, value) in more.as_object().unwrap() {
        fields[key] = value.clone();
    }
    fields
}

/// A limit order over shares of F, with changes.
pub fn limit(side: &str, quantity: &str, price: &str, ref_id: &str) -> Value {
    json!({
        "account": format!("https://api.robinhood.com/accounts/{ACCOUNT}/"),
        "instrument": format!("https://api.robinhood.com/instruments/{F}/"),
        "symbol": "F",
        "type": "limit",
        "price": price,
        "quantity": quantity,
        "side": side,
        "time_in_force": "gfd",
        "trigger": "immediate",
        "market_hours": "regular_hours",
        "order_form_version": 7,
        "ref_id": ref_id,
    })
}

/// A body with some fields changed, or taken out with a null.
pub fn but(mut body: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}
