"""Processes that the tests start: the simulator, and the bot with its scripted model; both real, both killable."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

from support import bot_driver as driver

T = TypeVar("T")
POLL = 0.05
Json = dict[str, Any]
DRIVER = Path(driver.__file__)
TRADEFLEET = Path(sys.executable).parent / "tradefleet"


def wait_for(what: str, check: Callable[[], T | None], seconds: float = 60.0) -> T:
    """The first result of `check` that is neither None nor False; an AssertionError that names `what` after a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):  # not listening (yet, or any more)
            result = check()
            if result is not None and result is not False:
                return result
        time.sleep(POLL)
    raise AssertionError(f"after {seconds} s still waiting for: {what}")


def fetch(url: str, body: Json | None = None, method: str | None = None) -> tuple[int, str]:
    """Status and text of a reply, whatever the status."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


class Started:
    """A child process with its log; ends with the block."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """SIGKILL: no chance to say anything."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> float:
        """SIGTERM; the seconds until it was gone. The exit code is in `process.returncode`."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        return time.monotonic() - start


class Simulator(Started):
    """`tradefleet sim serve` on a port of the loopback."""

    def __init__(self, folder: Path, port: int, *more: str) -> None:
        super().__init__([str(TRADEFLEET), "sim", "serve", "--port", str(port), *more], folder / "sim.log")
        self.url = f"http://127.0.0.1:{port}"
        wait_for("the simulator", lambda: fetch(f"{self.url}/healthz")[0] == 200)

    def admin(self, path: str, body: Json | None = None, method: str | None = None) -> Any:
        """A call of the admin API."""
        status, text = fetch(f"{self.url}/admin/{path}", body, method)
        assert status < 300, text
        return json.loads(text)

    def account(self, key: str = "tests.bot") -> Json:
        """The account of a bot, made on its first use."""
        account: Json = self.admin(f"accounts/{key}")
        return account


class Bot(Started):
    """A bot process with a scripted model."""

    def __init__(self, folder: Path, config: Json, *script: str, **environment: str) -> None:
        path = folder / "config.yaml"
        path.write_text(json.dumps(config))
        super().__init__([sys.executable, str(DRIVER), str(path), ",".join(script)], folder / "bot.log", **environment)
        self.url = f"http://127.0.0.1:{config['httpPort']}"

    def status(self) -> Json | None:
        """The report, once there is one."""
        code, text = fetch(f"{self.url}/status")
        report: Json | None = json.loads(text) if code == 200 else None
        return report

    def until(self, what: str, check: Callable[[Json], Any], seconds: float = 60.0) -> Json:
        """Wait for a report that passes."""

        def passing() -> Json | None:
            assert self.process.poll() is None, f"the bot ended: {self.log.read_text()[-2000:]}"
            report = self.status()
            return report if report is not None and check(report) else None

        try:
            return wait_for(what, passing, seconds)
        except AssertionError as error:
            error.add_note(f"status: {self.status()}\nlog: {self.log.read_text()[-3000:]}")
            raise

    def logged(self, event: str) -> list[Json]:
        """Lines of the log with this event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]


def configuration(folder: Path, simulator: str, port: int, *, mode: str = "live", **changed: Any) -> Json:
    """A bot's configuration for a local run on a simulator; keys of the top level may be replaced."""
    content = driver.bundle(changed.pop("features", ("spread", "return_1s")))
    bundle = folder / "bundle.tar"
    bundle.write_bytes(content)
    risk = {"maxTradesPerDay": 1000, "maxOrdersPerMinute": 600}
    return {
        "bot": {"namespace": "tests", "name": "bot"},
        "model": {"name": "scripted", "sha256": hashlib.sha256(content).hexdigest(), "path": str(bundle)},
        "venue": {"type": "sim", "rest": simulator, "stream": simulator.replace("http", "ws", 1)},
        "symbols": ["BTCUSDT"],
        "decisionInterval": "1s",
        "dataPath": str(folder / "data"),
        "httpPort": port,
        "httpHost": "127.0.0.1",
        "orders": {"mode": mode, "risk": risk, "capitalQuote": 5000},
    } | changed


@contextlib.contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """Free ports of the loopback; nobody else is given them while the block lasts."""
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(count):
            holder = stack.enter_context(socket.socket())
            # A server with SO_REUSEADDR may listen where a socket is bound and does not listen.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", 0))
            ports.append(int(holder.getsockname()[1]))
        yield ports


def rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
