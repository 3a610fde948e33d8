//! Accounts, portfolios and positions of the demo user.

use serde_json::{Value, json};
use wheelhouse_sim::{
    Sim, SimError, Start,
    robinhood::{AccountSpec, Host, LoginFlow, Settings, UserSpec},
};

use super::rig::{ACCOUNT, F, KO, Rig, but, dec, friday, limit, send};

#[tokio::test]
async fn retirement_accounts_are_in_no_list_but_exist() {
    let rig = Rig::start().await;
    let listed: Vec<Value> = rig
        .get("/accounts/?default_to_all_accounts=true")
        .await
        .rows();
    let numbers: Vec<&str> = listed
        .iter()
        .map(|row| row["account_number"].as_str().unwrap())
        .collect();
    assert_eq!(numbers, ["100200301", "100200303"]);
    assert!(listed[0]["cash_balances"].is_null() && listed[0]["margin_balances"].is_object());
    let ira = rig.get("/accounts/100200302").await.expect(200);
    assert_eq!(ira["brokerage_account_type"], "ira_roth");
    assert!(ira["cash_balances"].is_object() && ira["margin_balances"].is_null());
    let all = rig.get_on("bonfire", "/transfer/accounts/").await.rows();
    let own: Vec<&Value> = all
        .iter()
        .filter(|row| row["is_external"] == false)
        .collect();
    assert_eq!(
        (all.len(), own.len(), &own[1]["type"]),
        (4, 3, &json!("ira_roth"))
    );
    assert_eq!(
        rig.get_on("bonfire", "/accounts/unified/")
            .await
            .rows()
            .len(),
        3
    );
    assert_eq!(rig.get("/accounts/999/").await.status, 404);
    assert_eq!(rig.get("/accounts/100200301/positions/").await.status, 404);
}

#[tokio::test]
async fn amounts_of_the_main_account_are_text_and_fit_together() {
    let rig = Rig::start().await;
    let row = rig.get("/accounts/100200301/").await.expect(200);
    assert_eq!(row["cash"], "19250.5500");
    assert_eq!(row["buying_power"], "18250.5500");
    assert_eq!(row["cash_held_for_options_collateral"], "1000.0000");
    assert_eq!(row["rhs_account_number"], 100_200_301);
    let portfolio = rig.get("/portfolios/100200301").await.expect(200);
    let of = |name: &str| dec(portfolio[name].as_str().unwrap());
    assert_eq!(of("equity"), of("market_value") + dec("19250.55"));
    // Shares of KO, SOFI and T; a put and a call that are owed, two calls that are owned.
    let shares = dec("7110") + dec("4125") + dec("900.80625");
    let options = dec("270") - dec("22") - dec("35.5");
    assert_eq!(of("market_value"), (shares + options).round_dp(4));
    assert_eq!(portfolio["equity_previous_close"], "0");
    let unified = rig.get_on("phoenix", "/accounts/unified").await.expect(200);
    assert_eq!(unified["uninvested_cash"]["amount"], "19250.55");
    assert_eq!(unified["account_buying_power"]["amount"], "18250.55");
    let power = rig
        .get_on("bonfire", "/accounts/100200301/options_buying_power/")
        .await
        .expect(200);
    assert_eq!(power["buying_power"]["amount"], "18250.55");
}

#[tokio::test]
async fn positions_are_those_of_the_wheel_world() {
    let rig = Rig::start().await;
    let rows = rig.get("/positions/?nonzero=true").await.rows();
    let of = |name: &'static str| {
        rows.iter()
            .map(move |row| row[name].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("symbol"), ["KO", "SOFI", "T"]);
    assert_eq!(
        of("quantity"),
        ["100.00000000", "150.00000000", "40.12500000"]
    );
    assert_eq!(of("average_buy_price"), ["0.0000", "0.0000", "22.1000"]);
    assert_eq!(
        of("clearing_average_cost"),
        ["61.2500", "14.1000", "22.1000"]
    );
    assert_eq!(
        of("shares_available_for_sells"),
        ["0.00000000", "150.00000000", "40.12500000"]
    );
    assert_eq!(
        rows[0]["shares_held_for_options_collateral"],
        "100.00000000"
    );
    assert_eq!(rows[0]["clearing_intraday_cost_basis"], "0E-8");
    assert!(
        rig.get("/positions/?account_number=100200302&nonzero=true")
            .await
            .rows()
            .is_empty()
    );
}

#[tokio::test]
async fn an_option_level_is_capped_by_the_kind_of_account() {
    let rig = Rig::start().await;
    let patch = json!({"option_level": "option_level_3"});
    let host = "api.robinhood.com";
    let row = rig
        .call("PATCH", host, "/accounts/100200302/", &patch)
        .await
        .expect(200);
    assert_eq!(row["option_level"], "option_level_2");
    let refusal = rig
        .call("PATCH", host, "/quotes/", &patch)
        .await
        .expect(405);
    assert_eq!(refusal["detail"], "Method \"PATCH\" not allowed.");
}

#[tokio::test]
async fn shares_that_wait_to_be_sold_are_held() {
    let rig = Rig::start().await;
    let sell = but(
        limit("sell", "60", "30.00", "r1"),
        json!({
            "instrument": "https://api.robinhood.com/instruments/c0cd1be2-773b-4982-8240-80a2898416e7/",
        }),
    );
    rig.place(sell.clone()).await;
    let row = rig.get("/positions/").await.rows()[1].clone();
    assert_eq!(row["shares_held_for_sells"], "60.00000000");
    assert_eq!(row["shares_available_for_sells"], "90.00000000");
    let refusal = rig
        .post(
            "/orders/",
            &but(sell, json!({"quantity": "91", "ref_id": "r2"})),
        )
        .await;
    assert_eq!(refusal.expect(400)["detail"], "Not enough shares to sell.");
    // Shares behind a call can not be sold at all.
    let covered = but(
        limit("sell", "1", "71.00", "r3"),
        json!({
            "instrument": format!("https://api.robinhood.com/instruments/{KO}/"),
        }),
    );
    rig.post("/orders/", &covered).await.expect(400);
}

