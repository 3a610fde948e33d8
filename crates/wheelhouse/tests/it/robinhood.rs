use wheelhouse::{
    Broker, BrokerExt, Connecting, Connector, ErrorKind, OrderRequest, Side, TokenSource, dec,
    session::{Challenge, ChallengeAnswer},
    settings::{Key, Settings},
    shares,
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

/// What robin_stocks keeps, as protocol 4 of pickle writes it.
fn pickled(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = vec![0x80, 4, b'}', b'('];
    for text in entries.iter().flat_map(|(key, value)| [key, value]) {
        bytes.push(b'X');
        bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes.extend(b"u.");
    bytes
}

#[tokio::test]
async fn the_tokens_of_robin_stocks_are_taken_up_without_a_login() {
    let (sim, connector) = start(LoginFlow::Granted).await;
    let login = connector.settings().robinhood().unwrap().unwrap();
    // Another program has logged in.
    let http = connector.http().clone();
    let elsewhere = Connector::builder()
        .settings(connector.settings().clone())
        .http_client(http)
        .in_memory()
        .build();
    let elsewhere = elsewhere.await.unwrap().robinhood().await.unwrap().session;
    let token = elsewhere.token().await.unwrap();
    let device = "6f0ac2a5-9d52-4d47-9e0d-0e3a1a5f0001";
    let cache = pickled(&[("access_token", token.expose()), ("device_token", device)]);
    let before = sim.robinhood().ledger().logins().len();
    let imported = connector.robinhood_import(&login, &cache).await.unwrap();
    assert!(!imported.resumed);
    assert_eq!(imported.broker.accounts().await.unwrap().len(), 3);
    assert!(connector.robinhood().await.unwrap().resumed, "it is stored");
    assert_eq!(sim.robinhood().ledger().logins().len(), before);

    let over = pickled(&[("access_token", "over"), ("device_token", device)]);
    connector
        .sessions()
        .destroy(&imported.session)
        .await
        .unwrap();
    let error = connector.robinhood_import(&login, &over).await.unwrap_err();
    assert!(matches!(error.code(), 1003 | 1006 | 1007), "{error}");
    let hostile = b"cos\nsystem\n(S'id'\ntR.";
    let error = connector
        .robinhood_import(&login, hostile)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptRecord);
}

#[tokio::test]
async fn what_only_reads_reads_and_places_nothing() {
    let (sim, connector) = start(LoginFlow::Granted).await;
    let login = connector.settings().robinhood().unwrap().unwrap();
    let connection = connector.robinhood().await.unwrap();
    let reader = connector.robinhood_read_only(&login, &connection.session);
    let reader = reader.unwrap();
    let account = reader.accounts().await.unwrap().by_id("100200301").unwrap();
    let f = reader.find_instrument(&account, "F").await.unwrap();
    let order = OrderRequest::limit(&account, &f, Side::Buy, shares!(1), dec!(1));
    let error = reader.place_order(&order).await.unwrap_err();
    assert!(matches!(error.code(), 1010 | 3003 | 3010), "{error}");
    assert!(sim.robinhood().ledger().placements().is_empty());
}

#[tokio::test]
async fn of_several_accounts_none_is_guessed() {
    let (_sim, connector) = start(LoginFlow::Granted).await;
    let accounts = connector.connect("robinhood").await.unwrap();
    let accounts = accounts.accounts().await.unwrap();
    let error = accounts.only().unwrap_err();
    assert_eq!(
        (error.code(), error.kind()),
        (5002, ErrorKind::MissingField)
    );
    for id in ["100200301", "100200302", "100200303"] {
        assert!(error.message().contains(id), "{error}");
        assert_eq!(accounts.by_id(id).unwrap().id.as_str(), id);
    }
    assert_eq!(accounts.by_id("1").unwrap_err().kind(), ErrorKind::NotFound);
}
