use wheelhouse::{
    Broker, Connecting, Connector, ErrorKind,
    session::{Challenge, ChallengeAnswer},
    settings::{Key, Settings},
};
use wheelhouse_sim::{
    Sim,
    robinhood::{self, Approval, LoginFlow},
    robinhood_crypto,
};

const CODE: &str = "758447";

async fn start(login: LoginFlow) -> (Sim, Connector) {
    let mut settings = robinhood::Settings::new();
    settings.login = login;
    let any_port = "127.0.0.1:0".parse().unwrap();
    let sim = Sim::builder()
        .robinhood(any_port)
        .robinhood_settings(settings)
        .robinhood_crypto(any_port)
        .robinhood_crypto_user(robinhood_crypto::UserSpec::demo())
        .start()
        .await
        .unwrap();
    let settings = Settings::builder()
        .set(Key::RobinhoodUsername, "demo@example.com")
        .set(Key::RobinhoodPassword, "demo-password")
        .set(Key::RobinhoodEnvironment, sim.robinhood().origin())
        .set(
            Key::RobinhoodCryptoApiKey,
            "rh-api-6148effc-c0b1-486c-8940-a1d099456be6",
        )
        // The example of the API's own documentation.
        .set(
            Key::RobinhoodCryptoPrivateKey,
            "xQnTJVeQLmw1/Mg2YimEViSpw/SdJcgNXZ5kQkAXNPU=",
        )
        .set(
            Key::RobinhoodCryptoEnvironment,
            sim.robinhood_crypto().origin(),
        )
        .build()
        .unwrap();
    let connector = Connector::builder()
        .settings(settings)
        .in_memory()
        .build()
        .await
        .unwrap();
    (sim, connector)
}

#[tokio::test]
async fn both_brokers_of_robinhood_are_connected_by_name() {
    let (_sim, connector) = start(LoginFlow::Granted).await;
    let broker = connector.connect("robinhood").await.unwrap();
    assert_eq!(broker.accounts().await.unwrap().len(), 3);
    let broker = connector.connect("robinhood-crypto").await.unwrap();
    assert_eq!(broker.accounts().await.unwrap().len(), 1);
    let error = connector.connect("robinhoot").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("robinhood-crypto"), "{error}");
}

#[tokio::test]
async fn a_challenge_is_an_error_until_it_is_answered_and_asked_only_once() {
    let (sim, connector) = start(LoginFlow::Approval(Approval::Sms)).await;
    for _ in 0..3 {
        let error = connector.robinhood().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MfaRequired);
    }
    assert_eq!(sim.robinhood().ledger().logins().len(), 1);

    let login = connector.settings().robinhood().unwrap().unwrap();
    let Connecting::Challenge(open) = connector.robinhood_begin(&login).await.unwrap() else {
        panic!("the code was not asked for");
    };
    assert!(matches!(open.challenge, Challenge::Code { .. }));
    let wrong = connector.robinhood_answer(&login, &open.id, ChallengeAnswer::code("000000"));
    assert_eq!(wrong.await.unwrap_err().kind(), ErrorKind::MfaRequired);
    let right = connector.robinhood_answer(&login, &open.id, ChallengeAnswer::code(CODE));
    let Connecting::Connected(first) = right.await.unwrap() else {
        panic!("the code was right");
    };
    assert!(!first.resumed);
    let again = connector.robinhood().await.unwrap();
    assert!(again.resumed && again.session.id() == first.session.id());
}

#[tokio::test]
async fn an_approval_is_left_to_a_person() {
    let (sim, connector) = start(LoginFlow::Approval(Approval::Prompt)).await;
    let error = connector.connect("robinhood").await.unwrap_err();
    assert_eq!((error.code(), error.kind()), (1009, ErrorKind::HumanNeeded));
    // Asked again too soon: nothing is sent.
    let error = connector.connect("robinhood").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HumanNeeded);
    let ledger = sim.robinhood().ledger();
    assert_eq!((ledger.logins().len(), ledger.polls().len()), (1, 0));
}

#[tokio::test]
async fn without_settings_the_names_that_are_needed_are_told() {
    let connector = Connector::builder().in_memory().build().await.unwrap();
    let error = connector.robinhood().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingField);
    assert!(error.message().contains("ROBINHOOD_PASSWORD"), "{error}");
    let error = connector.robinhood_crypto().unwrap_err();
    assert!(
        error.message().contains("ROBINHOOD_CRYPTO_API_KEY"),
        "{error}"
    );
}
