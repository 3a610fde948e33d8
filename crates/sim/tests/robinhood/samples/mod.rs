//! Every documented sample: answered in its shape, taken as a request, or named as left out.
//!
//! The list is `tests/data/robinhood/SAMPLES.txt`.

mod gateway;
mod requests;
mod shape;

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use wheelhouse_sim::robinhood::{
    Approval, CodeKind, ErrorShape, Hours, LoginFlow, PromptAnswer, RateLimits, Settings, UserSpec,
};

use super::rig::{ACCOUNT, F, F_PUT, KO, Reply, Rig, but, dec, limit};
pub use shape::{Checked, sample};

const LIST: &str = include_str!("../../data/robinhood/SAMPLES.txt");

/// The samples of one kind.
pub fn listed(kind: &str) -> BTreeSet<String> {
    LIST.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let file = words.next()?;
            (words.next()? == kind).then(|| file.trim_end_matches(".json").to_owned())
        })
        .collect()
}

#[test]
fn the_list_names_all_samples_once() {
    let kinds = ["answered", "taken", "vectors", "within", "no"];
    let counts = kinds.map(|kind| listed(kind).len());
    let lines = LIST.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(
        (counts.iter().sum::<usize>(), lines),
        (195, 195),
        "{counts:?}"
    );
    for kind in &kinds {
        for name in listed(kind) {
            assert!(!sample(&name).is_null(), "{name}");
        }
    }
}

#[tokio::test]
async fn every_answer_has_the_shape_of_its_sample() {
    let mut checked = Checked::default();
    tables(&mut checked).await;
    orders(&mut checked).await;
    option_orders(&mut checked).await;
    endings(&mut checked).await;
    logins(&mut checked).await;
    approvals(&mut checked).await;
    refusals(&mut checked).await;
    nummus(&mut checked).await;
    super::crypto::samples(&mut checked).await;
    let left: Vec<String> = listed("answered")
        .difference(&checked.names)
        .cloned()
        .collect();
    assert!(left.is_empty(), "not looked at: {left:?}");
    assert!(checked.faults.is_empty(), "{:#?}", checked.faults);
}

/// Streaming is not part of what is simulated; nothing else may be left out.
#[test]
fn nothing_but_the_stream_is_left_out() {
    let left: Vec<String> = listed("no").into_iter().collect();
    assert_eq!(left, ["dxlink_conversation"]);
}

