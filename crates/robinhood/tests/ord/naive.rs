//! A client as it is often written: what fails is tried again, three times, each time as a new
//! order.

use std::io;

use serde_json::{Value, json};
use wheelhouse_testkit::NaiveClient;

use crate::rig::{PASSWORD, PATIENCE, Rig, USERS, email};

const RETRIES: usize = 3;

pub struct Client {
    http: NaiveClient,
    number: usize,
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
            let http = NaiveClient::new(rig.proxy.addr(), PATIENCE);
            clients.push(Self::log_in(http, number).await);
        }
        clients
    }

    async fn log_in(http: NaiveClient, number: usize) -> Self {
        let mut client = Self {
            http,
            number,
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
        let answer = answer.unwrap();
        let token = answer["access_token"].as_str().unwrap();
        let bearer = format_args!("Bearer {token}");
        client.http = client.http.header("authorization", bearer);
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

    async fn send(&self, method: &str, host: &str, path: &str, body: &Value) -> io::Result<Value> {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let path = format!("/{host}.robinhood.com{path}");
        let answer = self.http.send(method, &path, &body).await?;
        // The first answer, where it came twice.
        let mut values = serde_json::Deserializer::from_str(&answer).into_iter();
        values
            .next()
            .ok_or(io::ErrorKind::UnexpectedEof)?
            .map_err(io::Error::other)
    }
}
