"""Simulators to talk to, a client that is sent to them, and the list of checks."""

import builtins
import contextlib
import inspect
import io
import json
import os
import re
import subprocess
import tempfile
import threading
import traceback
import types
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import requests
import robin_stocks.robinhood as rh
from robin_stocks.robinhood import authentication, helper
from robin_stocks.robinhood.globals import SESSION

USERNAME, PASSWORD, CODE = "demo@example.com", "demo-password", "758447"

class Clock:
    """The client's clock during a login: its five seconds before each poll pass at once."""

    def __init__(self):
        self.now = 0.0

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


# The client asks for codes on the terminal.
clock = authentication.time = Clock()
builtins.input = lambda _question="": CODE

helper.set_output(open(os.devnull, "w", encoding="utf-8"))


def fields(request):
    """The fields of a request's body, whether it is JSON or a form."""
    body = request.body or b""
    text = body.decode() if isinstance(body, bytes) else body
    if text.startswith("{"):
        return json.loads(text)
    return dict(parse_qsl(text))


class Redirect(requests.adapters.HTTPAdapter):
    """Sends every request to the simulator and says which host it was meant for."""

    origin = None
    sent = []

    def send(self, request, **kwargs):  # pylint: disable=arguments-differ
        meant, here = urlsplit(request.url), urlsplit(Redirect.origin)
        Redirect.sent.append(
            types.SimpleNamespace(
                method=request.method,
                host=meant.netloc,
                path=meant.path,
                body=fields(request),
                timeout=kwargs.get("timeout"),
                token="Authorization" in request.headers,
            )
        )
        request.headers["X-Sim-Host"] = meant.netloc
        request.url = urlunsplit((here.scheme, here.netloc, meant.path, meant.query, ""))
        kwargs["proxies"] = {}
        return super().send(request, **kwargs)


SESSION.mount("https://", Redirect())
SESSION.trust_env = False


class Simulator:
    """A running simulator; as a context it ends with its block and gives the client back."""

    RECORD = re.compile(r'route="(\w+)" method="(\w+)" path="([^"]*)" query="([^"]*)" fate=(\w+)(?:\((\d+)\))?')

    def __init__(self, program, *arguments, script=None, **settings):
        if settings:
            script = {**(script or {}), "settings": settings}
        self.folder = tempfile.TemporaryDirectory()
        command = [program, "--robinhood", "127.0.0.1:0", "--rate-limits", "off"]
        command += ["--log", "warn,wheelhouse_sim::requests=debug", *arguments]
        if script is not None:
            path = os.path.join(self.folder.name, "script.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"robinhood": script}, file)
            command += ["--script", path]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1"},
        )
        self.origin = json.loads(self._process.stdout.readline())["robinhood"]["origin"]
        self._records, self._seen = [], 0
        self._arrived = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stderr:
            found = self.RECORD.search(line)
            if found:
                route, method, path, query, fate, status = found.groups()
                record = types.SimpleNamespace(
                    route=route,
                    method=method,
                    path=path,
                    query=query,
                    status=int(status) if status else fate,
                )
                with self._arrived:
                    self._records.append(record)
                    self._arrived.notify_all()

    def log(self):
        """What the simulator has recorded since the last call."""
        # A last request makes sure that everything before it has been written.
        mark = f"mark-{len(self._records)}-{self._seen}"
        requests.get(f"{self.origin}/{mark}", timeout=10, proxies={"http": ""})
        with self._arrived:
            done = self._arrived.wait_for(
                lambda: any(mark in record.path for record in self._records), timeout=10
            )
            assert done, "the simulator's record did not arrive"
            records = [record for record in self._records[self._seen :] if "/mark-" not in record.path]
            self._seen = len(self._records)
        return records

    def routes(self):
        """Routes and statuses since the last look."""
        return [(record.route, record.status) for record in self.log()]

    def sent(self):
        """What the client has sent since the last call."""
        sent, Redirect.sent = Redirect.sent, []
        return sent

    def login(self, password=PASSWORD, **arguments):
        return rh.login(USERNAME, password, **{"pickle_path": self.folder.name, **arguments})

    def __enter__(self):
        self._before = Redirect.origin, SESSION.headers.get("Authorization")
        Redirect.origin = self.origin
        SESSION.headers.pop("Authorization", None)
        self.sent()
        return self

    def __exit__(self, *_):
        Redirect.origin, authorization = self._before
        SESSION.headers["Authorization"] = authorization
        self._process.terminate()
        status = self._process.wait(timeout=10)
        self._process.stdout.close()
        self.folder.cleanup()
        assert status == 0, f"the simulator ended with {status}"


checks = []
said = io.StringIO()


def check(function):
    """Adds a function to the list; it gets what it names of `program` and `sim`."""
    checks.append(function)
    return function


def same(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def run(**offers):
    """Runs all checks and returns how many failed."""
    failed = 0
    for function in checks:
        wanted = inspect.signature(function).parameters
        try:
            # The client tells of its logins on the standard output.
            with contextlib.redirect_stdout(said):
                said.seek(0)
                said.truncate()
                function(**{name: offers[name] for name in wanted})
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED {function.__name__}\n{traceback.format_exc()}", flush=True)
        else:
            print(f"ok     {function.__name__}", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return failed
