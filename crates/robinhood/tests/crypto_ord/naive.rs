//! A client as it is often written: what fails is tried again, three times.

use std::{io, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::Ed25519KeyPair;
use wheelhouse_core::Clock;
use wheelhouse_testkit::NaiveClient;

use crate::rig::{PATIENCE, Rig, account, api_key, identifier, key_pair};

const RETRIES: usize = 3;

pub(crate) struct Client {
    http: NaiveClient,
    clock: Arc<dyn Clock>,
    keys: Ed25519KeyPair,
}

impl Client {
    pub(crate) fn new(rig: &Rig) -> Self {
        Self {
            http: NaiveClient::new(rig.proxy.addr(), PATIENCE),
            clock: rig.clock.clone(),
            keys: key_pair(0),
        }
    }

    /// Places an order, and again if that did not succeed.
    pub(crate) async fn place(&self, number: usize) {
        let order = format!(
            r#"{{"client_order_id":"{}","side":"buy","type":"limit","symbol":"BTC-USD","limit_order_config":{{"asset_quantity":"0.0001","limit_price":"30000"}}}}"#,
            identifier(number)
        );
        for _ in 0..=RETRIES {
            match self.post(&order).await {
                Ok(answer) if answer.contains("filled_asset_quantity") && answer.ends_with('}') => {
                    return;
                }
                _ => {}
            }
        }
    }

    async fn post(&self, body: &str) -> io::Result<String> {
        let account = account(0);
        let path = format!("/api/v2/crypto/trading/orders/?account_number={account}");
        let (key, at) = (api_key(0), self.clock.now().unix_timestamp());
        let signed = format!("{key}{at}{path}POST{body}");
        let signature = STANDARD.encode(self.keys.sign(signed.as_bytes()));
        let http = self.http.clone().header("x-api-key", key);
        let http = http.header("x-timestamp", at);
        let http = http.header("x-signature", signature);
        http.send("POST", &path, body).await
    }
}
