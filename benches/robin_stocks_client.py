"""robin_stocks on the server of a bench, counting its own time.

Takes the server's address, a user name and a password. After the login it says "ready"; then it reads
lines "account calls rows", makes that many calls and answers with nanoseconds: wall and processor.
"""

import contextlib
import os
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "crates", "sim", "tests", "robin_stocks"))

import robin_stocks.robinhood as rh  # pylint: disable=wrong-import-position
from harness import Redirect  # pylint: disable=wrong-import-position


def main(origin, user, password):
    Redirect.origin = origin
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        tokens = rh.login(user, password, pickle_path=folder)
    assert tokens["access_token"], "the login failed"
    print("ready", flush=True)
    for line in sys.stdin:
        account, calls, rows = line.split()
        wall, processor = time.perf_counter_ns(), time.process_time_ns()
        for _ in range(int(calls)):
            found = rh.get_open_stock_positions(account_number=account)
            assert len(found) == int(rows), len(found)
        processor = time.process_time_ns() - processor
        print(time.perf_counter_ns() - wall, processor, flush=True)


main(*sys.argv[1:])
