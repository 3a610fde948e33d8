//! The conformance suite for brokers, in both versions of the API.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use wheelhouse_core::{AccountId, ClientOrderId, SecretString, SystemClock, dec};
use wheelhouse_http::HttpClient;
use wheelhouse_robinhood::{CryptoApiVersion, RobinhoodCrypto, RobinhoodCryptoConfig};
use wheelhouse_sim::{
    Fault, Kind, Sim,
    faults::Moment,
    robinhood_crypto::{Route, Settings},
};
use wheelhouse_testkit::{
    TestFailure,
    broker::{Backstage, BrokerHarness, BrokerWorld, Trouble},
    broker_conformance,
};

use crate::rig::{ACCOUNT, API_KEY, PRIVATE_KEY, refusal, user};

broker_conformance!(v1, Harness(CryptoApiVersion::V1));
broker_conformance!(v2, Harness(CryptoApiVersion::V2));

struct Harness(CryptoApiVersion);

#[async_trait]
impl BrokerHarness for Harness {
    type Broker = RobinhoodCrypto;

    async fn start(&self) -> Result<BrokerWorld<RobinhoodCrypto>, TestFailure> {
        let sim = Sim::builder()
            .robinhood_crypto("127.0.0.1:0".parse()?)
            .robinhood_crypto_user(user())
            .robinhood_crypto_settings(Settings::new())
            .start()
            .await?;
        // One step of this pair is worth more than the least amount of an order.
        sim.robinhood_crypto().set_price("DOGE-USD", dec!(200))?;
        let http = HttpClient::builder()
            .clock(Arc::new(SystemClock::new()))
            .build()?;
        let mut config = RobinhoodCryptoConfig::default();
        config.base_url = sim.robinhood_crypto().origin();
        config.version = self.0;
        config.consistency_window = Duration::from_secs(1);
        let broker = RobinhoodCrypto::builder()
            .config(config)
            .http(http)
            .api_key(SecretString::from(API_KEY))
            .private_key(SecretString::from(PRIVATE_KEY))
            .build()?;
        Ok(BrokerWorld {
            broker,
            symbols: ["DOGE-USD".to_owned(), "ETH-USD".to_owned()],
            account: Some(AccountId::new(ACCOUNT)?),
            backstage: Box::new(Behind(sim)),
        })
    }

    fn secrets(&self) -> Vec<String> {
        vec![API_KEY.to_owned(), PRIVATE_KEY.to_owned()]
    }
}

#[derive(Debug)]
struct Behind(Sim);

#[async_trait]
impl Backstage for Behind {
    async fn orders_placed(&self, id: Option<&ClientOrderId>) -> Option<usize> {
        let ledger = self.0.robinhood_crypto().ledger();
        Some(match id {
            Some(id) => ledger.placements_of(&on_the_wire(id)).len(),
            None => ledger.placements().len(),
        })
    }

    async fn requests(&self) -> Option<u64> {
        u64::try_from(self.0.robinhood_crypto().ledger().requests().len()).ok()
    }

    async fn changes(&self) -> Option<u64> {
        let ledger = self.0.robinhood_crypto().ledger();
        let changes = ledger.count(Route::PlaceOrder) + ledger.count(Route::CancelOrder);
        u64::try_from(changes).ok()
    }

    async fn cause(&self, trouble: Trouble) -> bool {
        let kind = match trouble {
            Trouble::LoseAnswer => Kind::DropAnswer,
            Trouble::LoseRequest => Kind::Reset(Moment::AfterRead),
            Trouble::RefuseOrder => refusal(400, "Insufficient buying power."),
            _ => return false,
        };
        let fault = Fault::new(Route::PlaceOrder, kind).times(1);
        self.0.robinhood_crypto().faults().add(fault);
        true
    }
}

/// What the broker gets as an identifier, worked out a second time: orders are found by it after
/// years, so it may not change.
fn on_the_wire(id: &ClientOrderId) -> String {
    if id.as_str().len() == 36 && id.as_str().matches('-').count() == 4 {
        return id.as_str().to_owned();
    }
    let text = format!("wheelhouse client order id\0{id}");
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let mut bytes: Vec<u8> = hash.as_ref()[..16].to_vec();
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}
