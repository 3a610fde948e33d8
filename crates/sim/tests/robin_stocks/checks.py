"""What robin_stocks has to find in the simulator."""

import base64
import builtins
import contextlib
import hmac
import os
import pickle
import struct
import sys
import time
from datetime import datetime
from decimal import Decimal

import requests
import robin_stocks.robinhood as rh
from robin_stocks.robinhood import orders
from robin_stocks.robinhood.globals import SESSION

from harness import CODE, PASSWORD, USERNAME, Simulator, check, clock, run, said, same

MAIN, ROTH = "100200301", "100200302"
F = "1a55e189-5d08-417e-9e65-d549ba4b2a1b"
TOKEN = "https://api.robinhood.com/oauth2/token/"
F_PUT = "be7c2476-573c-466d-8294-f7150e29271c"


def totp(secret):
    """The code of RFC 6238, of now."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, "sha1").digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


@contextlib.contextmanager
def typed(*codes):
    """While it lasts, the user types these codes one after the other."""
    before, left = builtins.input, iter(codes)
    builtins.input = lambda _question="": next(left)
    try:
        yield
    finally:
        builtins.input = before


@contextlib.contextmanager
def repeated_ids():
    """While it lasts, the client gives every order the same id."""
    before = orders.uuid4
    orders.uuid4 = lambda: "5f8e3c6a-0b1d-4e8e-9a55-3f1b9a1c2d77"
    try:
        yield
    finally:
        orders.uuid4 = before


def plain_order():
    """A purchase of F as the web client would send it, without quantity and price."""
    return {
        "account": f"https://api.robinhood.com/accounts/{MAIN}/",
        "instrument": f"https://api.robinhood.com/instruments/{F}/",
        "symbol": "F",
        "type": "limit",
        "trigger": "immediate",
        "side": "buy",
        "time_in_force": "gfd",
        "market_hours": "regular_hours",
        "order_form_version": 7,
    }


def statuses(sim):
    return {status for _, status in sim.routes()}


# Logins


@check
def login_by_prompt(sim):
    tokens = sim.login()
    same(tokens["token_type"], "Bearer")
    same(
        sim.routes(),
        [
            ("token", 403),
            ("user_machine", 200),
            ("user_view", 200),
            ("prompt_status", 200),
            ("prompt_status", 200),
            ("user_view_continue", 200),
            ("token", 200),
        ],
    )


@check
def cached_login_looks_at_positions(sim):
    assert "using authentication" in sim.login()["detail"]
    (record,) = sim.log()
    same((record.route, record.query, record.status), ("positions", "nonzero=true", 200))


@check
def login_by_sms(program):
    with Simulator(program, "--robinhood-login", "sms") as other:
        assert other.login()["access_token"]
        routes = [route for route, _ in other.routes()]
        same(routes[3:], ["challenge_respond", "user_view_continue", "token"])


@check
def a_wrong_code_is_asked_for_again(program):
    with Simulator(program, "--robinhood-login", "sms") as other, typed("000000", CODE):
        assert other.login()["access_token"]
        same([status for route, status in other.routes() if route == "challenge_respond"], [400, 200])


@check
def login_by_mail(program):
    with Simulator(program, "--robinhood-login", "email") as other:
        assert other.login()["refresh_token"]


@check
def login_at_once(program):
    with Simulator(program, "--robinhood-login", "granted") as other:
        tokens = other.login()
        assert tokens["read_only_secondary_access_token"] and tokens["mfa_code"] is None
        same(other.routes(), [("token", 200)])


@check
def bug_3_a_login_that_asks_for_mfa_is_lost_on_this_client(program):
    for login, kind in (("mfa", "app"), ("mfa-sms", "sms")):
        with Simulator(program, "--robinhood-login", login) as other:
            same(other.login(), None)
            assert "'token_type'" in said.getvalue()
            same(other.routes(), [("token", 200)])
            fields = {"grant_type": "password", "username": USERNAME, "password": PASSWORD, "device_token": "d"}
            same(rh.request_post(TOKEN, fields), {"mfa_required": True, "mfa_type": kind})


@check
def a_known_device_is_not_asked_again(program):
    with Simulator(program, access_token_life_s=1) as other:
        other.login()
        time.sleep(1.1)
        other.log()
        assert other.login()["access_token"]
        same(other.routes(), [("positions", 401), ("token", 200)])


@check
def bug_1_a_cached_device_is_not_the_one_that_gets_approved(program):
    for bound in (True, False):
        with Simulator(program, "--seed", "2", bind_device=bound) as other:
            # A cache of elsewhere stands for one whose approval is over.
            with Simulator(program) as elsewhere:
                elsewhere.login(pickle_path=other.folder.name)
            other.sent()
            tokens = other.login()
            same(tokens is None, bound)
            sent = other.sent()
            devices = [one.body.get("device_token") or one.body.get("device_id") for one in sent]
            first, machine, last = (device for device in devices if device)
            same((first, first == machine), (last, False))
            same([status for route, status in other.routes() if route == "token"], [403, 403 if bound else 200])


@check
def bug_2_a_login_that_is_not_stored_works_and_says_that_it_failed(program):
    with Simulator(program, "--robinhood-login", "granted") as other:
        same(other.login(store_session=False), None)
        assert "Login failed" in said.getvalue()
        same(rh.load_account_profile(info="account_number"), MAIN)


@check
def bug_3_a_challenge_of_the_app_is_never_answered(program):
    with Simulator(program, "--robinhood-login", "app") as other:
        before = clock.time()
        same(other.login(), None)
        assert clock.time() - before >= 120
        routes = [route for route, _ in other.routes()]
        same(routes, ["token", "user_machine"] + ["user_view"] * 24)


@check
def bug_5_with_a_cache_any_password_is_right(sim):
    sim.log()
    assert sim.login(password="wrong")["access_token"]
    same(sim.routes(), [("positions", 200)])


@check
def bug_7_a_prompt_is_polled_without_end_and_a_failed_poll_ends_the_login(program):
    fault = {"route": "prompt_status", "fault": {"html": {"status": 500}}, "after": 60}
    with Simulator(program, script={"faults": [fault]}, prompt="ignore") as other:
        before = clock.time()
        same(other.login(), None)
        assert clock.time() - before > 300
        assert "'NoneType' object is not subscriptable" in said.getvalue()
        same(other.routes().count(("prompt_status", 200)), 60)
        same({one.timeout for one in other.sent() if one.method == "GET"}, {None})


@check
def the_approval_is_pending_and_shows_late(program):
    with Simulator(program, views_without_challenge=2, continues_pending=1) as other:
        assert other.login()["access_token"]
        routes = [route for route, _ in other.routes()]
        same((routes.count("user_view"), routes.count("user_view_continue")), (3, 2))


@check
def login_with_each_other_answer(program):
    for login, status in (
        ("bad_credentials", 400),
        ({"throttled": 300}, 429),
        ({"page": 503}, 503),
        ({"mfa_required": "sms"}, 200),
        ({"legacy_challenge": "sms"}, 400),
    ):
        with Simulator(program, login=login) as other:
            same(other.login(), None)
            same(other.routes(), [("token", status)])


@check
def a_code_of_the_authenticator_app_is_enough(program):
    with Simulator(program, "--robinhood-login", "app") as other:
        code = totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
        assert other.login(mfa_code=code)["access_token"]
        same(other.routes(), [("token", 200)])


@check
def wrong_password(program):
    with Simulator(program, "--robinhood-login", "granted") as other:
        folder = os.path.join(other.folder.name, "other")
        same(rh.login("demo@example.com", "wrong", pickle_path=folder), None)
        same(other.routes(), [("token", 400)])


# Accounts


@check
def account_profile(sim):
    profile = rh.load_account_profile()
    same((profile["account_number"], profile["cash"]), (MAIN, "19250.5500"))
    same(rh.load_account_profile(info="buying_power"), "18250.5500")
    same(statuses(sim), {200})


@check
def retirement_account_by_its_number(sim):
    profile = rh.load_account_profile(account_number=ROTH)
    same(profile["brokerage_account_type"], "ira_roth")
    same([record.path for record in sim.log()], [f"/accounts/{ROTH}"])


@check
def all_accounts_without_the_retirement_account():
    rows = rh.load_account_profile(dataType="results")
    same([row["account_number"] for row in rows], [MAIN, "100200303"])


@check
def portfolio_profile():
    profile = rh.load_portfolio_profile()
    same(Decimal(profile["equity"]), Decimal("19250.55") + Decimal(profile["market_value"]))
    same(rh.load_portfolio_profile(account_number=ROTH)["equity"], "7210.0000")
    # KO, SOFI, T; a put and a call that are owed, two calls that are owned.
    stocks = 100 * Decimal("71.10") + 150 * Decimal("27.50") + Decimal("40.125") * Decimal("22.45")
    options = -Decimal("22.00") - Decimal("35.50") + 2 * Decimal("135.00")
    worth = (stocks + options).quantize(Decimal("0.0001"))
    assert abs(Decimal(profile["market_value"]) - worth) <= Decimal("0.0001"), profile["market_value"]


@check
def phoenix_account(sim):
    sim.log()
    account = rh.load_phoenix_account()
    same(account["uninvested_cash"]["amount"], "19250.55")
    same(sim.routes(), [("unified_account", 200)])


@check
def user_and_basic_profile():
    same(rh.load_user_profile(info="username"), "demo@example.com")
    same(rh.load_basic_profile(info="country_of_residence"), "US")


@check
def user_profile_of_a_dashboard():
    profile = rh.build_user_profile()
    same(profile["cash"], "19250.55")
    same(profile["dividend_total"], 51.0)


@check
def day_trades_and_dividends():
    same(rh.get_day_trades()["equity_day_trades"], [])
    same(rh.get_total_dividends(), 51.0)


@check
def empty_lists(sim):
    for function in (rh.get_documents, rh.get_wire_transfers, rh.get_bank_transfers, rh.get_notifications):
        same(function(), [])
    same(statuses(sim), {200})


# Positions


@check
def open_stock_positions():
    rows = rh.get_open_stock_positions()
    same([row["symbol"] for row in rows], ["KO", "SOFI", "T"])
    # What is behind a call cannot be sold.
    same([row["shares_held_for_options_collateral"] for row in rows], ["100.00000000", "0.00000000", "0.00000000"])
    same([row["shares_available_for_sells"] for row in rows], ["0.00000000", "150.00000000", "40.12500000"])
    same([row["clearing_average_cost"] for row in rows], ["61.2500", "14.1000", "22.1000"])
    same(rh.get_open_stock_positions(account_number=ROTH), [])


@check
def holdings_of_a_dashboard(sim):
    holdings = rh.build_holdings()
    same(sorted(holdings), ["KO", "SOFI", "T"])
    same((holdings["KO"]["equity"], holdings["KO"]["name"]), ("7110.00", "Coca-Cola"))
    # Settled shares read 0, so this client calls the whole value a profit.
    same(float(holdings["KO"]["equity_change"]), 7110.0)
    same(statuses(sim), {200})


@check
def positions_in_pages(program):
    with Simulator(program, "--robinhood-page-size", "1") as other:
        other.login()
        other.log()
        same(len(rh.get_open_stock_positions()), 3)
        same(other.routes(), [("positions", 200)] * 3)


@check
def bug_8_a_page_that_fails_is_hidden_by_this_client(program):
    fault = {"route": "positions", "fault": {"html": {"status": 500}}, "after": 1, "times": 1}
    with Simulator(program, "--robinhood-page-size", "2", script={"faults": [fault]}) as other:
        other.login()
        other.log()
        same(len(rh.get_open_stock_positions()), 2)
        same(other.routes(), [("positions", 200), ("positions", 500)])


# Market data


@check
def quotes_with_an_unknown_symbol(sim):
    rows = rh.get_quotes(["F", "NOSUCH"])
    same(len(rows), 1)
    same((rows[0]["bid_price"], rows[0]["ask_price"]), ("12.340000", "12.350000"))
    (record,) = sim.log()
    same(record.query, "symbols=F%2CNOSUCH")
    # What this client leaves out.
    rows = rh.request_get("https://api.robinhood.com/quotes/", "results", {"symbols": "NOSUCH,F"})
    same([row and row["symbol"] for row in rows], [None, "F"])


@check
def latest_prices():
    same(rh.get_latest_price(["F", "KO"]), ["12.345000", "71.100000"])
    same(rh.get_latest_price("KO", priceType="ask_price"), ["71.120000"])


@check
def fundamentals():
    same(rh.get_fundamentals("F", info="sector"), ["Consumer Durables"])


@check
def instruments():
    same(rh.get_instruments_by_symbols(["F", "KO"], info="symbol"), ["F", "KO"])
    same(rh.get_name_by_symbol("T"), "AT&T")
    same(rh.get_symbol_by_url(f"https://api.robinhood.com/instruments/{F}/"), "F")
    same([row["symbol"] for row in rh.find_instrument_data("cola")], ["KO"])


@check
def quotes_by_id():
    same(rh.get_stock_quote_by_id(F)["symbol"], "F")
    same(rh.get_stock_quote_by_symbol("SOFI")["ask_price"], "27.510000")


@check
def history():
    rows = rh.get_stock_historicals("F", interval="day", span="month")
    assert 18 <= len(rows) <= 24, len(rows)
    assert all(float(row["low_price"]) <= float(row["close_price"]) for row in rows)
    same({row["symbol"] for row in rows}, {"F"})


@check
def history_in_a_pair_that_does_not_exist(sim):
    sim.log()
    same(rh.get_stock_historicals("F", interval="week", span="week"), [None])
    same(sim.routes(), [("historicals", 400)])


@check
def markets_and_hours():
    same([row["mic"] for row in rh.get_markets()], ["XNYS", "XNAS", "OTCM"])
    hours = rh.get_market_hours("XNYS", "2026-11-20")
    same((hours["is_open"], hours["opens_at"]), (True, "2026-11-20T14:30:00Z"))
    same(rh.get_market_hours("XNYS", "2026-11-22", info="opens_at"), None)


# Options


def expiration(nth):
    return rh.get_chains("F", info="expiration_dates")[nth]


@check
def chains():
    chain = rh.get_chains("F")
    same((chain["symbol"], chain["trade_value_multiplier"]), ("F", "100.0000"))
    same(len(chain["expiration_dates"]), 4)


@check
def contracts_by_expiration_and_strike():
    date = expiration(2)
    rows = rh.find_tradable_options("F", expirationDate=date, optionType="put")
    assert F_PUT in [row["id"] for row in rows]
    # This client takes what it gets: the filter is the broker's.
    same({(row["expiration_date"], row["type"]) for row in rows}, {(date, "put")})
    same(len(rows), 7)
    rows = rh.find_options_by_expiration_and_strike("F", date, "10.0000", "put")
    same([row["id"] for row in rows], [F_PUT])
    same(rows[0]["mark_price"], "0.220000")
    assert len(rh.find_options_by_expiration("F", date, "call")) == 7
    assert len(rh.find_options_by_strike("F", "12.0000", "call")) == 4


@check
def market_data_of_a_contract():
    date = expiration(2)
    same(rh.get_option_market_data("F", date, "10.0000", "put")[0][0]["delta"], "-0.181200")
    same(rh.get_option_market_data_by_id(F_PUT)[0]["instrument_id"], F_PUT)
    same(rh.get_option_instrument_data("F", date, "10.0000", "put")["type"], "put")
    rows = rh.get_option_historicals("F", date, "10.0000", "put", interval="day", span="week")
    assert rows and all(row["volume"] is None for row in rows)


@check
def option_positions():
    rows = rh.get_open_option_positions()
    same([(row["chain_symbol"], row["type"]) for row in rows], [("F", "short"), ("KO", "short"), ("SOFI", "long")])
    same(rh.get_all_option_positions(info="quantity"), ["1.0000", "1.0000", "2.0000"])
    rows = rh.get_aggregate_open_positions()
    same([row["strategy"] for row in rows], ["short_put", "short_call", "long_call"])
    same(rh.get_aggregate_positions(account_number=ROTH), [])


# Orders


@check
def market_buy_is_a_limit_at_the_ask(sim):
    sim.log()
    order = rh.order_buy_market("F", 2, timeInForce="gfd")
    same((order["type"], order["price"], order["state"]), ("limit", "12.35000000", "unconfirmed"))
    same((order["order_form_version"], order["preset_percent_limit"]), (4, "0.0500"))
    same(sim.routes()[-1], ("place_order", 201))
    same(rh.get_stock_order_info(order["id"])["state"], "filled")


@check
def market_sell_has_no_price():
    order = rh.order_sell_market("F", 1, timeInForce="gfd")
    same((order["type"], order["price"]), ("market", None))
    same(rh.get_stock_order_info(order["id"])["average_price"], "12.34000000")


@check
def limit_buy_is_open_until_cancelled(sim):
    order = rh.order_buy_limit("F", 10, 12.0)
    open_orders = rh.get_all_open_stock_orders()
    same([row["id"] for row in open_orders], [order["id"]])
    sim.log()
    same(rh.cancel_stock_order(order["id"]), {})
    same(rh.get_stock_order_info(order["id"])["state"], "cancelled")
    same(rh.cancel_stock_order(order["id"])["detail"], "Order cannot be cancelled at this time.")
    same(sim.routes(), [("cancel_order", 200), ("order", 200), ("cancel_order", 403)])


@check
def stop_orders_wait():
    loss = rh.order_sell_stop_loss("T", 5, 20.0)
    both = rh.order_sell_stop_limit("T", 5, 19.5, 20.0)
    same((loss["type"], loss["trigger"], loss["price"]), ("market", "stop", None))
    same((both["type"], both["price"], both["stop_price"]), ("limit", "19.50000000", "20.00000000"))
    same({row["state"] for row in rh.get_all_open_stock_orders()}, {"queued"})
    buy = rh.order_buy_stop_loss("F", 1, 15.0)
    same((buy["type"], buy["price"]), ("limit", "15.00000000"))


@check
def all_orders_are_cancelled_at_once(sim):
    sim.log()
    assert rh.cancel_all_stock_orders()
    same(sum(1 for route, status in sim.routes() if (route, status) == ("cancel_order", 200)), 3)
    same(rh.get_all_open_stock_orders(), [])


@check
def fractions_by_quantity_and_amount():
    order = rh.order_buy_fractional_by_quantity("F", 0.5)
    same(order["quantity"], "0.50000000")
    order = rh.order_buy_fractional_by_price("F", 25)
    # From one share on this client keeps two places only.
    same(order["quantity"], "2.02000000")
    order = rh.order_sell_fractional_by_quantity("F", 0.25)
    same(order["type"], "market")


@check
def limit_orders_in_extended_hours():
    order = rh.order("F", 1, "buy", limitPrice=12.0, extendedHours=True, market_hours="extended_hours")
    same((order["market_hours"], order["extended_hours"]), ("extended_hours", True))
    rh.cancel_stock_order(order["id"])


@check
def trailing_stop_of_this_client_is_gated(sim):
    sim.log()
    order = rh.order_sell_trailing_stop("T", 1, 5)
    assert "app version" in order["non_field_errors"][0]
    same(sim.routes()[-1], ("place_order", 400))


@check
def refusals_are_answers(sim):
    same(rh.order_sell_market("KO", 1, timeInForce="gfd")["detail"], "Not enough shares to sell.")
    assert rh.order_buy_limit("F", 99999, 12.0)["detail"].startswith("You can only purchase")
    same(rh.order_buy_limit("F", 1.5, 12.0)["non_field_errors"], ["Limit order quantity cannot include fractional shares."])
    same(len([record for record in sim.log() if record.status == 400]), 3)


@check
def all_orders_are_listed_newest_first():
    rows = rh.get_all_stock_orders()
    assert len(rows) >= 9, len(rows)
    same([row["created_at"] for row in rows], sorted((row["created_at"] for row in rows), reverse=True))
    same(len(rh.find_stock_orders(symbol="T")), 2)


@check
def a_put_is_sold_and_bought_back():
    date = expiration(2)
    order = rh.order_sell_option_limit("open", "credit", 0.21, "F", 1, date, 10.0, "put", timeInForce="gfd")
    same((order["state"], order["opening_strategy"]), ("unconfirmed", "short_put"))
    filled = rh.get_option_order_info(order["id"])
    same((filled["state"], filled["processed_premium"]), ("filled", "21"))
    put = rh.get_open_option_positions()[0]
    # 28 dollars a contract before, and 21 now.
    same((put["quantity"], put["average_price"]), ("2.0000", "-24.5000"))
    back = rh.order_buy_option_limit("close", "debit", 0.25, "F", 1, date, 10.0, "put", timeInForce="gfd")
    same(rh.get_option_order_info(back["id"])["closing_strategy"], "short_put")
    same(rh.get_open_option_positions(info="quantity")[0], "1.0000")


@check
def an_option_order_waits_and_is_cancelled():
    date = expiration(2)
    order = rh.order_sell_option_limit("open", "credit", 0.9, "F", 1, date, 10.0, "put")
    same([row["id"] for row in rh.get_all_open_option_orders()], [order["id"]])
    same(rh.cancel_option_order(order["id"]), {})
    same(rh.get_option_order_info(order["id"])["state"], "cancelled")
    same(rh.get_all_open_option_orders(), [])
    assert len(rh.get_all_option_orders()) == 3


@check
def a_spread_is_one_order():
    date = expiration(2)
    legs = [
        {"expirationDate": date, "strike": "11.0000", "optionType": "put", "effect": "open", "action": "sell", "ratio_quantity": 1},
        {"expirationDate": date, "strike": "9.0000", "optionType": "put", "effect": "open", "action": "buy", "ratio_quantity": 1},
    ]
    order = rh.order_option_spread("credit", 0.2, "F", 1, legs, timeInForce="gfd")
    same((len(order["legs"]), order["opening_strategy"]), (2, "short_put_spread"))
    order = rh.order_option_spread("credit", 0.2, "F", 1, legs, account_number=ROTH, timeInForce="gfd")
    assert "permission" in order["detail"]


@check
def bug_6_a_spread_with_swapped_arguments_is_refused(sim):
    date = expiration(2)
    legs = [{"expirationDate": date, "strike": "11.0000", "optionType": "put", "effect": "open", "action": "sell", "ratio_quantity": 1}]
    sim.log()
    rh.order_option_credit_spread(0.2, "F", 1, legs)
    records = sim.log()
    assert ("/accounts/gtc", 404) in [(record.path, record.status) for record in records]
    same((records[-1].query, records[-1].status), ("account_numbers=gtc", 400))
    same(sim.sent()[-1].body["time_in_force"], None)


@check
def an_uncovered_call_is_refused():
    order = rh.order_sell_option_limit("open", "credit", 0.05, "F", 1, expiration(2), 15.0, "call")
    same(order["detail"], "This order introduces infinite risk.")


@check
def a_price_between_ticks_is_refused():
    order = rh.order_sell_option_limit("open", "credit", 0.215, "F", 1, expiration(2), 10.0, "put")
    same(order["detail"], "Limit price does not satisfy the minimum tick requirement.")
    order = rh.order_sell_option_limit("open", "credit", 3.03, "F", 1, expiration(2), 10.0, "put")
    assert "minimum tick" in order["detail"]


@check
def a_next_page_elsewhere_is_followed_by_this_client_with_its_token(program):
    settings = {"page_size": 2, "next_origin": "https://evil.example"}
    with Simulator(program, "--robinhood-login", "granted", **settings) as other:
        other.login()
        other.sent()
        same(len(rh.get_open_stock_positions()), 2)
        same([(one.host, one.token) for one in other.sent()], [("api.robinhood.com", True), ("evil.example", True)])


@check
def events_of_an_underlying(sim):
    sim.log()
    same(rh.get_events("F"), [])
    same(sim.routes()[-1], ("option_events", 200))


@check
def an_order_rests_until_its_price_comes_and_fills_in_steps(program):
    moves = [{"route": "place_order", "prices": {"F": "11.90"}}]
    script = {"prices": {"F": "12.50"}, "moves": moves}
    with Simulator(program, "--robinhood-login", "granted", script=script, fill_step="1") as other:
        other.login()
        cash = Decimal(rh.load_account_profile(info="cash"))
        order = rh.order_buy_limit("F", 2, 12.0, timeInForce="gfd")
        same((order["state"], order["cancel"] is None), ("unconfirmed", False))
        rows = [rh.get_stock_order_info(order["id"]) for _ in range(3)]
        same([row["state"] for row in rows], ["partially_filled", "filled", "filled"])
        same([row["cancel"] is None for row in rows], [False, True, True])
        same([execution["price"] for execution in rows[-1]["executions"]], ["11.91000000"] * 2)
        same(rows[-1]["cumulative_quantity"], "2.00000000")
        same(cash - Decimal(rh.load_account_profile(info="cash")), Decimal("23.82"))
        (held,) = [row for row in rh.get_open_stock_positions() if row["symbol"] == "F"]
        same((held["quantity"], held["average_buy_price"]), ("2.00000000", "11.9100"))


@check
def a_cancel_comes_too_late(program):
    with Simulator(program, "--robinhood-login", "granted", cancel_loses=True) as other:
        other.login()
        order = rh.order_buy_limit("F", 1, 12.0)
        same(rh.get_stock_order_info(order["id"])["state"], "confirmed")
        same(rh.cancel_stock_order(order["id"]), {})
        same(rh.get_stock_order_info(order["id"])["state"], "filled")


@check
def an_order_is_rejected_after_it_was_taken(program):
    with Simulator(program, "--robinhood-login", "granted", reject_with="Not today.") as other:
        other.login()
        order = rh.get_stock_order_info(rh.order_buy_limit("F", 1, 12.0)["id"])
        same((order["state"], order["reject_reason"], order["cancel"]), ("rejected", "Not today.", None))


@check
def a_used_ref_id_is_refused_and_this_client_says_nothing(program):
    with Simulator(program, "--robinhood-login", "granted") as other:
        other.login()
        with repeated_ids():
            first = rh.order_buy_limit("F", 1, 12.0)
            same(rh.order_buy_limit("F", 2, 11.0), None)
        same(other.routes()[-1], ("place_order", 409))
        same([row["id"] for row in rh.get_all_stock_orders()], [first["id"]])


@check
def refusals_of_orders_that_only_other_clients_send(program):
    with Simulator(program, "--robinhood-login", "granted") as other:
        other.login()
        for changes, text in (
            ({"type": "market"}, "Market buy order requested, but no price provided."),
            ({"extended_hours": True}, "Extended hours and market hours mismatch"),
            ({"order_form_version": 1}, "Your app version is missing important stock trading updates"),
            ({"quantity": "0.01", "type": "market", "side": "sell"}, "Fractional orders must be at least $1."),
            ({"quantity": None}, "This field is required."),
            ({"trigger": "stop", "price": "12.00"}, "This field is required."),
        ):
            body = {**plain_order(), "quantity": "1", **changes}
            answer = rh.request_post("https://api.robinhood.com/orders/", body, json=True, jsonify_data=False)
            same(answer.status_code, 400)
            assert text in answer.text, answer.text
        same(rh.get_all_stock_orders(), [])


@check
def chains_of_a_stock():
    rows = rh.request_get("https://api.robinhood.com/options/chains/", "results", {"equity_instrument_ids": F})
    same([row["symbol"] for row in rows], ["F"])


@check
def an_order_by_amount_is_an_error_of_the_server_outside_regular_hours(program):
    amount = {"dollar_based_amount": {"amount": "24.70", "currency_code": "USD"}}
    body = {**plain_order(), **amount, "type": "market"}
    url = "https://api.robinhood.com/orders/"
    for hours, status in (("closed", 500), ("always_open", 201)):
        with Simulator(program, "--robinhood-login", "granted", hours=hours) as other:
            other.login()
            # This client computes a quantity instead.
            answer = rh.request_post(url, body, json=True, jsonify_data=False)
            same(answer.status_code, status)
            if status == 500:
                same(answer.text, "<h1>Server Error (500)</h1>")
            else:
                same(answer.json()["quantity"], "2.00000000")
            same(len(rh.get_all_stock_orders()), int(status == 201))


@check
def fractions_in_a_burst_are_throttled(program):
    burst = {"fractional": {"count": 3, "window_s": 20, "wait_s": 48}}
    with Simulator(program, "--robinhood-login", "granted", rate_limits=burst) as other:
        other.login()
        placed = [rh.order_buy_fractional_by_quantity("F", 0.5) for _ in range(4)]
        same([order is None for order in placed], [False, False, False, True])
        same([status for route, status in other.routes() if route == "place_order"], [201, 201, 201, 429])
        assert rh.order_buy_limit("F", 1, 12.0)["id"]


@check
def a_wait_stands_in_the_text_and_unless_told_otherwise_in_a_header(program):
    burst = {"orders": {"count": 1, "window_s": 20, "wait_s": 48}}
    for limits, header in ((burst, "48"), ({**burst, "no_retry_after": True}, None)):
        with Simulator(program, "--robinhood-login", "granted", rate_limits=limits) as other:
            other.login()
            rh.order_buy_limit("F", 1, 12.0)
            answer = rh.order_buy_limit("F", 1, 12.0, jsonify=False)
            same((answer.status_code, answer.headers.get("Retry-After")), (429, header))
            assert answer.json()["detail"].endswith("available in 48 seconds.")


@check
def a_legacy_challenge_is_answered_without_this_client(program):
    with Simulator(program, "--robinhood-login", "legacy-challenge") as other:
        fields = {"grant_type": "password", "username": USERNAME, "password": PASSWORD, "device_token": "d"}
        challenge = rh.request_post(TOKEN, fields)["challenge"]
        same((challenge["type"], challenge["remaining_attempts"]), ("sms", 3))
        SESSION.headers["X-ROBINHOOD-CHALLENGE-RESPONSE-ID"] = challenge["id"]
        try:
            assert "challenge" in rh.request_post(TOKEN, fields)
            answer = f"https://api.robinhood.com/challenge/{challenge['id']}/respond/"
            same(rh.request_post(answer, {"response": "1"})["challenge"]["remaining_attempts"], 2)
            same(rh.request_post(answer, {"response": CODE})["status"], "validated")
            assert rh.request_post(TOKEN, fields)["access_token"]
        finally:
            del SESSION.headers["X-ROBINHOOD-CHALLENGE-RESPONSE-ID"]


@check
def the_secondary_token_reads_and_does_not_trade(program):
    with Simulator(program, "--robinhood-login", "granted") as other:
        token = other.login()["read_only_secondary_access_token"]
        SESSION.headers["Authorization"] = f"Bearer {token}"
        same(rh.load_account_profile(info="account_number"), MAIN)
        assert "permission" in rh.order_buy_limit("F", 1, 12.0)["detail"]
        same(rh.get_all_stock_orders(), [])


@check
def a_refresh_token_is_good_for_one_use(program):
    with Simulator(program, "--robinhood-login", "granted") as other:
        other.login()
        with open(os.path.join(other.folder.name, "robinhood.pickle"), "rb") as file:
            cache = pickle.load(file)
        fields = {
            "grant_type": "refresh_token",
            "refresh_token": cache["refresh_token"],
            "device_token": cache["device_token"],
            "scope": "internal",
        }
        # This client has no function for it.
        fresh = rh.request_post(TOKEN, fields)
        assert fresh["refresh_token"] != cache["refresh_token"]
        SESSION.headers["Authorization"] = f"Bearer {fresh['access_token']}"
        same(rh.load_account_profile(info="account_number"), MAIN)
        same(rh.request_post(TOKEN, fields)["error"], "invalid_grant")
        # The second use has ended the session.
        same(rh.get_all_positions(), [])
        same([status for _, status in other.routes()][-2:], [401, 401])


@check
def an_expiration_assigns_shares_after_the_weekend(program):
    with Simulator(program, "--robinhood-login", "granted") as other:
        other.login()
        closes = rh.get_market_hours("XNYS", expiration(2), info="closes_at")
    closes = datetime.fromisoformat(closes.replace("Z", "+00:00")).timestamp()
    day = 86_400
    # Each look at the markets is followed by a jump: to an hour after Friday's close, to Saturday,
    # to Tuesday.
    jumps = [int(closes - time.time()) + 3_600, day, 3 * day]
    moves = [{"route": "markets", "requests": n + 1, "advance_s": jump} for n, jump in enumerate(jumps)]
    moves[0]["prices"] = {"F": "9.00"}
    settings = {"access_token_life_s": 365 * day, "assignment_takes_s": 2 * 3_600}
    with Simulator(program, "--robinhood-login", "granted", script={"moves": moves}, **settings) as other:
        other.login()
        before = Decimal(rh.load_account_profile(info="cash"))
        rests = rh.order_sell_option_limit("open", "credit", 0.9, "F", 1, expiration(2), 10.0, "put")
        same(rh.get_option_order_info(rests["id"])["state"], "confirmed")
        for _ in ("Friday", "Saturday"):
            rh.get_markets()
            same(rh.get_option_order_info(rests["id"])["state"], "cancelled")
            put, call, _ = rh.get_open_option_positions()
            same((put["pending_assignment_quantity"], call["pending_expiration_quantity"]), ("1.0000", "1.0000"))
            (event,) = rh.get_events("F")
            same((event["type"], event["state"], event["direction"]), ("assignment", "preparing", "debit"))
            same(Decimal(rh.load_account_profile(info="cash")), before)
        rh.get_markets()
        (event,) = rh.get_events("F")
        same((event["state"], event["total_cash_amount"]), ("confirmed", "1000.0000"))
        same(before - Decimal(rh.load_account_profile(info="cash")), Decimal(1000))
        quantities = {row["symbol"]: row["quantity"] for row in rh.get_open_stock_positions()}
        same((quantities["F"], quantities["KO"]), ("100.00000000", "100.00000000"))
        same([row["chain_symbol"] for row in rh.get_open_option_positions()], ["SOFI"])
        same([row["chain_symbol"] for row in rh.get_all_option_positions()], ["F", "KO", "SOFI"])


@check
def a_position_that_was_sold_is_kept_and_no_longer_open(program):
    with Simulator(program, "--robinhood-login", "granted") as other:
        other.login()
        cash = Decimal(rh.load_account_profile(info="cash"))
        rh.order_sell_fractional_by_quantity("T", 40.125)
        same([row["symbol"] for row in rh.get_open_stock_positions()], ["KO", "SOFI"])
        same({row["symbol"]: row["quantity"] for row in rh.get_all_positions()}["T"], "0.00000000")
        gained = Decimal(rh.load_account_profile(info="cash")) - cash
        same(gained, Decimal("40.125") * Decimal("22.44"))


@check
def many_contracts_come_in_pages_of_a_hundred(program):
    arguments = ("--robinhood-login", "granted", "--robinhood-contracts", "1000", "--robinhood-page-size", "500")
    with Simulator(program, *arguments) as other:
        other.login()
        other.log()
        rows = rh.find_tradable_options("F")
        same((len(rows), len({row["id"] for row in rows})), (1000, 1000))
        same([route for route, _ in other.routes()].count("option_instruments"), 10)


@check
def many_positions_are_there(program):
    with Simulator(program, "--robinhood-login", "granted", "--robinhood-positions", "250") as other:
        other.login()
        other.log()
        rows = rh.get_open_stock_positions()
        same((len(rows), len({row["symbol"] for row in rows})), (250, 250))
        same(other.routes(), [("positions", 200)] * 3)


# Crypto


@check
def crypto_account_and_holdings():
    same(rh.load_crypto_profile(info="status"), "active")
    same(rh.get_crypto_positions(info="quantity"), ["0.012345670000000000"])
    same([row["symbol"] for row in rh.get_crypto_currency_pairs()][0], "BTC-USD")


@check
def crypto_prices():
    same(rh.get_crypto_quote("BTC")["symbol"], "BTCUSD")
    assert rh.get_crypto_historicals("BTC", interval="hour", span="day")


@check
def crypto_orders(sim):
    sim.log()
    order = rh.order_buy_crypto_limit("BTC", 0.0001, 50000.0)
    same((order["state"], order["quantity"]), ("confirmed", "0.000100000000000000"))
    same([row["id"] for row in rh.get_all_open_crypto_orders()], [order["id"]])
    same(rh.cancel_crypto_order(order["id"]), {})
    same(rh.get_crypto_order_info(order["id"])["state"], "cancelled")
    before = Decimal(rh.load_account_profile(info="cash"))
    order = rh.order_buy_crypto_by_quantity("BTC", 0.001)
    order = rh.get_crypto_order_info(order["id"])
    same((order["state"], order["cumulative_quantity"]), ("filled", "0.001000000000000000"))
    same(rh.get_crypto_positions(info="quantity"), ["0.013345670000000000"])
    spent = before - Decimal(rh.load_account_profile(info="cash"))
    same(spent.quantize(Decimal("0.01")), Decimal("68.76"))
    routes = sim.routes()
    same(routes.count(("place_crypto_order", 201)), 2)


@check
def a_lost_crypto_order_is_sent_three_times_and_placed_once(program):
    fault = {"route": "place_crypto_order", "fault": {"html": {"status": 502}}, "acting": True, "times": 1}
    with Simulator(program, "--robinhood-login", "granted", script={"faults": [fault]}) as other:
        other.login()
        other.log()
        order = rh.order_buy_crypto_limit("BTC", 0.0001, 50000.0)
        same(order["ref_id"], ["Order with this ref_id already exists."])
        same(len(rh.get_all_crypto_orders()), 1)
        posts = [status for route, status in other.routes() if route == "place_crypto_order"]
        same(posts, [502, 400])


# What goes wrong


@check
def an_answer_with_the_wrong_content_type_and_one_that_is_cut_off(program):
    faults = [
        {"route": "quotes", "fault": {"header": {"name": "content-type", "value": "text/html"}}, "times": 1},
        {"route": "quotes", "fault": {"truncate": {"keep": 20}}, "times": 1},
        {"route": "quotes", "fault": {"set": {"pointer": "/results/0", "value": None}}, "times": 1},
    ]
    with Simulator(program, "--robinhood-login", "granted", script={"faults": faults}) as other:
        other.login()
        quotes = "https://api.robinhood.com/quotes/?symbols=F"
        answer = rh.request_get(quotes, jsonify_data=False)
        same((answer.headers["content-type"], answer.json()["results"][0]["symbol"]), ("text/html", "F"))
        try:
            rh.request_get(quotes, jsonify_data=False)
        except requests.exceptions.RequestException:
            pass
        else:
            raise AssertionError("a body that was cut off was taken")
        same(rh.get_quotes("F"), [None])
        same(rh.get_quotes("F", info="symbol"), ["F"])


@check
def an_unclear_answer_is_none_on_this_client(program):
    fault = {"route": "place_order", "fault": "drop_answer", "times": 1}
    with Simulator(program, "--robinhood-login", "granted", script={"faults": [fault]}) as other:
        other.login()
        same(rh.order_buy_limit("F", 1, 12.0), None)
        # The order exists all the same.
        same(len(rh.get_all_open_stock_orders()), 1)


@check
def bug_4_a_throttled_order_is_none_on_this_client(program):
    body = '{"detail": "Request was throttled. Expected available in 14 seconds."}'
    fault = {"route": "place_order", "fault": {"status": {"status": 429, "body": body}}, "times": 1}
    with Simulator(program, "--robinhood-login", "granted", script={"faults": [fault]}) as other:
        other.login()
        same(rh.order_buy_limit("F", 1, 12.0), None)
        same(rh.get_all_open_stock_orders(), [])


@check
def a_token_that_nobody_knows_is_refused(sim):
    token = SESSION.headers["Authorization"]
    sim.log()
    try:
        SESSION.headers["Authorization"] = "Bearer nobody"
        same(rh.get_all_positions(), [])
    finally:
        SESSION.headers["Authorization"] = token
    same(sim.routes(), [("positions", 401)])


@check
def logout_makes_no_call(sim):
    sim.log()
    rh.logout()
    same(sim.routes(), [])


if __name__ == "__main__":
    with Simulator(sys.argv[1]) as simulator:
        failures = run(program=sys.argv[1], sim=simulator)
    sys.exit(1 if failures else 0)
