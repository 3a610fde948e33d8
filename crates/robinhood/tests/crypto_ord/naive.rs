//! A client as it is often written: what fails is tried again, three times.

use std::{io, net::SocketAddr, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::Ed25519KeyPair;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use wheelhouse_core::Clock;

use crate::rig::{PATIENCE, Rig, account, api_key, identifier, key_pair};

const RETRIES: usize = 3;

pub(crate) struct Client {
    addr: SocketAddr,
    clock: Arc<dyn Clock>,
    keys: Ed25519KeyPair,
}

impl Client {
    pub(crate) fn new(rig: &Rig) -> Arc<Self> {
        Arc::new(Self {
            addr: rig.proxy.addr(),
            clock: rig.clock.clone(),
            keys: key_pair(0),
        })
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

    #[expect(
        clippy::disallowed_methods,
        reason = "a naive client has a timeout, no clock"
    )]
    async fn post(&self, body: &str) -> io::Result<String> {
        let path = format!(
            "/api/v2/crypto/trading/orders/?account_number={}",
            account(0)
        );
        let (key, at) = (api_key(0), self.clock.now().unix_timestamp());
        let signature = self
            .keys
            .sign(format!("{key}{at}{path}POST{body}").as_bytes());
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nx-api-key: {key}\r\nx-timestamp: {at}\r\n\
             x-signature: {}\r\ncontent-type: application/json; charset=utf-8\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.addr,
            STANDARD.encode(signature),
            body.len(),
        );
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
