"""What the official client has to find when it talks to the simulator."""

import datetime
import sys
import time

import jwt
import pandas
import requests
from tradelocker.exceptions import TLAPIException, TLAPIOrderException
from tradelocker.types import (
    AccountDetailsColumns,
    AccountsColumns,
    ExecutionsColumns,
    InstrumentDetailsType,
    OrdersColumns,
    PositionsColumns,
    QuotesType,
    RateLimitType,
    RouteNamesType,
    SessionDetailsType,
    SessionStatusDetailsType,
)
from typeguard import TypeCheckError, check_type

import harness
from harness import EMAIL, PASSWORD, SERVER, Simulator, check, raises

EURUSD, BTCUSD, ETHUSD, LTCUSD, DOGEUSD = 278, 206, 207, 208, 209
HOUR = 3_600_000


def now():
    return int(time.time() * 1000)


def one(frame, order_id):
    """The row with that id, which has to be there exactly once."""
    rows = frame[frame["id"] == order_id]
    assert len(rows) == 1, f"{order_id} is there {len(rows)} times"
    return rows.iloc[0]


def lacks(frame, order_id):
    return order_id not in frame["id"].values


def resting(tl, instrument=BTCUSD, side="buy", price=0.01, **more):
    return tl.create_order(
        instrument, quantity=0.01, side=side, price=price, type_="limit", validity="GTC", **more
    )


def market(tl, quantity=0.01, side="buy", instrument=BTCUSD, **more):
    return tl.create_order(instrument, quantity=quantity, side=side, type_="market", **more)


def position_of(tl, order_id):
    position = tl.get_position_id_from_order_id(order_id)
    assert position and position != order_id
    return position


# --- Logging in -------------------------------------------------------------------------------


@check
def a_login_reaches_the_first_account(sim, tl):
    assert tl.get_base_url() == f"{sim.origin}/backend-api"
    assert (tl.account_id, tl.acc_num) == (1002003, 1)
    claims = jwt.decode(tl.get_access_token(), options={"verify_signature": False})
    assert claims["type"] == "access_token" and claims["brand"] == SERVER
    assert claims["sub"].startswith(f"{SERVER}#")
    assert claims["exp"] - claims["iat"] > 1800


@check
def accounts_are_chosen_by_number_and_by_id(sim, tl):
    accounts = tl.get_all_accounts()
    assert set(AccountsColumns) <= set(accounts.columns)
    assert list(accounts["accNum"]) == [1, 2] and list(accounts["status"]) == ["ACTIVE"] * 2
    assert accounts["accountBalance"].iloc[1] == 25000.50
    second = sim.client(acc_num=2)
    assert second.account_id == 1002004 and second != tl
    assert sim.client(account_id=1002004).acc_num == 2
    raises(ValueError, sim.client, acc_num=-1)
    raises(ValueError, sim.client, account_id=7)


@check
def wrong_credentials_are_refused(sim):
    error = raises(ValueError, sim.client, password="wrong")
    assert "400" in str(error) and "Incorrect email or password" in str(error)
    raises(ValueError, sim.client, server="OTHER")


@check
def a_refresh_changes_both_tokens_at_once(tl):
    seen = {(tl.get_access_token(), tl.get_refresh_token())}
    for _ in range(3):
        tl.refresh_access_tokens()
        seen.add((tl.get_access_token(), tl.get_refresh_token()))
    assert len({access for access, _ in seen}) == 4
    assert len({refresh for _, refresh in seen}) == 4


@check
def a_client_made_from_tokens_works(sim, tl):
    other = sim.client()
    assert other is tl
    login = {"email": EMAIL, "password": PASSWORD, "server": SERVER}
    tokens = requests.post(f"{tl.get_base_url()}/auth/jwt/token", json=login, timeout=5)
    assert tokens.status_code == 201
    tokens = tokens.json()
    assert tokens["expireDate"].endswith("Z")
    mine = sim.client(
        username=None,
        password=None,
        server=None,
        access_token=tokens["accessToken"],
        refresh_token=tokens["refreshToken"],
    )
    assert mine.get_trade_accounts()[0]["id"] == "1002003"