/// Tables of the demo user.
async fn tables(checked: &mut Checked) {
    let rig = Rig::start().await;
    let sofi = "c0cd1be2-773b-4982-8240-80a2898416e7";
    let t = "365ce80e-3c05-44b2-bc88-bc39f8782fbf";
    let (f_chain, ko_chain) = (
        "11057328-9f9a-46b3-b665-bc5dc944f363",
        "f33c6630-58ae-4898-b021-3a6f23b51611",
    );
    let ko_call = "8c469713-9205-420c-9252-5988481ce6f4";
    let week = "interval=day&span=week&bounds=regular";
    let of = |chain: &str, right: &str| {
        format!(
            "/options/instruments/?chain_id={chain}&expiration_dates=2026-12-18&type={right}&state=active"
        )
    };
    for (name, path) in [
        (
            "accounts",
            "/accounts/?default_to_all_accounts=true".to_owned(),
        ),
        ("account_detail", format!("/accounts/{ACCOUNT}")),
        ("account_detail_ira", "/accounts/100200302/".to_owned()),
        ("portfolios", "/portfolios/".to_owned()),
        ("portfolio_detail", format!("/portfolios/{ACCOUNT}")),
        (
            "instruments_by_symbol_F",
            "/instruments/?symbol=F".to_owned(),
        ),
        (
            "instruments_by_symbol_KO",
            "/instruments/?symbol=KO".to_owned(),
        ),
        (
            "instruments_by_symbol_SOFI",
            "/instruments/?symbol=SOFI".to_owned(),
        ),
        (
            "instruments_by_symbol_T",
            "/instruments/?symbol=T".to_owned(),
        ),
        (
            "instruments_empty",
            "/instruments/?symbol=NOSUCH".to_owned(),
        ),
        ("instrument_detail_F", format!("/instruments/{F}/")),
        ("instrument_detail_KO", format!("/instruments/{KO}/")),
        ("instrument_detail_SOFI", format!("/instruments/{sofi}/")),
        ("instrument_detail_T", format!("/instruments/{t}/")),
        ("quotes", "/quotes/?symbols=F,KO,SOFI".to_owned()),
        (
            "quotes_with_unknown_symbol",
            "/quotes/?symbols=F,NOSUCH".to_owned(),
        ),
        ("marketdata_quote", format!("/marketdata/quotes/{F}/")),
        (
            "marketdata_quotes",
            format!("/marketdata/quotes/?ids={F},{KO}"),
        ),
        (
            "quotes_historicals",
            format!("/quotes/historicals/?symbols=F&{week}"),
        ),
        (
            "marketdata_historicals",
            format!("/marketdata/historicals/{F}/?{week}"),
        ),
        ("fundamentals", "/fundamentals/?symbols=F,NOSUCH".to_owned()),
        (
            "marketdata_fundamentals",
            format!("/marketdata/fundamentals/{F}/"),
        ),
        ("market_hours", "/markets/XNYS/hours/2026-11-20/".to_owned()),
        (
            "market_hours_closed",
            "/markets/XNYS/hours/2026-11-22/".to_owned(),
        ),
        ("positions_nonzero", "/positions/?nonzero=true".to_owned()),
        (
            "positions_page_1",
            "/positions/?nonzero=true&page_size=2".to_owned(),
        ),
        (
            "positions_page_2",
            "/positions/?cursor=cD0y&nonzero=true&page_size=2".to_owned(),
        ),
        (
            "positions_empty",
            "/positions/?account_number=100200302&nonzero=true".to_owned(),
        ),
        ("options_instruments_F_puts", of(f_chain, "put")),
        ("options_instruments_KO_calls", of(ko_chain, "call")),
        (
            "option_instrument_detail_F_put_10",
            format!("/options/instruments/{F_PUT}/"),
        ),
        (
            "option_instrument_detail_KO_call_75",
            format!("/options/instruments/{ko_call}/"),
        ),
        (
            "option_instrument_detail_SOFI_call_30",
            "/options/instruments/f9e989f2-2b0b-49a7-8048-e5e8ee99abf0/".to_owned(),
        ),
        ("options_chain_F", format!("/options/chains/{f_chain}/")),
        (
            "options_chains_by_instrument",
            format!("/options/chains/?equity_instrument_ids={KO}"),
        ),
        (
            "options_chain_collateral",
            format!("/options/chains/{f_chain}/collateral/?account_number={ACCOUNT}"),
        ),
        (
            "marketdata_options",
            format!("/marketdata/options/?ids={F_PUT},{ko_call}"),
        ),
        (
            "options_historicals",
            format!("/marketdata/options/historicals/{F_PUT}/?{week}"),
        ),
        (
            "options_positions_nonzero",
            "/options/positions/?nonzero=True".to_owned(),
        ),
        (
            "options_aggregate_positions",
            "/options/aggregate_positions/?nonzero=True".to_owned(),
        ),
        (
            "orders_presubmit",
            format!("/orders/order_checks/presubmit_data/?instrument={F}"),
        ),
        (
            "recent_day_trades",
            format!("/accounts/{ACCOUNT}/recent_day_trades/"),
        ),
        ("user", "/user/".to_owned()),
        ("user_basic_info", "/user/basic_info/".to_owned()),
        ("dividends", "/dividends/".to_owned()),
        (
            "marketdata_token",
            "/marketdata/token/v1/?session_type=blackwidow".to_owned(),
        ),
    ] {
        checked.answer(name, &rig.get(&path).await, 200);
    }
    for (name, host, path) in [
        (
            "bonfire_transfer_accounts",
            "bonfire",
            "/transfer/accounts/",
        ),
        ("bonfire_accounts_unified", "bonfire", "/accounts/unified/"),
        (
            "bonfire_options_buying_power",
            "bonfire",
            "/accounts/100200301/options_buying_power/",
        ),
        ("phoenix_accounts_unified", "phoenix", "/accounts/unified"),
    ] {
        checked.answer(name, &rig.get_on(host, path).await, 200);
    }
    rig.broker()
        .change_settings(|settings| settings.greeks = false);
    let path = format!("/marketdata/options/?ids={F_PUT},unknown");
    checked.answer(
        "marketdata_options_no_greeks_and_null",
        &rig.get(&path).await,
        200,
    );
}

