//! A client as it is often written: what fails is tried again, three times, each time as a new order.

use std::{io, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::rig::{PASSWORD, PATIENCE, Rig, USERS, email};

const RETRIES: usize = 3;

pub struct Client {
    addr: SocketAddr,
    number: usize,
    token: String,
    account: Value,
    share: Value,
    contract: Value,
    crypto: Value,
    pair: Value,
}

impl Client {
    /// Logs all users in.
    pub async fn of_all(rig: &Rig) -> Vec<Self> {
        let mut clients = Vec::new();
        for number in 0..USERS {
            clients.push(Self::log_in(rig.proxy.addr(), number).await);
        }
        clients
    }

    async fn log_in(addr: SocketAddr, number: usize) -> Self {
        let mut client = Self {
            addr,
            number,
            token: String::new(),
            account: Value::Null,
            share: Value::Null,
            contract: Value::Null,
            crypto: Value::Null,
            pair: Value::Null,
        };
        let login = json!({
            "client_id": "c82SH0WZOsabOXGP2sxqcj34FxkvfnWRZBKlBjFS",
            "grant_type": "password",
            "username": email(number),
            "password": PASSWORD,
            "scope": "internal",
            "expires_in": 86400,
            "device_token": format!("00000000-0000-4000-8000-{number:012}"),
        });
        let answer = client.send("POST", "api", "/oauth2/token/", &login).await;
        let token = answer.unwrap()["access_token"].clone();
        client.token = token.as_str().unwrap().to_owned();
        client.account = client.first("api", "/accounts/").await["url"].clone();
        let share = client.first("api", "/instruments/?symbol=F").await;
        client.share = share["url"].clone();
        let chain = share["tradable_chain_id"].as_str().unwrap().to_owned();
        let contracts = format!("/options/instruments/?chain_id={chain}&state=active");
        client.contract = client.first("api", &contracts).await["url"].clone();
        client.crypto = client.first("nummus", "/accounts/").await["id"].clone();
        client.pair = client.first("nummus", "/currency_pairs/").await["id"].clone();
        client
    }

    async fn first(&self, host: &str, path: &str) -> Value {
        let list = self.send("GET", host, path, &Value::Null).await.unwrap();
        list["results"][0].clone()
    }

    /// Places an order, and again if that did not succeed. Its quantity tells it from the others.
    pub async fn place(&self, turn: usize) {
        for attempt in 0..=RETRIES {
            let id = format!("{:08}-{turn:04}-4000-8000-{attempt:012}", self.number);
            let (host, path, order) = self.order(turn, &id);
            match self.send("POST", host, path, &order).await {
                Ok(answer) if answer.get("id").is_some() => return,
                _ => {}
            }
        }
    }

    fn order(&self, turn: usize, id: &str) -> (&'static str, &'static str, Value) {
        let quantity = turn + 1;
        match turn % 4 {
            2 => {
                let leg = json!({
                    "position_effect": "open",
                    "side": "buy",
                    "ratio_quantity": 1,
                    "option": self.contract,
                });
                let order = json!({
                    "account": self.account,
                    "direction": "debit",
                    "time_in_force": "gfd",
                    "legs": [leg],
                    "type": "limit",
                    "trigger": "immediate",
                    "price": "0.01",
                    "quantity": quantity,
                    "ref_id": id,
                });
                ("api", "/options/orders/", order)
            }
            3 => {
                let order = json!({
                    "account_id": self.crypto,
                    "currency_pair_id": self.pair,
                    "price": "1",
                    "quantity": quantity.to_string(),
                    "ref_id": id,
                    "side": "buy",
                    "time_in_force": "gtc",
                    "type": "limit",
                });
                ("nummus", "/orders/", order)
            }
            _ => {
                let order = json!({
                    "account": self.account,
                    "instrument": self.share,
                    "symbol": "F",
                    "type": "limit",
                    "trigger": "immediate",
                    "side": "buy",
                    "quantity": quantity,
                    "price": "5",
                    "time_in_force": "gfd",
                    "market_hours": "regular_hours",
                    "order_form_version": 7,
                    "ref_id": id,
                });
                ("api", "/orders/", order)
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a naive client has a timeout, no clock"
    )]
    async fn send(&self, method: &str, host: &str, path: &str, body: &Value) -> io::Result<Value> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut request = format!(
            "{method} /{host}.robinhood.com{path} HTTP/1.1\r\nhost: {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n",
            self.addr,
            body.len(),
        );
        if !self.token.is_empty() {
            request.push_str(&format!("authorization: Bearer {}\r\n", self.token));
        }
        request.push_str("\r\n");
        request.push_str(&body);
        let exchange = async {
            let mut stream = TcpStream::connect(self.addr).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, io::Error>(answer)
        };
        let answer = timeout(PATIENCE, exchange).await??;
        let (_, body) = answer
            .split_once("\r\n\r\n")
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        // The first answer, where it came twice.
        let mut values = serde_json::Deserializer::from_str(body).into_iter();
        values
            .next()
            .ok_or(io::ErrorKind::UnexpectedEof)?
            .map_err(io::Error::other)
    }
}
