//! The broker's part of a script.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{
    Route,
    settings::{
        ErrorShape, Hours, HumanScreen, IdentiStyle, LoginFlow, OrderEnd, PromptAnswer, RateLimits,
        RefreshAnswer, RefreshReuse, Settings,
    },
};
use crate::{
    broker::{
        Move,
        knobs::{knobs, same, seconds},
    },
    faults::{self, Fault},
};

/// A script's part for the Robinhood broker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RobinhoodScript {
    /// Faults in the order in which they are asked.
    #[serde(deserialize_with = "faults::faults::<Route, _>")]
    pub faults: Vec<Fault>,
    /// Changes of prices and time that come later.
    pub moves: Vec<Move<Route>>,
    /// Bid prices by symbol, coin or contract.
    pub prices: BTreeMap<String, Decimal>,
    /// Settings that differ from those that the builder or the command line gave.
    pub settings: Knobs,
}

knobs! {
    access_token_life = "access_token_life_s": u32 => seconds,
    american_cancel: bool => same,
    assignment_takes = "assignment_takes_s": u32 => seconds,
    bad_credentials_shape: ErrorShape => same,
    bad_credentials_status: u16 => same,
    bind_device: bool => same,
    cancel_loses: bool => same,
    cancel_takes = "cancel_takes_s": u32 => seconds,
    challenge_life = "challenge_life_s": u32 => seconds,
    confirm_after = "confirm_after_s": u32 => seconds,
    continue_gone: bool => same,
    continues_pending: u32 => same,
    fill_step: Decimal => Some,
    greeks: bool => same,
    hours: Hours => same,
    human: HumanScreen => same,
    identi: bool => same,
    identi_style: IdentiStyle => same,
    legacy_status: u16 => same,
    login: LoginFlow => same,
    logins_pending: u32 => same,
    longest_url: usize => same,
    mfa_code_suffices: bool => same,
    most_option_links: usize => same,
    negative_short_average: bool => same,
    next_origin: String => Some,
    opaque_tokens: bool => same,
    option_ref_id_repeats: bool => same,
    order_end: OrderEnd => Some,
    order_form_version: u64 => same,
    page_size: usize => same,
    prompt: PromptAnswer => same,
    rate_limits: RateLimits => same,
    refresh: RefreshAnswer => same,
    refresh_ends_access: bool => same,
    refresh_refused_status: u16 => same,
    refresh_reuse: RefreshReuse => same,
    refuse_legs_with: String => Some,
    reject_with: String => Some,
    totp_once: bool => same,
    views_without_challenge: u32 => same,
    visible_after = "visible_after_s": u32 => seconds,
    workflow_status: u16 => same,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        Script, SimError,
        broker::knobs::fields,
        robinhood::{After, Approval, Rate},
    };

    fn robinhood(part: &str) -> Result<RobinhoodScript, SimError> {
        let script = Script::from_json(&format!("{{\"robinhood\":\n{part}}}"))?;
        Ok(script.robinhood)
    }

    #[test]
    fn every_setting_can_be_set_from_a_script() {
        assert_eq!(fields(&Settings::default()), Knobs::NAMES);
    }

    #[test]
    fn named_settings_change_and_others_stay() {
        let part = r#"{"settings": {
            "login": {"approval": "sms"}, "prompt": "deny", "access_token_life_s": 5,
            "rate_limits": {"orders": {"count": 2, "window_s": 10, "wait_s": 14}, "no_retry_after": true},
            "refresh_reuse": "revoke_session", "fill_step": "0.5", "hours": "calendar"
        }}"#;
        let page_size = 7;
        let mut settings = Settings {
            page_size,
            ..Settings::default()
        };
        robinhood(part).unwrap().settings.apply(&mut settings);
        let [window, wait] = [10, 14].map(Duration::from_secs);
        let count = 2;
        let expected = Settings {
            page_size,
            login: LoginFlow::Approval(Approval::Sms),
            prompt: PromptAnswer::Deny,
            access_token_life: Duration::from_secs(5),
            rate_limits: RateLimits {
                orders: Some(Rate {
                    count,
                    window,
                    wait,
                }),
                no_retry_after: true,
                ..RateLimits::off()
            },
            refresh_reuse: RefreshReuse::RevokeSession,
            fill_step: Some(Decimal::new(5, 1)),
            hours: Hours::Calendar,
            ..Settings::default()
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn what_is_unknown_is_refused_with_its_line() {
        for (part, name) in [
            ("{\n\"settings\": {\"logn\": \"granted\"}}", "`logn`"),
            ("{\n\"settings\": {\"login\": \"open\"}}", "`open`"),
            (
                "{\n\"moves\": [{\"second\": 1, \"prices\": {}}]}",
                "`second`",
            ),
            ("{\n\"moves\": [{\"prices\": {}}]}", "`seconds`"),
            ("{\n\"price\": {}}", "`price`"),
        ] {
            match robinhood(part).unwrap_err() {
                SimError::Script { line, message, .. } => {
                    assert_eq!(line, 3, "{part}");
                    assert!(message.contains(name), "{message}");
                }
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn a_move_waits_for_requests_or_for_seconds() {
        let part = r#"{"moves": [
            {"route": "place_order", "prices": {"F": "12.00"}},
            {"route": "order", "requests": 3, "advance_s": 60},
            {"seconds": 60, "prices": {}}
        ]}"#;
        let moves = robinhood(part).unwrap().moves;
        let after: Vec<After<Route>> = moves.iter().map(|later| later.after).collect();
        let expected = [
            After::Requests(Route::PlaceOrder, 1),
            After::Requests(Route::Order, 3),
            After::Seconds(60),
        ];
        assert_eq!(after, expected);
        assert_eq!(moves[1].advance, Duration::from_secs(60));
        assert_eq!(moves[0].prices["F"], Decimal::new(12, 0));
    }
}
