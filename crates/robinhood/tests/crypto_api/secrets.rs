use std::sync::Arc;

use wheelhouse_core::{Broker, SecretString};
use wheelhouse_robinhood::RobinhoodCrypto;
use wheelhouse_testkit::{Canaries, LogCapture, TestResult};

use crate::rig::{API_KEY, AtSim, PRIVATE_KEY, SkipClock, builder, code, http};

#[test]
fn keys_are_in_no_debug_text_log_or_error() -> TestResult {
    let logs = LogCapture::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let shown = runtime.block_on(async {
        let at = AtSim::new().await;
        let mut shown = format!("{:?} {:?}", at.broker, at.broker.config());
        let unfinished = builder(&at.api().origin(), http(&at.clock));
        shown += &format!("{unfinished:?}");
        shown += &format!("{:?}", at.broker.place_order(&at.resting()).await);
        shown += &format!("{:?}", at.broker.usage().await);
        Arc::into_inner(at.sim).unwrap().shutdown().await;
        let dead = at.broker.accounts().await;
        shown += &format!("{dead:?}");
        let wrong = RobinhoodCrypto::builder()
            .http(http(&at.clock))
            .api_key(SecretString::from(API_KEY))
            .private_key(SecretString::from(format!("{PRIVATE_KEY}{PRIVATE_KEY}")));
        shown + &format!("{:?}", wrong.build())
    });
    let canaries = Canaries::new([API_KEY, PRIVATE_KEY]);
    canaries.absent_from("what is shown", &shown)?;
    canaries.absent_from("the log", &logs.text())
}

#[test]
fn what_is_missing_or_wrong_is_told_when_it_is_built() {
    let clock = SkipClock::default();
    let start = || builder("http://127.0.0.1:1", http(&clock));
    assert!(start().build().is_ok());
    assert_eq!(code(RobinhoodCrypto::builder().build()), 5002);
    let keyless = RobinhoodCrypto::builder().http(http(&clock));
    assert_eq!(code(keyless.build()), 5002);
    assert_eq!(
        code(start().base_url("http://trading.robinhood.com").build()),
        2005
    );
    assert_eq!(
        code(
            start()
                .base_url("https://user@trading.robinhood.com")
                .build()
        ),
        2005
    );
    assert_eq!(code(start().api_key(SecretString::from("")).build()), 5003);
    assert_eq!(
        code(start().private_key(SecretString::from("AAAA")).build()),
        5003
    );
    let mut config = start().build().unwrap().config().clone();
    config.consistency_window = std::time::Duration::ZERO;
    assert_eq!(code(start().config(config.clone()).build()), 5003);
    config.consistency_window = std::time::Duration::from_secs(1);
    config.clock_offset = time::Duration::hours(-25);
    assert_eq!(code(start().config(config).build()), 5003);
    // A path in between would be signed and not be there.
    assert_eq!(
        code(
            start()
                .base_url("https://gateway.example/robinhood")
                .build()
        ),
        5003
    );
    assert!(
        start()
            .base_url("https://trading.robinhood.com/")
            .build()
            .is_ok()
    );
}