@check
def a_short_life_makes_the_client_refresh_before_each_request(program):
    with Simulator(program, "--rate-limits", "off", "--access-token-life", "60") as sim:
        tl = sim.client()
        first = tl.get_access_token()
        assert tl.get_access_token() != first
        assert tl.get_all_positions().empty


@check
def a_developer_key_and_unknown_parameters_are_ignored(sim):
    tl = sim.client(developer_api_key="tl-check", release="9.9.9")
    assert tl.get_account_state()["balance"] > 0


# --- Configuration and account ----------------------------------------------------------------


@check
def the_configuration_has_its_keys_in_order_and_all_columns(tl):
    config = tl.get_config()
    assert list(config) == [
        "customerAccess",
        "positionsConfig",
        "ordersConfig",
        "ordersHistoryConfig",
        "filledOrdersConfig",
        "accountDetailsConfig",
        "rateLimits",
        "limits",
    ]
    for table, columns in {
        "positionsConfig": PositionsColumns,
        "ordersConfig": OrdersColumns,
        "ordersHistoryConfig": OrdersColumns,
        "filledOrdersConfig": ExecutionsColumns,
        "accountDetailsConfig": AccountDetailsColumns,
    }.items():
        assert [column["id"] for column in config[table]["columns"]] == list(columns), table


@check
def every_rate_limit_that_the_client_knows_is_published(tl):
    for name in RouteNamesType.__args__:
        limit = tl.get_route_rate_limit(name)
        check_type(limit, RateLimitType)
        assert limit["rateLimitType"] == name and limit["limit"] > 0
    assert tl.get_price_history_rate_limit()["rateLimitType"] == "QUOTES_HISTORY"
    assert 0 < tl.max_price_history_rows() < 525_600


@check
def the_trade_account_has_rules(tl):
    (account,) = tl.get_trade_accounts()
    assert (account["id"], account["currency"], account["status"]) == ("1002003", "USD", "ACTIVE")
    assert account["tradingRules"]["supportPartialClosePosition"] is True
    assert "maxDrawdownLevel" in account["riskRules"]


@check
def the_account_state_has_every_figure_and_adds_up(tl):
    state = tl.get_account_state()
    assert list(state) == list(AccountDetailsColumns)
    assert state["balance"] > 0 and state["availableFunds"] > 0
    before = state["positionsCount"], state["ordersCount"]
    position = position_of(tl, market(tl, quantity=0.1))
    order = resting(tl)
    state = tl.get_account_state()
    assert (state["positionsCount"], state["ordersCount"]) == (before[0] + 1, before[1] + 1)
    assert state["initialMarginReq"] > 0 and state["todayTradesCount"] > 0
    assert abs(state["projectedBalance"] - state["balance"] - state["openNetPnL"]) < 0.01
    left = state["projectedBalance"] - state["initialMarginReq"]
    assert abs(state["availableFunds"] - left) < 0.01
    assert tl.delete_order(order) and tl.close_position(position_id=position)


# --- Instruments and market data --------------------------------------------------------------


@check
def the_expected_instruments_have_their_ids(tl):
    names = {"EURUSD": EURUSD, "BTCUSD": BTCUSD, "ETHUSD": ETHUSD, "LTCUSD": LTCUSD, "DOGEUSD": DOGEUSD}
    for name, instrument in names.items():
        assert tl.get_instrument_id_from_symbol_name(name) == instrument
        assert tl.get_symbol_name_from_instrument_id(instrument) == name
    assert tl.get_instrument_id_from_symbol_id(315) == EURUSD
    frame = tl.get_all_instruments()
    assert frame[frame["name"] == "EURUSD"]["id"].iloc[0] == 315
    raises(ValueError, tl.get_instrument_id_from_symbol_name, "DOESNOTEXIST")
    raises(ValueError, tl.get_instrument_id_from_symbol_id, 1)
    raises(ValueError, tl.get_symbol_name_from_instrument_id, 1)


