/// Makes a module with one test for each check of the [broker suite](crate::broker).
///
/// The first argument names the module; the second is an expression that makes a
/// [`BrokerHarness`](crate::broker::BrokerHarness).
#[macro_export]
macro_rules! broker_conformance {
    ($name:ident, $harness:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::__broker_checks! {
                $harness;
                accounts_have_ids_of_their_own
                accounts_of_others_are_refused
                summary_is_of_the_account_and_in_its_currency

                bars_come_oldest_first
                depth_has_the_best_price_first
                expired_tokens_are_renewed_for_the_caller
                fifty_callers_are_served
                instruments_are_found_by_symbol
                instruments_are_listed
                quotes_come_in_the_order_asked
                symbols_with_hidden_characters_are_refused_unsent
                trading_sessions_are_read
                unknown_symbols_are_not_found

                cancelling_all_leaves_none
                cancelling_twice_succeeds
                client_order_ids_are_kept
                client_order_ids_of_options_are_kept
                f10_limits_are_waited_for_or_told
                f31_broken_answers_are_never_taken_for_none
                limit_orders_live_from_placement_to_cancel
                market_orders_open_positions
                order_queries_keep_to_what_they_ask
                orders_that_are_not_filled_have_no_price_of_execution
                questions_come_before_the_order
                replaced_orders_show_the_change
                streams_catch_up_and_tell_of_orders

                brackets_protect_the_position
                closed_trades_are_shown
                closing_all_leaves_none
                illegal_parts_are_not_closed
                lost_answers_to_closing_a_part_close_it_once
                lost_answers_to_closings_are_found_out
                positions_are_protected
                positions_close_in_part
                positions_close_wholly

                client_order_ids_that_are_too_long_are_refused_unsent
                errors_name_broker_and_operation
                f50_f51_illegal_quantities_are_refused_unsent
                f51_illegal_prices_are_refused_unsent
                f52_brackets_on_the_wrong_side_are_refused_unsent
                f8_unknown_orders_are_not_found
                refusals_of_the_broker_are_rejections

                calls_are_supported_as_the_capabilities_say
                capabilities_are_of_this_broker
                other_order_types_are_refused_unsent
                other_times_in_force_are_refused_unsent
                previews_place_nothing
                protection_that_is_lacking_is_refused_unsent
                roles_are_there_as_the_capabilities_say
                sizes_in_other_units_are_refused_unsent

                lost_answers_are_unknown_and_then_found
                lost_answers_of_filled_orders_are_found
                lost_requests_are_resolved_as_not_placed
                placements_at_other_brokers_are_not_resolved
                unknown_placements_outlive_the_process

                enc_8_no_secret_shows_in_what_a_broker_gives
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __broker_checks {
    ($harness:expr; $($check:ident)*) => {
        $(
            #[test]
            fn $check() -> $crate::TestResult {
                $crate::broker::run(&$harness, $crate::broker::$check)
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_check_is_in_the_macro() {
        let macros = include_str!("macros.rs");
        let mut count = 0;
        for file in [
            include_str!("accounts.rs"),
            include_str!("answers.rs"),
            include_str!("closing.rs"),
            include_str!("honesty.rs"),
            include_str!("market.rs"),
            include_str!("options.rs"),
            include_str!("orders.rs"),
            include_str!("refusals.rs"),
            include_str!("secrecy.rs"),
            include_str!("unsure.rs"),
        ] {
            for line in file
                .lines()
                .filter(|line| line.starts_with("pub async fn "))
            {
                let name = line["pub async fn ".len()..].split('(').next().unwrap();
                assert!(
                    macros.contains(&format!("\n                {name}\n")),
                    "{name}"
                );
                count += 1;
            }
        }
        assert!(count > 40, "{count} checks");
    }
}
