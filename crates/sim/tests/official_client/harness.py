"""Simulators to talk to, clients that do not sleep, and the list of checks."""

import functools
import inspect
import json
import logging
import os
import subprocess
import tempfile
import time
import traceback
import types
import warnings

import tradelocker.utils
from tradelocker import TLAPI

EMAIL, PASSWORD, SERVER = "demo@example.com", "demo-password", "DEMO"

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

# The client pauses a second before each request; the simulator needs none of it.
tradelocker.utils.time = types.SimpleNamespace(sleep=lambda _seconds: None, time=time.time)

called = set()


def _recorded(name, method):
    @functools.wraps(method)
    def wrapper(*args, **kwargs):
        called.add(name)
        return method(*args, **kwargs)

    return wrapper


PUBLIC_METHODS = sorted(
    name
    for name, member in inspect.getmembers(TLAPI)
    if callable(member) and not name.startswith("_")
)
for _name in PUBLIC_METHODS:
    setattr(TLAPI, _name, _recorded(_name, getattr(TLAPI, _name)))


class Simulator:
    """A running simulator; as a context it ends with its block."""

    def __init__(self, program, *arguments, script=None):
        self._script = None
        command = [program, "--tradelocker", "127.0.0.1:0", "--log", "warn", *arguments]
        if script is not None:
            handle, self._script = tempfile.mkstemp(suffix=".json")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"tradelocker": script}, file)
            command += ["--script", self._script]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self._process.stdout.readline())
        self.origin = self.ready["tradelocker"]["origin"]

    def client(self, **overrides):
        arguments = {"username": EMAIL, "password": PASSWORD, "server": SERVER, **overrides}
        return TLAPI(environment=self.origin, log_level="critical", **arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self.status = self._process.wait(timeout=10)
        self._process.stdout.close()
        if self._script:
            os.unlink(self._script)


checks = []


def check(function):
    """Adds a function to the list; it gets what it names of `program`, `sim` and `tl`."""
    checks.append(function)
    return function


def raises(kind, function, *args, **kwargs):
    """The exception that a call has to raise."""
    try:
        result = function(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f"no {kind} but {result!r}")


def run(**offers):
    """Runs all checks and returns how many failed."""
    failed = 0
    for function in checks:
        wanted = inspect.signature(function).parameters
        try:
            function(**{name: offers[name] for name in wanted})
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED {function.__name__}\n{traceback.format_exc()}", flush=True)
        else:
            print(f"ok     {function.__name__}", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return failed