@check
def the_living_route_is_found_among_several(tl):
    gold = tl.get_instrument_id_from_symbol_name("XAUUSD")
    routes = tl.get_all_instruments().set_index("name").loc["XAUUSD", "routes"]
    info = [str(route["id"]) for route in routes if route["type"] == "INFO"]
    assert len(info) == 2 and tl.get_info_route_id(gold) == info[-1]
    assert not tl._info_route_valid(info[0], gold)
    assert tl.get_trade_route_id(gold) not in info
    assert tl.get_quotes(gold)["ap"] > 0


@check
def details_sessions_and_statuses_have_their_types(tl):
    details = tl.get_instrument_details(BTCUSD)
    check_type(details, InstrumentDetailsType)
    assert (details["name"], details["lotStep"], details["leverage"]) == ("BTCUSD", 0.01, "3.00")
    session = tl.get_session_details(details["tradeSessionId"])
    check_type(session, SessionDetailsType)
    assert session["blockTrading"] is False
    status = tl.get_session_status_details(details["tradeSessionStatusId"])
    check_type(status, SessionStatusDetailsType)
    assert status == {"allowedOperations": [1] * 3, "allowedOrderTypes": [1] * 6}
    raises(TypeCheckError, tl.get_instrument_details, BTCUSD, locale="BLA")


@check
def quotes_are_floats_with_a_spread(tl):
    for instrument in (EURUSD, BTCUSD, DOGEUSD):
        quotes = tl.get_quotes(instrument)
        check_type(quotes, QuotesType)
        assert set(quotes) == {"ap", "as", "bp", "bs"}
        assert all(isinstance(value, float) for value in quotes.values())
        assert 0 < quotes["bp"] < quotes["ap"]
    assert abs(tl.get_latest_asking_price(BTCUSD) / tl.get_latest_bid_price(BTCUSD) - 1) < 0.01


@check
def depth_surrounds_the_quote(tl):
    depth = tl.get_market_depth(BTCUSD)
    asks, bids = ([price for price, _size in depth[side]] for side in ("asks", "bids"))
    assert asks == sorted(asks) and bids == sorted(bids, reverse=True)
    assert bids[0] < asks[0]


@check
def the_day_s_bar_is_of_floats(tl):
    for kind in ("ASK", "BID", "TRADE"):
        bar = tl.get_daily_bar(BTCUSD, bar_type=kind)
        assert set(bar) == set("ohlcv") and all(isinstance(value, float) for value in bar.values())
        assert bar["l"] <= min(bar["o"], bar["c"]) <= max(bar["o"], bar["c"]) <= bar["h"]
    raises(TypeCheckError, tl.get_daily_bar, BTCUSD, bar_type="NOT_VALID")


@check
def history_reaches_back_and_follows_its_grid(tl):
    days = tl.get_price_history(BTCUSD, resolution="1D", lookback_period="3Y")
    assert len(days) in (1094, 1095, 1096)
    assert (days["t"] % (24 * HOUR) == 0).all() and days["t"].is_monotonic_increasing
    assert (days["l"] <= days[["o", "c"]].min(axis=1)).all()
    assert (days["h"] >= days[["o", "c"]].max(axis=1)).all()
    hours = tl.get_price_history(
        BTCUSD, resolution="1H", start_timestamp=1651396149000, end_timestamp=1656666549000
    )
    assert len(hours) > 100 and hours["t"].iloc[0] >= 1651396149000
    for resolution in ("1M", "1W", "4H", "30m", "15m", "5m", "1m"):
        bars = tl.get_price_history(BTCUSD, resolution=resolution, lookback_period="2M" if resolution in ("1M", "1W") else "1D")
        assert not bars.empty and bars["c"].iloc[-1] > 0, resolution
    future = tl.get_price_history(
        BTCUSD, resolution="1D", start_timestamp=now() - 72 * HOUR, end_timestamp=now() + 72 * HOUR
    )
    assert len(future) in (3, 4)