#[tokio::test]
async fn another_users_account_does_not_exist() {
    let rig = Rig::start().await;
    let order = but(
        limit("buy", "1", "12.40", "r"),
        json!({
            "account": "https://api.robinhood.com/accounts/555/",
        }),
    );
    assert!(rig.post("/orders/", &order).await.expect(400)["account"].is_array());
    assert!(
        rig.get("/orders/?account_numbers=555")
            .await
            .rows()
            .is_empty()
    );
}

#[tokio::test]
async fn users_see_nothing_of_each_other() {
    let ada = UserSpec::new("ada@example.com", "pass").account(
        AccountSpec::new("900")
            .cash(dec("100"))
            .shares("KO", dec("3"), dec("60")),
    );
    let builder = || {
        Sim::builder()
            .robinhood("127.0.0.1:0".parse().unwrap())
            .robinhood_user(UserSpec::demo())
            .time(Start::Frozen(friday()))
    };
    let mut settings = Settings::new();
    settings.login = LoginFlow::Granted;
    let sim = builder()
        .robinhood_settings(settings)
        .robinhood_user(ada.clone());
    let host = "api.robinhood.com";
    let mut rig = Rig {
        sim: sim.start().await.unwrap(),
        token: String::new(),
        host,
    };
    let mine = json!({"username": "ada@example.com", "password": "pass"});
    let tokens = rig.login_with("d", mine).await.expect(200);
    rig.token = tokens["access_token"].as_str().unwrap().to_owned();
    assert_eq!(rig.get("/accounts/").await.rows().len(), 1);
    assert_eq!(
        rig.get("/positions/").await.rows()[0]["quantity"],
        "3.00000000"
    );
    assert_eq!(rig.get(&format!("/accounts/{ACCOUNT}/")).await.status, 404);
    let path = format!("/positions/?account_number={ACCOUNT}");
    assert!(rig.get(&path).await.rows().is_empty());
    rig.post("/orders/", &limit("buy", "1", "12.40", "r"))
        .await
        .expect(400);
    let twice = builder()
        .robinhood_user(ada.clone())
        .robinhood_user(ada)
        .start()
        .await;
    assert!(matches!(
        twice,
        Err(SimError::Duplicate { what: "login", .. })
    ));
    let same = UserSpec::new("bob@example.com", "pass").account(AccountSpec::new(ACCOUNT));
    let taken = builder().robinhood_user(same).start().await;
    assert!(matches!(
        taken,
        Err(SimError::Duplicate {
            what: "account",
            ..
        })
    ));
}

#[tokio::test]
async fn links_have_the_host_that_the_client_believes_in() {
    let rig = Rig::start().await;
    let own = format!("https://api.robinhood.com/instruments/{F}/");
    let path = format!("/instruments/{F}/");
    assert_eq!(rig.get(&path).await.expect(200)["url"], own);
    let bearer = format!("Bearer {}", rig.token);
    let headers = [("Authorization", bearer.as_str())];
    let plain = send(rig.addr(), "GET", &path, &headers, "")
        .await
        .expect(200);
    assert_eq!(plain["url"], format!("{}{path}", rig.broker().origin()));
    let prefixed = format!("/api.robinhood.com{path}");
    let row = send(rig.addr(), "GET", &prefixed, &headers, "")
        .await
        .expect(200);
    assert_eq!(
        row["url"],
        format!("{}{path}", rig.broker().base_url(Host::Api))
    );
    let resolved = [headers[0], ("Host", "api.robinhood.com:4020")];
    let row = send(rig.addr(), "GET", &path, &resolved, "")
        .await
        .expect(200);
    assert_eq!(row["url"], format!("http://api.robinhood.com:4020{path}"));
    let foreign = rig
        .call("GET", "evil.example", "/accounts/", &Value::Null)
        .await;
    assert_eq!(foreign.status, 404);
}

#[tokio::test]
async fn user_and_small_tables_answer() {
    let rig = Rig::start().await;
    assert_eq!(
        rig.get("/user/").await.expect(200)["username"],
        "demo@example.com"
    );
    assert!(rig.get("/user/basic_info/").await.expect(200)["zipcode"].is_string());
    let trades = rig
        .get(&format!("/accounts/{ACCOUNT}/recent_day_trades/"))
        .await
        .expect(200);
    assert_eq!(trades["equity_day_trades"], json!([]));
    assert_eq!(rig.get("/dividends/").await.rows()[0]["state"], "paid");
    assert!(rig.get("/documents/").await.rows().is_empty());
    assert!(
        rig.get("/marketdata/token/v1/?session_id=1")
            .await
            .expect(200)["data"]["data"]["token"]
            .is_string()
    );
    assert_eq!(
        rig.get(&format!("/portfolios/historicals/{ACCOUNT}/"))
            .await
            .expect(404)["detail"],
        "Not found."
    );
    let performance = format!("/portfolio/performance/{ACCOUNT}");
    let empty = rig.get_on("bonfire", &performance).await;
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    let full = rig
        .get_on("bonfire", &format!("{performance}/?display_span=week"))
        .await;
    assert_eq!(full.expect(200)["display_span"], "week");
}
