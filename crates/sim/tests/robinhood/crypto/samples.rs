//! Samples of the official API.

use serde_json::json;
use wheelhouse_sim::{
    Fault, Kind, Sim, Start,
    robinhood_crypto::{Bucket, Numbers, Route, UserSpec},
};

use super::{NUMBER, Rig, limit, market};
use crate::{
    rig::{but, dec, friday},
    samples::{Checked, sample},
};

/// Compares the API's answers with their samples.
pub async fn samples(checked: &mut Checked) {
    let rig = Rig::start().await;
    let v1 = "/api/v1/crypto";
    let v2 = "/api/v2/crypto";
    for (name, path) in [
        ("crypto_v1_account", format!("{v1}/trading/accounts/")),
        (
            "crypto_v1_trading_pairs",
            format!("{v1}/trading/trading_pairs/?symbol=BTC-USD"),
        ),
        (
            "crypto_v1_best_bid_ask",
            format!("{v1}/marketdata/best_bid_ask/?symbol=BTC-USD"),
        ),
        (
            "crypto_v1_estimated_price",
            format!("{v1}/marketdata/estimated_price/?symbol=BTC-USD&side=ask&quantity=0.1"),
        ),
        ("crypto_v2_accounts", format!("{v2}/trading/accounts/")),
        (
            "crypto_v2_trading_pairs",
            format!("{v2}/trading/trading_pairs/"),
        ),
        (
            "crypto_v2_holdings",
            format!("{v2}/trading/holdings/?account_number={NUMBER}"),
        ),
        (
            "crypto_v2_estimated_price",
            format!("{v2}/trading/estimated_price/?symbol=BTC-USD&side=ask&quantity=0.1"),
        ),
    ] {
        checked.answer(name, &rig.get(&path).await, 200);
    }
    // Its two rows show numbers and text on purpose; the simulator gives either for all.
    let both = rig
        .get(&format!(
            "{v2}/marketdata/best_bid_ask/?symbol=BTC-USD&symbol=ETH-USD"
        ))
        .await;
    let wanted = sample("crypto_v2_best_bid_ask");
    let wanted = wanted["results"].as_array().unwrap();
    assert_eq!(both.rows().len(), wanted.len());
    for (row, wanted) in both.rows().iter().zip(wanted) {
        for key in wanted.as_object().unwrap().keys() {
            assert!(row.get(key).is_some(), "{key}");
        }
        assert!(row["bid"].is_number() && row["ask"].is_number());
        assert_eq!(row["symbol"], wanted["symbol"]);
    }
    checked.names.insert("crypto_v2_best_bid_ask".to_owned());

    let orders = format!("{v2}/trading/orders/?account_number={NUMBER}");
    let placed = rig.place(&market("buy", "0.001", "1")).await;
    checked.answer("crypto_v2_order_placed_market", &placed, 201);
    let id = placed.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{v2}/trading/orders/{id}/?account_number={NUMBER}");
    checked.answer("crypto_v2_order_detail", &rig.get(&path).await, 200);
    let config =
        json!({"asset_quantity": "0.0001", "limit_price": "32548.38", "time_in_force": "gtc"});
    let waiting = rig.place(&limit("buy", config, "2")).await;
    checked.answer("crypto_v2_order_placed_limit", &waiting, 201);
    for name in ["req_crypto_stop_loss", "req_crypto_stop_limit"] {
        rig.place(&sample(name)).await.expect(201);
    }
    checked.answer("crypto_v2_orders", &rig.get(&orders).await, 200);
    let id = waiting.json()["id"].as_str().unwrap().to_owned();
    let cancelled = rig
        .call("POST", &format!("{v2}/trading/orders/{id}/cancel/"), "")
        .await;
    checked.answer("crypto_v2_order_cancel", &cancelled, 200);

    let orders_1 = format!("{v1}/trading/orders/");
    let body = market("buy", "0.001", "3").to_string();
    let placed = rig.call("POST", &orders_1, &body).await;
    checked.answer("crypto_v1_order_placed", &placed, 201);
    let path = format!("{orders_1}?symbol=BTC-USD&limit=1");
    checked.answer("crypto_v1_orders", &rig.get(&path).await, 200);
    let waiting = limit(
        "buy",
        json!({"asset_quantity": "0.0001", "limit_price": "1000"}),
        "4",
    );
    let id = rig
        .call("POST", &orders_1, &waiting.to_string())
        .await
        .json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let text = rig
        .call("POST", &format!("{orders_1}{id}/cancel/"), "")
        .await;
    let wanted = sample("crypto_v1_order_cancel");
    let wanted = wanted
        .as_str()
        .unwrap()
        .rsplit_once(' ')
        .unwrap()
        .0
        .to_owned();
    assert_eq!(text.text(), format!("{wanted} {id}"));
    checked.names.insert("crypto_v1_order_cancel".to_owned());
    rig.broker()
        .change_settings(|settings| settings.numbers = Numbers::Number);
    let holdings = rig
        .get(&format!("{v1}/trading/holdings/?asset_code=BTC"))
        .await;
    checked.answer("crypto_v1_holdings", &holdings, 200);

    let wrong = but(market("buy", "0.001", "5"), json!({"client_order_id": "x"}));
    checked.answer("crypto_error_validation", &rig.place(&wrong).await, 400);
    let bare = format!("{v2}/trading/orders/");
    checked.answer(
        "crypto_error_account_number_missing",
        &rig.get(&bare).await,
        400,
    );
    let commas = format!("{orders}&symbol=BTC-USD,ETH-USD");
    checked.answer(
        "crypto_error_malformed_symbol",
        &rig.get(&commas).await,
        400,
    );
    checked.answer(
        "crypto_error_401",
        &rig.signed("GET", &orders, "", "x").await,
        401,
    );
    checked.answer(
        "crypto_error_403",
        &rig.get(&format!("{bare}?account_number=1")).await,
        403,
    );
    checked.answer(
        "crypto_error_404",
        &rig.get(&format!("{v2}/nothing/")).await,
        404,
    );
    let error = sample("crypto_error_500").to_string();
    let fault = Kind::Status {
        status: 500,
        headers: Vec::new(),
        body: error,
    };
    rig.broker()
        .faults()
        .add(Fault::new(Route::Orders, fault).times(1));
    checked.answer("crypto_error_500", &rig.get(&orders).await, 500);
    let empty = Some(Bucket {
        burst: 0,
        per_minute: 1,
    });
    rig.broker()
        .change_settings(|settings| settings.limit = empty);
    checked.answer("crypto_error_429", &rig.get(&orders).await, 429);
}

/// Sends the request samples and names those that were acted on.
pub async fn requests() -> Vec<String> {
    let user = UserSpec::demo().cash(dec("100000"));
    let sim = Sim::builder()
        .robinhood_crypto("127.0.0.1:0".parse().unwrap())
        .robinhood_crypto_user(user)
        .time(Start::Frozen(friday()))
        .start()
        .await
        .unwrap();
    let rig = Rig { sim };
    let names = [
        "req_crypto_market",
        "req_crypto_limit",
        "req_crypto_limit_quote_amount",
        "req_crypto_stop_loss",
        "req_crypto_stop_limit",
    ];
    for name in names {
        rig.place(&sample(name)).await.expect(201);
    }
    names.map(str::to_owned).to_vec()
}