@check
def history_without_bars_is_empty_and_too_much_is_refused(tl):
    moment = 1673218800000
    empty = tl.get_price_history(
        BTCUSD, resolution="1W", start_timestamp=moment, end_timestamp=moment
    )
    assert empty.empty and set(empty.columns) == set("tohlcv")
    for wrong in ({"lookback_period": "2Y"}, {"lookback_period": "m4"}):
        raises(ValueError, tl.get_price_history, BTCUSD, resolution="1m", **wrong)
    # Beyond the client's own check the server refuses too.
    reply = tl._request(
        "get",
        f"{tl.get_base_url()}/trade/history",
        additional_params={
            "tradableInstrumentId": BTCUSD,
            "routeId": tl.get_info_route_id(BTCUSD),
            "resolution": "1m",
            "from": 1577836800000,
            "to": 1672527600000,
        },
    )
    assert reply["s"] == "error" and "d" not in reply


# --- Orders -----------------------------------------------------------------------------------


@check
def a_market_order_is_everywhere_by_the_next_request(tl):
    before = tl.get_all_positions()
    order = market(tl, quantity=0.02)
    history = tl.get_all_orders(history=True)
    row = one(history, order)
    assert (row["status"], row["type"], row["validity"]) == ("Filled", "market", "IOC")
    assert row["filledQty"] == row["qty"] == 0.02 and row["avgPrice"] > 0
    assert lacks(tl.get_all_orders(), order)
    positions = tl.get_all_positions()
    assert list(positions.columns) == list(PositionsColumns)
    assert len(positions) == len(before) + 1
    position = one(positions, position_of(tl, order))
    assert (position["qty"], position["side"]) == (0.02, "buy")
    executions = tl.get_all_executions()
    assert list(executions.columns) == list(ExecutionsColumns)
    mine = executions[executions["orderId"] == order].iloc[0]
    assert mine["positionId"] == position["id"] and mine["qty"] == 0.02
    assert tl.get_position_id_from_order_id(1) is None
    assert tl.close_position(order_id=order)
    assert lacks(tl.get_all_positions(), position["id"])


@check
def opposite_positions_stand_side_by_side_until_the_client_nets_them(tl):
    assert tl.close_all_positions()
    market(tl, 0.01, "buy")
    market(tl, 0.03, "sell")
    assert sorted(tl.get_all_positions()["qty"]) == [0.01, 0.03]
    market(tl, 0.01, "sell", position_netting=True)
    assert list(tl.get_all_positions()["qty"]) == [0.03]
    market(tl, 0.02, "buy", position_netting=True)
    assert list(tl.get_all_positions()["qty"]) == [0.01]
    assert market(tl, 0.01, "buy", position_netting=True) is None
    assert tl.get_all_positions().empty


@check
def a_low_buy_limit_rests_and_is_cancelled_once(tl):
    since = now() - HOUR
    history = tl.get_all_orders(history=True, start_timestamp=since)
    order = resting(tl)
    row = one(tl.get_all_orders(start_timestamp=since), order)
    assert (row["status"], row["price"], row["positionId"]) == ("New", 0.01, 0)
    assert len(tl.get_all_orders(history=True, start_timestamp=since)) == len(history)
    assert tl.delete_order(order)
    assert lacks(tl.get_all_orders(start_timestamp=since), order)
    assert one(tl.get_all_orders(history=True), order)["status"] == "Cancelled"
    assert not tl.delete_order(order)