/// Equity orders in all states.
async fn orders(checked: &mut Checked) {
    let rig = Rig::start().await;
    let placed = rig
        .post("/orders/", &limit("buy", "10", "12.00", "r1"))
        .await;
    checked.answer("order_placed_limit", &placed, 201);
    let id = |reply: &Reply| reply.json()["id"].as_str().unwrap().to_owned();
    let waiting = id(&placed);
    let filled = id(&rig
        .post("/orders/", &limit("buy", "10", "12.40", "r2"))
        .await);
    checked.answer(
        "order_detail_filled",
        &rig.get(&format!("/orders/{filled}/")).await,
        200,
    );
    let dollars = but(
        limit("buy", "1", "1", "r3"),
        json!({
            "type": "market",
            "price": null,
            "quantity": null,
            "dollar_based_amount": {"amount": "25.00", "currency_code": "USD"},
        }),
    );
    checked.answer(
        "order_placed_dollar",
        &rig.post("/orders/", &dollars).await,
        201,
    );
    let sofi = "https://api.robinhood.com/instruments/c0cd1be2-773b-4982-8240-80a2898416e7/";
    let trail = but(
        limit("sell", "50", "1", "r4"),
        json!({
            "instrument": sofi,
            "type": "market",
            "price": null,
            "trigger": "stop",
            "trailing_peg": {"type": "percentage", "percentage": "20"},
        }),
    );
    rig.place(trail).await;
    checked.answer("orders_page_1", &rig.get("/orders/?page_size=3").await, 200);
    let cancel = format!("/orders/{waiting}/cancel/");
    checked.answer(
        "order_cancel_ok",
        &rig.post(&cancel, &Value::Null).await,
        200,
    );
    checked.answer(
        "order_detail_cancelled",
        &rig.get(&format!("/orders/{waiting}/")).await,
        200,
    );
    checked.answer(
        "order_cancel_again",
        &rig.post(&cancel, &Value::Null).await,
        403,
    );
    let rejection = "Sorry, you do not have enough buying power for this order.";
    rig.broker()
        .change_settings(|settings| settings.reject_with = Some(rejection.to_owned()));
    let rejected = id(&rig
        .post("/orders/", &limit("buy", "5", "12.40", "r5"))
        .await);
    checked.answer(
        "order_detail_rejected",
        &rig.get(&format!("/orders/{rejected}/")).await,
        200,
    );
    rig.broker().change_settings(|settings| {
        settings.reject_with = None;
        settings.fill_step = Some(dec("1"));
    });
    rig.place(limit("buy", "30", "12.40", "r6")).await;
    checked.answer(
        "orders_page_2",
        &rig.get("/orders/?cursor=cD0y&page_size=9").await,
        200,
    );
}

async fn option_orders(checked: &mut Checked) {
    let rig = Rig::start().await;
    let put = sample("req_option_sell_put_to_open");
    let waiting = but(put.clone(), json!({"price": "0.90"}));
    let placed = rig.post("/options/orders/", &waiting).await;
    checked.answer("option_order_placed", &placed, 201);
    let id = placed.json()["id"].as_str().unwrap().to_owned();
    let filled = but(put, json!({"price": "0.20", "ref_id": "r2"}));
    let filled = rig.post("/options/orders/", &filled).await.json();
    let path = format!("/options/orders/{}/", filled["id"].as_str().unwrap());
    checked.answer("option_order_detail_filled", &rig.get(&path).await, 200);
    checked.answer("options_orders", &rig.get("/options/orders/").await, 200);
    let cancel = rig
        .post(&format!("/options/orders/{id}/cancel/"), &Value::Null)
        .await;
    checked.answer("option_order_cancel_ok", &cancel, 200);
}

/// Assignments, before and after they are final.
async fn endings(checked: &mut Checked) {
    let rig = Rig::start().await;
    rig.broker().set_price("F", dec("9.42")).unwrap();
    rig.sim
        .advance(Duration::from_secs(28 * 86_400 + 6 * 3_600));
    let pending = rig.get("/options/positions/?nonzero=True").await;
    checked.answer("options_positions_pending_assignment", &pending, 200);
    rig.sim.advance(Duration::from_secs(6 * 3_600));
    checked.answer("options_events", &rig.get("/options/events/").await, 200);
}

async fn out(login: LoginFlow, change: impl FnOnce(&mut Settings)) -> Rig {
    let mut settings = Settings::new();
    settings.login = login;
    change(&mut settings);
    Rig::out(UserSpec::demo(), settings).await
}

