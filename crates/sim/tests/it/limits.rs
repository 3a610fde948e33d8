use std::time::Duration;

use wheelhouse_sim::{
    Sim,
    tradelocker::{AccountSpec, RateLimit, RateLimits, RetryAfter, Settings, UserSpec},
};

use crate::rig::{ACCOUNT, Rig};

/// A simulator with captured limits at a standstill, so that windows pass only when told.
async fn limited(limits: RateLimits) -> Rig {
    let at = time::OffsetDateTime::from_unix_timestamp(1_893_456_000).unwrap();
    let settings = Settings::new().rate_limits(limits);
    Rig::of(
        Sim::builder()
            .time(wheelhouse_sim::Start::Frozen(at))
            .settings(settings),
    )
    .await
}

async fn statuses(rig: &Rig, path: &str, count: usize) -> Vec<u16> {
    let mut out = Vec::new();
    for _ in 0..count {
        out.push(rig.get(path).await.status);
    }
    out
}

#[tokio::test]
async fn the_captured_limits_are_enforced_per_type() {
    let rig = limited(RateLimits::captured()).await;
    let positions = format!("/trade/accounts/{ACCOUNT}/positions");
    let state = format!("/trade/accounts/{ACCOUNT}/state");
    assert_eq!(statuses(&rig, &positions, 2).await, [200, 429]);
    assert_eq!(statuses(&rig, &state, 5).await, [200, 200, 200, 200, 429]);
    rig.sim.advance(Duration::from_millis(999));
    assert_eq!(statuses(&rig, &positions, 1).await, [429]);
    rig.sim.advance(Duration::from_millis(1));
    assert_eq!(statuses(&rig, &positions, 1).await, [200]);
    assert_eq!(statuses(&rig, &state, 1).await, [429]);
    rig.sim.advance(Duration::from_millis(1_000));
    assert_eq!(statuses(&rig, &state, 1).await, [200]);
    assert_eq!(statuses(&rig, "/trade/config", 5).await, [200; 5]);
}

#[tokio::test]
async fn sixty_histories_a_minute() {
    let rig = limited(RateLimits::captured()).await;
    let path = "/trade/history?routeId=452&tradableInstrumentId=206&resolution=1D&from=1&to=2";
    assert_eq!(
        statuses(&rig, path, 61)
            .await
            .iter()
            .filter(|status| **status == 429)
            .count(),
        1
    );
    rig.sim.advance(Duration::from_secs(59));
    assert_eq!(statuses(&rig, path, 1).await, [429]);
    rig.sim.advance(Duration::from_secs(1));
    assert_eq!(statuses(&rig, path, 1).await, [200]);
}

#[tokio::test]
async fn a_refusal_comes_in_the_form_that_was_set() {
    for (form, header, json) in [
        (RetryAfter::Absent, None, false),
        (RetryAfter::Seconds, Some("1"), true),
        (RetryAfter::Raw("-1".into()), Some("-1"), true),
        (
            RetryAfter::HttpDate,
            Some("Tue, 01 Jan 2030 00:00:01 GMT"),
            true,
        ),
    ] {
        let table = [RateLimit::per_second("QUOTES", 1)];
        let rig = limited(RateLimits::table(table).retry_after(form.clone())).await;
        let path = "/trade/quotes?routeId=452&tradableInstrumentId=206";
        assert_eq!(rig.get(path).await.status, 200);
        let reply = rig.get(path).await;
        assert_eq!(
            (reply.status, reply.header("retry-after")),
            (429, header),
            "{form:?}"
        );
        assert_eq!(reply.text().starts_with('{'), json, "{form:?}");
        assert_eq!(reply.header("date"), Some("Tue, 01 Jan 2030 00:00:00 GMT"));
    }
}

#[tokio::test]
async fn limits_are_the_user_s_over_all_accounts_and_a_refused_order_is_not_placed() {
    let other = UserSpec::new("b@example.com", "p", "DEMO").accounts([AccountSpec::new("7")]);
    let at = time::OffsetDateTime::from_unix_timestamp(1_893_456_000).unwrap();
    let settings =
        Settings::new().rate_limits(RateLimits::table([RateLimit::per_second("PLACE_ORDER", 1)]));
    let builder = Sim::builder()
        .user(UserSpec::demo().account_count(2))
        .user(other);
    let mut rig = Rig::of(
        builder
            .time(wheelhouse_sim::Start::Frozen(at))
            .settings(settings),
    )
    .await;
    assert_eq!(rig.place(crate::rig::market("buy", 0.01)).await.status, 200);
    rig.acc_num = "2".into();
    let order = crate::rig::market("buy", 0.01).to_string();
    assert_eq!(
        rig.send("POST", "/trade/accounts/1002004/orders", &order)
            .await
            .status,
        429
    );
    assert_eq!(rig.broker().ledger().placements().len(), 1);
}

#[tokio::test]
async fn what_is_enforced_can_be_less_than_what_is_published() {
    let limits = RateLimits::captured().enforcing([RateLimit::per_second("QUOTES", 1)]);
    let rig = limited(limits).await;
    let config = rig.get("/trade/config").await.d();
    let published = config["rateLimits"].as_array().unwrap().iter();
    let quotes = published
        .into_iter()
        .find(|limit| limit["rateLimitType"] == "QUOTES")
        .unwrap();
    assert_eq!(quotes["limit"], 10);
    let path = "/trade/quotes?routeId=452&tradableInstrumentId=206";
    assert_eq!(statuses(&rig, path, 2).await, [200, 429]);
    rig.broker()
        .change_settings(|settings| settings.rate_limits = RateLimits::off());
    assert_eq!(statuses(&rig, path, 20).await, [200; 20]);
    let config = rig.get("/trade/config").await.d();
    assert_eq!(config["rateLimits"][0]["limit"], 1_000_000);
}