@check
def a_low_sell_limit_fills_at_once_and_cannot_be_cancelled(tl):
    order = resting(tl, side="sell")
    assert lacks(tl.get_all_orders(), order)
    row = one(tl.get_all_orders(history=True), order)
    assert row["status"] == "Filled" and row["avgPrice"] > 1000 * row["price"]
    assert not tl.delete_order(order)
    assert tl.close_position(order_id=order)


@check
def stop_orders_rest_with_their_stop_price(tl):
    order = tl.create_order(
        BTCUSD, quantity=0.01, side="buy", type_="stop", validity="GTC", stop_price=1000000.0
    )
    row = one(tl.get_all_orders(), order)
    assert (row["type"], row["stopPrice"], row["price"]) == ("stop", 1000000.0, 0)
    assert tl.delete_order(order)


@check
def wrong_quantities_are_refused_with_200(tl):
    for quantity in (0.001, 0.0001, 0.123, 0.129, -0.05):
        error = raises(
            TLAPIOrderException,
            tl.create_order,
            BTCUSD,
            quantity=quantity,
            side="buy",
            price=0.01,
            type_="limit",
            validity="GTC",
        )
        assert str(error).startswith("{qty=["), error
        assert error.response_json["s"] == "error" and "d" not in error.response_json
    for quantity in (0.12, 0.13):
        order = tl.create_order(
            BTCUSD, quantity=quantity, side="buy", price=0.01, type_="limit", validity="GTC"
        )
        assert one(tl.get_all_orders(), order)["qty"] == quantity
        assert tl.delete_order(order)


@check
def refusals_carry_the_broker_s_words(tl):
    shares = tl.get_instrument_id_from_symbol_name("AAPL")
    error = raises(TLAPIOrderException, market, tl, 1, "buy", shares)
    assert str(error) == "Order cannot be created since trading out of session is forbidden."
    error = raises(TLAPIOrderException, market, tl, 10000)
    assert str(error).startswith("Not enough margin to create Order #")
    error = raises(
        TLAPIOrderException, market, tl, stop_loss=10000000.0, stop_loss_type="absolute"
    )
    assert str(error) == "SL price is not valid for the order. "


@check
def labels_of_32_characters_come_back_and_33_are_refused(tl):
    label = "strategy-0123456789-abcdefghijkl"
    assert len(label) == 32
    order, waiting = market(tl, strategy_id=label), resting(tl, strategy_id=label)
    assert one(tl.get_all_orders(history=True), order)["strategyId"] == label
    assert one(tl.get_all_orders(), waiting)["strategyId"] == label
    position = one(tl.get_all_positions(), position_of(tl, order))
    assert position["strategyId"] == label
    raises(TLAPIException, market, tl, strategy_id=label + "m", _ignore_len_check=True)
    assert tl.delete_order(waiting) and tl.close_position(order_id=order)


@check
def a_modified_order_keeps_its_id_and_looks_younger(tl):
    order = resting(tl)
    before = one(tl.get_all_orders(), order)
    assert tl.modify_order(order, {"price": "0.02", "qty": "0.02"})
    after = one(tl.get_all_orders(), order)
    assert (after["price"], after["qty"]) == (0.02, 0.02)
    assert after["lastModified"] > before["lastModified"]
    assert not tl.modify_order(order, {"qty": "0.001"})
    assert tl.delete_order(order) and not tl.modify_order(order, {"price": "0.03"})


@check
def brackets_of_an_order_stay_in_its_history(tl):
    order = market(
        tl,
        stop_loss=0.01,
        stop_loss_type="absolute",
        take_profit=10000000,
        take_profit_type="absolute",
    )
    row = one(tl.get_all_orders(history=True), order)
    assert (row["stopLoss"], row["takeProfit"]) == (0.01, 10000000)
    assert (row["stopLossType"], row["takeProfitType"]) == ("absolute", "absolute")
    position = one(tl.get_all_positions(), position_of(tl, order))
    assert one(tl.get_all_orders(), position["stopLossId"])["positionId"] == position["id"]
    assert tl.close_position(position_id=int(position["id"]))
    assert one(tl.get_all_orders(history=True), position["takeProfitId"])["status"] == "Cancelled"