async fn logins(checked: &mut Checked) {
    let rig = out(LoginFlow::Granted, |_| {}).await;
    let granted = rig.login("d").await;
    checked.answer("login_token_ok", &granted, 200);
    let refresh = |token: &Value| {
        json!({
            "grant_type": "refresh_token",
            "refresh_token": token,
            "scope": "internal",
            "client_id": "c",
            "device_token": "d",
            "expires_in": "86400",
        })
    };
    let fields = refresh(&granted.json()["refresh_token"]);
    checked.answer(
        "refresh_token_ok",
        &rig.form("/oauth2/token/", &fields).await,
        200,
    );
    checked.answer(
        "refresh_invalid_grant",
        &rig.form("/oauth2/token/", &fields).await,
        401,
    );
    checked.answer(
        "revoke_ok",
        &rig.form("/oauth2/revoke_token/", &json!({"token": "x"}))
            .await,
        200,
    );
    let wrong = json!({"password": "wrong"});
    checked.answer(
        "login_bad_credentials",
        &rig.login_with("d", wrong.clone()).await,
        400,
    );
    rig.broker().change_settings(|settings| {
        settings.bad_credentials_shape = ErrorShape::NonFieldErrors;
        settings.access_token_life = Duration::from_secs(86_400);
    });
    let refusal = rig.login_with("d", wrong).await;
    checked.answer("login_bad_credentials_non_field_errors", &refusal, 400);
    checked.answer("login_token_ok_one_day", &rig.login("d").await, 200);
    let rig = out(LoginFlow::Approval(Approval::Prompt), |_| {}).await;
    checked.answer("login_verification_workflow", &rig.login("d").await, 403);
    let rig = out(LoginFlow::MfaRequired(CodeKind::App), |_| {}).await;
    checked.answer("login_mfa_required_app", &rig.login("d").await, 200);
    let wrong = rig.login_with("d", json!({"mfa_code": "1"})).await;
    checked.answer("login_mfa_code_rejected", &wrong, 400);
    let rig = out(LoginFlow::MfaRequired(CodeKind::Sms), |_| {}).await;
    checked.answer("login_mfa_required_sms", &rig.login("d").await, 200);
    let rig = out(LoginFlow::LegacyChallenge(CodeKind::Sms), |_| {}).await;
    let asked = rig.login("d").await;
    checked.answer("login_challenge_legacy", &asked, 400);
    let id = asked.json()["challenge"]["id"].as_str().unwrap().to_owned();
    let wrong = rig
        .form(
            &format!("/challenge/{id}/respond/"),
            &json!({"response": "1"}),
        )
        .await;
    checked.answer("login_challenge_legacy_wrong_code", &wrong, 400);
    let rig = out(LoginFlow::Throttled(51), |_| {}).await;
    checked.answer("login_throttled", &rig.login("d").await, 429);
}