@check
def reads_filter_by_time_and_instrument(tl):
    since = now() - HOUR
    seen = lambda **more: tl.get_all_orders(history=True, **more)
    before = seen(start_timestamp=since, instrument_id_filter=LTCUSD)
    order = market(tl, instrument=LTCUSD)
    after = seen(start_timestamp=since, instrument_id_filter=LTCUSD)
    assert len(after) == len(before) + 1 and set(after["tradableInstrumentId"]) == {LTCUSD}
    assert tl.close_position(order_id=order)
    assert len(seen(lookback_period="1H", instrument_id_filter=LTCUSD)) == len(before) + 2
    assert seen(start_timestamp=now() + HOUR).empty
    assert seen(end_timestamp=since).empty
    waiting = resting(tl, LTCUSD)
    assert list(tl.get_all_orders(instrument_id_filter=LTCUSD)["id"]) == [waiting]
    assert lacks(tl.get_all_orders(instrument_id_filter=BTCUSD), waiting)
    assert lacks(tl.get_all_orders(end_timestamp=since), waiting)
    assert tl.delete_order(waiting)


@check
def cancel_all_honours_the_instrument(tl):
    assert tl.delete_all_orders()
    kept = [resting(tl), resting(tl, side="sell", price=1000000.0), resting(tl, DOGEUSD, price=0.02)]
    gone = resting(tl, ETHUSD)
    assert tl.delete_all_orders(instrument_id_filter=ETHUSD)
    assert set(tl.get_all_orders()["id"]) == set(kept)
    assert set(tl.get_all_orders()["status"]) == {"New"}
    assert one(tl.get_all_orders(history=True), gone)["status"] == "Cancelled"
    assert tl.delete_all_orders_manual(instrument_id_filter=DOGEUSD)
    assert set(tl.get_all_orders()["id"]) == set(kept[:2])
    assert tl.delete_all_orders() and tl.get_all_orders().empty


# --- Positions --------------------------------------------------------------------------------


@check
def a_partial_close_keeps_the_id_and_adds_a_row(tl):
    order = market(tl, 0.03)
    position = position_of(tl, order)
    rows = lambda: (tl.get_all_orders(history=True)["positionId"] == position).sum()
    assert rows() == 1
    assert tl.close_position(order_id=order, close_quantity=0.01)
    assert one(tl.get_all_positions(), position)["qty"] == 0.02
    assert tl.close_position(position_id=position, close_quantity=0.01)
    assert one(tl.get_all_positions(), position)["qty"] == 0.01
    assert rows() == 3
    assert tl.close_position(position_id=position)
    assert lacks(tl.get_all_positions(), position) and rows() == 4
    assert not tl.close_position(position_id=position)
    raises(ValueError, tl.close_position)


@check
def close_all_honours_the_instrument(tl):
    assert tl.close_all_positions()
    kept = [position_of(tl, market(tl)), position_of(tl, market(tl, 0.02, "sell"))]
    gone = position_of(tl, market(tl, 0.01, "sell", ETHUSD))
    assert tl.close_all_positions(instrument_id_filter=ETHUSD)
    positions = tl.get_all_positions()
    assert set(positions["id"]) == set(kept) and lacks(positions, gone)
    assert tl.close_all_positions() and tl.get_all_positions().empty


@check
def brackets_of_a_position_are_orders_that_move_in_place(tl):
    position = position_of(tl, market(tl))
    assert tl.modify_position(position, {"stopLoss": 0.01, "takeProfit": 10000000})
    row = one(tl.get_all_positions(), position)
    stop, target = row["stopLossId"], row["takeProfitId"]
    assert stop and target and stop != target
    assert one(tl.get_all_orders(), stop)["stopPrice"] == 0.01
    assert one(tl.get_all_orders(), target)["price"] == 10000000
    assert tl.modify_position(position, {"stopLoss": 0.02, "takeProfit": 5000000.0})
    assert one(tl.get_all_orders(), stop)["stopPrice"] == 0.02
    assert one(tl.get_all_orders(), target)["price"] == 5000000
    assert not tl.modify_position(position, {"stopLoss": 10000000.0})
    assert tl.close_position(position_id=position)
    orders = tl.get_all_orders()
    assert lacks(orders, stop) and lacks(orders, target)