/// An approval whose machine was made; gives the paths of machine, prompt and answer.
async fn begun(rig: &Rig) -> (Reply, [String; 3]) {
    let asked = rig.login("d").await.json();
    let workflow = asked["verification_workflow"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = json!({"device_id": "d", "flow": "suv", "input": {"workflow_id": workflow}});
    let machine = rig.open("POST", "/pathfinder/user_machine/", &body).await;
    let id = machine.json()["id"].as_str().unwrap().to_owned();
    let view = format!("/pathfinder/inquiries/{id}/user_view/");
    let shown = rig.open("GET", &view, &Value::Null).await.json();
    let challenge = shown["context"]["sheriff_challenge"]["id"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    (
        machine,
        [
            view,
            format!("/push/{challenge}/get_prompts_status/"),
            format!("/challenge/{challenge}/"),
        ],
    )
}

async fn approvals(checked: &mut Checked) {
    let end = json!({"sequence": 0, "user_input": {"status": "continue"}});
    for (name, answer) in [
        ("push_prompt_expired", PromptAnswer::Ignore),
        ("push_prompt_failed", PromptAnswer::Deny),
        ("push_prompt_redeemed", PromptAnswer::Redeem(0)),
    ] {
        let rig = out(LoginFlow::Approval(Approval::Prompt), |settings| {
            settings.prompt = answer
        })
        .await;
        let (_, [_, poll, _]) = begun(&rig).await;
        if answer == PromptAnswer::Ignore {
            rig.sim.advance(Duration::from_secs(300));
        }
        checked.answer(name, &rig.open("GET", &poll, &Value::Null).await, 200);
    }
    let rig = out(LoginFlow::Approval(Approval::Prompt), |_| {}).await;
    let (machine, [view, poll, challenge]) = begun(&rig).await;
    checked.answer("pathfinder_user_machine", &machine, 200);
    checked.answer(
        "user_view_prompt",
        &rig.open("GET", &view, &Value::Null).await,
        200,
    );
    checked.answer(
        "challenge_get",
        &rig.open("GET", &challenge, &Value::Null).await,
        200,
    );
    checked.answer(
        "push_prompt_issued",
        &rig.open("GET", &poll, &Value::Null).await,
        200,
    );
    checked.answer(
        "user_view_continue_pending",
        &rig.open("POST", &view, &end).await,
        200,
    );
    checked.answer(
        "push_prompt_validated",
        &rig.open("GET", &poll, &Value::Null).await,
        200,
    );
    checked.answer(
        "user_view_continue_approved",
        &rig.open("POST", &view, &end).await,
        200,
    );
    checked.answer("user_view_gone", &rig.open("POST", &view, &end).await, 410);
    for (name, kind) in [
        ("user_view_sms", Approval::Sms),
        ("user_view_email", Approval::Email),
        ("user_view_totp_app", Approval::App),
        ("user_view_needs_human", Approval::Human),
    ] {
        let rig = out(LoginFlow::Approval(kind), |_| {}).await;
        let (_, [view, _, challenge]) = begun(&rig).await;
        checked.answer(name, &rig.open("GET", &view, &Value::Null).await, 200);
        if kind == Approval::Sms {
            let path = format!("{challenge}respond/");
            let wrong = rig.form(&path, &json!({"response": "1"})).await;
            checked.answer("challenge_respond_wrong_code", &wrong, 400);
            let right = rig.form(&path, &json!({"response": "758447"})).await;
            checked.answer("challenge_respond_validated", &right, 200);
            checked.answer(
                "user_view_validated",
                &rig.open("GET", &view, &Value::Null).await,
                200,
            );
        }
    }
    let rig = out(LoginFlow::Approval(Approval::Prompt), |settings| {
        settings.views_without_challenge = 9
    })
    .await;
    let (_, [view, ..]) = begun(&rig).await;
    checked.answer(
        "user_view_no_challenge_yet",
        &rig.open("GET", &view, &Value::Null).await,
        200,
    );
    let limits = RateLimits::observed();
    let rig = out(LoginFlow::Approval(Approval::Prompt), |settings| {
        settings.rate_limits = limits
    })
    .await;
    let (_, [_, poll, _]) = begun(&rig).await;
    rig.open("GET", &poll, &Value::Null).await;
    checked.answer(
        "push_prompt_throttled",
        &rig.open("GET", &poll, &Value::Null).await,
        429,
    );
    identi(checked).await;
}

async fn identi(checked: &mut Checked) {
    let mut rig = out(LoginFlow::Approval(Approval::Prompt), |_| {}).await;
    let asked = rig.login("d").await.json();
    let workflow = asked["verification_workflow"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    rig.host = "identi.robinhood.com";
    let path = format!("/verification_workflows/polaris_migrated/{workflow}/");
    checked.answer(
        "identi_migrated",
        &rig.open("GET", &path, &Value::Null).await,
        200,
    );
    let path = format!("/idl/v1/workflow/{workflow}/");
    let entry = rig.open("PATCH", &path, &sample("req_identi_entry")).await;
    checked.answer("identi_device_approval", &entry, 200);
    rig.broker().approve_prompts();
    let exit = rig
        .open("PATCH", &path, &sample("req_identi_proceed"))
        .await;
    checked.answer("identi_exit_approved", &exit, 200);
}

async fn refusals(checked: &mut Checked) {
    let rig = Rig::start().await;
    let order = |changes: Value| but(limit("buy", "1", "12.40", "r"), changes);
    let trailing = json!({"type": "percentage", "percentage": "5.0"});
    for (name, changes) in [
        ("order_error_app_version", json!({"order_form_version": 1})),
        ("order_error_not_enough_shares", json!({"side": "sell"})),
        (
            "order_error_not_enough_buying_power",
            json!({"quantity": "90000"}),
        ),
        (
            "order_error_fractional_limit",
            json!({"quantity": "1.5", "price": "12.00"}),
        ),
        (
            "order_error_fractional_minimum",
            json!({"type": "market", "quantity": "0.01"}),
        ),
        (
            "order_error_market_buy_no_price",
            json!({"type": "market", "price": null}),
        ),
        (
            "order_error_hours_mismatch",
            json!({"extended_hours": true}),
        ),
        (
            "order_error_trailing_stop_limit",
            json!({"trailing_peg": trailing}),
        ),
        (
            "order_error_gtc",
            json!({"type": "market", "quantity": "0.5", "time_in_force": "gtc"}),
        ),
        ("order_error_field_quantity", json!({"quantity": "x"})),
    ] {
        checked.answer(name, &rig.post("/orders/", &order(changes)).await, 400);
    }
    let host = "api.robinhood.com";
    rig.place(order(json!({}))).await;
    let again = rig.post("/orders/", &order(json!({}))).await;
    checked.answer("order_error_duplicate_ref_id", &again, 409);
    let put = sample("req_option_sell_put_to_open");
    let option = |changes: Value| but(put.clone(), changes);
    let tick = rig
        .post("/options/orders/", &option(json!({"price": "0.255"})))
        .await;
    checked.answer("option_order_error_tick", &tick, 400);
    let poor = option(json!({"quantity": 99, "time_in_force": "gtc"}));
    let poor = rig.post("/options/orders/", &poor).await;
    checked.answer("order_error_overnight_buying_power", &poor, 400);
    let call =
        "https://api.robinhood.com/options/instruments/8c469713-9205-420c-9252-5988481ce6f4/";
    let naked = option(json!({"legs": [{
        "position_effect": "open", "side": "sell", "ratio_quantity": 1, "option": call,
    }]}));
    let naked = rig.post("/options/orders/", &naked).await;
    checked.answer("option_order_error_infinite_risk", &naked, 400);
    let level = sample("req_option_spread");
    let level = but(
        level,
        json!({"account": "https://api.robinhood.com/accounts/100200302/"}),
    );
    checked.answer(
        "error_403",
        &rig.post("/options/orders/", &level).await,
        403,
    );
    checked.answer(
        "error_404",
        &rig.get("/portfolios/historicals/100200301/").await,
        404,
    );
    checked.answer(
        "error_405",
        &rig.call("PATCH", host, "/orders/", &json!({})).await,
        405,
    );
    checked.answer(
        "historicals_bad_combination",
        &rig.get("/quotes/historicals/?symbols=F&interval=day&span=day")
            .await,
        400,
    );
    checked.answer(
        "error_401_no_token",
        &rig.open("GET", "/positions/", &Value::Null).await,
        401,
    );
    rig.broker()
        .change_settings(|settings| settings.hours = Hours::Closed);
    let dollars =
        order(json!({"dollar_based_amount": {"amount": "5"}, "type": "market", "ref_id": "d"}));
    let page = rig.post("/orders/", &dollars).await;
    assert_eq!(
        (page.status, Value::from(page.text())),
        (500, sample("error_500"))
    );
    checked.names.insert("error_500".to_owned());
    rig.broker().change_settings(|settings| {
        settings.hours = Hours::AlwaysOpen;
        settings.rate_limits = RateLimits::observed();
    });
    for n in 0..9 {
        let id = format!("f{n}");
        rig.place(order(
            json!({"type": "market", "quantity": "0.5", "ref_id": id}),
        ))
        .await;
    }
    let fraction = order(json!({"type": "market", "quantity": "0.5", "ref_id": "f"}));
    checked.answer(
        "error_429_fractional",
        &rig.post("/orders/", &fraction).await,
        429,
    );
    for n in 0..10 {
        rig.place(order(json!({"ref_id": format!("w{n}")}))).await;
    }
    let throttled = rig.post("/orders/", &order(json!({"ref_id": "w"}))).await;
    checked.answer("error_429", &throttled, 429);
    rig.broker().expire_access_tokens();
    checked.answer("error_401", &rig.get("/positions/").await, 401);
}

async fn nummus(checked: &mut Checked) {
    let rig = Rig::start().await;
    for (name, path) in [
        ("nummus_accounts", "/accounts/"),
        ("nummus_currency_pairs", "/currency_pairs/"),
        ("nummus_holdings", "/holdings/"),
    ] {
        checked.answer(name, &rig.get_on("nummus", path).await, 200);
    }
    let path = "/marketdata/forex/quotes/3d961844-d360-45fc-989b-f6fca761d511/";
    checked.answer("forex_quote", &rig.get(path).await, 200);
    let order = sample("req_nummus_order");
    let host = "nummus.robinhood.com";
    let placed = rig.call("POST", host, "/orders/", &order).await;
    checked.answer("nummus_order_placed", &placed, 201);
    checked.answer(
        "nummus_orders",
        &rig.get_on("nummus", "/orders/").await,
        200,
    );
    let again = rig.call("POST", host, "/orders/", &order).await;
    checked.answer("nummus_order_duplicate_ref_id", &again, 400);
}