@check
def the_report_of_closed_trades_is_there(tl):
    position = position_of(tl, market(tl, 0.02))
    assert tl.close_position(position_id=position)
    report = tl._request("get", f"{tl.get_base_url()}/trade/reports/close-trades-history")
    newest = report["data"][0]
    assert newest["positionId"] == str(position) and newest["instrument"] == "BTCUSD"
    assert int(newest["closeMilliseconds"]) >= int(newest["openMilliseconds"])


# --- Limits, faults and the end ---------------------------------------------------------------


@check
def the_captured_rate_limits_refuse_a_hasty_client(program):
    with Simulator(program) as sim:
        tl = sim.client()
        tl.get_config()
        assert tl.get_route_rate_limit("GET_POSITIONS")["limit"] == 1
        tl.get_all_positions()
        error = raises(requests.HTTPError, lambda: [tl.get_all_positions() for _ in range(10)])
        assert "429" in str(error)


@check
def a_client_that_resends_makes_one_order_for_each_lost_answer(program):
    script = {"faults": [{"route": "place_order", "fault": "drop_answer", "times": 3}]}
    with Simulator(program, "--rate-limits", "off", script=script) as sim:
        tl = sim.client()
        assert market(tl, strategy_id="once")
        assert len(tl.get_all_positions()) == 4


@check
def pages_and_empty_answers_are_errors_for_the_client(program):
    html = {"route": "quotes", "fault": {"html": {"status": 200}}, "times": 1}
    empty = {"route": "quotes", "fault": {"status": {"status": 200}}, "times": 1}
    with Simulator(program, "--rate-limits", "off", script={"faults": [html, empty]}) as sim:
        tl = sim.client()
        raises(ValueError, tl.get_quotes, BTCUSD)
        raises(ValueError, tl.get_quotes, BTCUSD)
        assert tl.get_quotes(BTCUSD)


@check
def a_script_sets_prices_and_resting_orders_are_reached(program):
    with Simulator(program, "--rate-limits", "off", script={"prices": {"EURUSD": "1.10000"}}) as sim:
        tl = sim.client()
        assert tl.get_latest_bid_price(EURUSD) == 1.1
        order = market(tl, instrument=EURUSD)
        assert one(tl.get_all_orders(history=True), order)["avgPrice"] == 1.10008


@check
def equal_seeds_show_equal_prices(program):
    day = int(datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc).timestamp() * 1000)
    bars = []
    for seed in ("5", "5", "6"):
        with Simulator(program, "--rate-limits", "off", "--seed", seed) as sim:
            bars.append(
                sim.client().get_price_history(
                    BTCUSD, "1H", start_timestamp=day, end_timestamp=day + 24 * HOUR
                )
            )
    assert bars[0].equals(bars[1]) and not bars[0].equals(bars[2])
    assert isinstance(bars[0], pandas.DataFrame)


@check
def the_program_ends_with_status_0(program):
    with Simulator(program, "--user", "a@b.c", "--password", "p", "--server", "S") as sim:
        assert sim.client(username="a@b.c", password="p", server="S").account_id == 1002003
    assert sim.status == 0


@check
def every_public_method_of_the_client_was_called():
    missing = [name for name in harness.PUBLIC_METHODS if name not in harness.called]
    assert not missing, missing


def main():
    program = sys.argv[1]
    with Simulator(program, "--rate-limits", "off", "--accounts", "2") as sim:
        failed = harness.run(program=program, sim=sim, tl=sim.client())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
