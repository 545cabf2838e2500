"""`tradefleet status` on a real API server: TradingBots as the operator leaves them, reports through the pod proxy."""

import http.server
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from support.apiserver import ApiServer

from tradefleet_api.botstatus import BotStatus
from tradefleet_api.refusal import RefusedError
from tradefleet_console.cli import main
from tradefleet_console.fleet.api import connected
from tradefleet_console.fleet.render import render
from tradefleet_console.fleet.view import BotView, Report, observe

REPORT: dict[str, Any] = {
    "namespace": "trading", "name": "btc", "arm": "stable", "model": "demo-v1", "modelDigest": "a" * 64,
    "mode": "live", "tradingState": "Running", "ordersFresh": True, "connected": True, "warm": True,
    "reconciled": True, "flat": False, "equityQuote": 10012.35, "ordersSent": 7, "fills": 4, "openOrders": 2,
    "positions": [{"symbol": "BTCUSDT", "quantity": "0.010", "entryPrice": "60000.1", "unrealizedQuote": 1.5,
                   "stopPrice": "59100.0"}],
    "lastDecision": {"time": "2026-01-02T03:04:05.678Z", "symbol": "BTCUSDT", "action": "OPEN_LONG",
                     "outcome": "approved", "reason": "best of six", "score": 0.25},
    "startedAt": "2026-01-02T03:00:00Z",
}  # fmt: skip
STATUS: dict[str, Any] = {
    "phase": "Progressing",
    "message": "demo-v2 soaks for another 3 s",
    "mode": "live",
    "stable": {"name": "demo-v1", "digest": "a" * 64},
    "candidate": {"name": "demo-v2", "digest": "b" * 64},
    "step": {"name": "Shadow", "startedAt": "2026-01-02T03:00:00Z", "message": ""},
}


def report(**changes: Any) -> Report:
    return Report(BotStatus.model_validate(REPORT | changes))


class TestRender:
    def test_no_bots(self) -> None:
        assert render([], colour=False) == "no TradingBots here"

    def test_all_there_is_to_say(self) -> None:
        bot = BotView(
            "trading", "btc", STATUS, report(), report(arm="shadow", model="demo-v2", mode="paper", positions=[])
        )
        header, stable, shadow, decision, operator = render([bot], colour=False).splitlines()
        assert header.split() == [
            "BOT", "PHASE", "MODE", "MODEL", "STEP", "EQUITY", "POSITION", "STOP", "OPEN", "SENT", "FILLS",
        ]  # fmt: skip
        assert stable.split() == [
            "trading/btc", "Progressing", "live", "demo-v1", "Shadow", "10,012.35", "+0.010", "BTCUSDT", "@", "60000.1",
            "(+1.50)", "59100.0", "2", "7", "4",
        ]  # fmt: skip
        assert shadow.split() == ["└", "shadow", "-", "paper", "demo-v2", "-", "10,012.35", "flat", "-", "2", "7", "4"]
        assert decision == "    03:04:05 BTCUSDT OPEN_LONG approved: best of six (score +0.25)"
        assert operator == "    operator: demo-v2 soaks for another 3 s"
        for column in ("POSITION", "STOP"):
            assert stable[header.index(column) - 1] == " "

    def test_a_score_is_said_once_and_an_average_price_in_few_digits(self) -> None:
        decision = REPORT["lastDecision"] | {"reason": "score +0.25 from xgboost"}
        position = REPORT["positions"][0] | {"entryPrice": "59906.93636363636363636363636"}
        seen = report(lastDecision=decision, positions=[position, position | {"entryPrice": "0.00001234"}])
        text = render([BotView("t", "b", {"phase": "Healthy", "message": "all is well"}, seen, None)], colour=False)
        assert "@ 59906.936 (" in text
        assert "@ 0.00001234 (" in text
        assert text.splitlines()[2:] == ["    03:04:05 BTCUSDT OPEN_LONG approved: score +0.25 from xgboost"]

    def test_a_position_without_a_stop_is_shouted(self) -> None:
        bare = [{key: value for key, value in REPORT["positions"][0].items() if key != "stopPrice"}]
        assert " NONE " in render([BotView("t", "b", {}, report(positions=bare), None)], colour=False)

    def test_missing_figures_are_not_zero(self) -> None:
        report = Report(None, 'pods "btc-stable-0" not found')
        new = BotView("trading", "btc", {"phase": "Pending", "message": "verifying demo-v1"}, report, None)
        lines = render([new], colour=False).splitlines()
        assert lines[1].split() == ["trading/btc", "Pending", *["-"] * 9]
        assert lines[2:] == ["    operator: verifying demo-v1"], "nothing could report yet"
        silent = BotView("trading", "btc", {"stable": STATUS["stable"]}, report, None)
        lines = render([silent], colour=False).splitlines()
        assert lines[1].split() == ["trading/btc", "-", "-", "demo-v1", *["-"] * 7]
        assert lines[2:] == ['    no report: pods "btc-stable-0" not found']

    def test_what_is_wrong_with_a_bot(self) -> None:
        bad = report(halted="mandate expired", connected=False, warm=False, reconciled=False, lastDecision=None)
        lines = render([BotView("t", "b", {}, bad, None)], colour=False).splitlines()
        assert lines[2:] == ["    no new risk: mandate expired", "    not connected, warming up, not reconciled"]

    def test_colour_changes_no_column(self) -> None:
        bots = [
            BotView("t", name, {"phase": phase}, report(), None) for name, phase in (("a", "Healthy"), ("b", "Odd"))
        ]
        painted = render(bots, colour=True)
        assert "\033[32mHealthy\033[0m" in painted
        assert painted.replace("\033[32m", "").replace("\033[0m", "") == render(bots, colour=False)


class Bot(http.server.BaseHTTPRequestHandler):
    """A bot's HTTP side; the answers of its server are what it says at /status."""

    def do_GET(self) -> None:
        body = self.server.body if self.path == "/status" else b"no"  # type: ignore[attr-defined] # set by the fixture
        self.send_response(200 if self.path == "/status" else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


def own_address() -> str:
    """An address of this machine that the API server will proxy to: it refuses loopback ones."""
    found = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    usable = [address for address in found if "." in address]
    if not usable:
        pytest.skip("this machine has no IPv4 address but loopback: the API server proxies to no pod here")
    return usable[0]


@pytest.fixture
def bot_http() -> Iterator[tuple[http.server.HTTPServer, str]]:
    with http.server.ThreadingHTTPServer((own_address(), 0), Bot) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server, str(server.server_address[0])
        server.shutdown()
        thread.join()


def bot(name: str, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "tradefleet.dev/v1alpha1",
        "kind": "TradingBot",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"symbols": ["BTCUSDT"], "model": {"name": "demo-v1"}},
    }


def pod(server: ApiServer, namespace: str, name: str, address: str) -> None:
    """A pod with an address: nothing runs it, but the API server proxies to it."""
    spec = {"containers": [{"name": "bot", "image": "x"}]}
    path = f"/api/v1/namespaces/{namespace}/pods"
    code, answer = server.request("POST", path, {"metadata": {"name": name}, "spec": spec})
    assert code == 201, answer
    status = {"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}}
    code, answer = server.request("PATCH", f"{path}/{name}/status", status, "application/merge-patch+json")
    assert code == 200, answer


def set_status(server: ApiServer, namespace: str, name: str, status: dict[str, Any]) -> None:
    path = f"/apis/tradefleet.dev/v1alpha1/namespaces/{namespace}/tradingbots/{name}/status"
    code, answer = server.request("PATCH", path, {"status": status}, "application/merge-patch+json")
    assert code == 200, answer


@pytest.fixture
def kubectl(apiserver_crds: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    monkeypatch.setenv("KUBECONFIG", str(apiserver_crds.kubeconfig))
    monkeypatch.setenv("PATH", apiserver_crds.environment["PATH"])
    return apiserver_crds


def test_reports_come_through_the_api_server(kubectl: ApiServer, bot_http: tuple[http.server.HTTPServer, str]) -> None:
    server, address = bot_http
    namespace = kubectl.namespace("status")
    server.body = json.dumps(REPORT).encode()  # type: ignore[attr-defined] # read by the handler
    kubectl.apply(bot("btc", namespace), bot("silent", namespace))
    set_status(kubectl, namespace, "btc", STATUS)
    for arm in ("stable", "shadow"):
        pod(kubectl, namespace, f"btc-{arm}-0", address)
    with connected() as api:
        speaking, silent = observe(api, namespace, port=server.server_port)
        assert speaking.stable == report()
        assert speaking.shadow == report()
        assert speaking.status == STATUS
        assert (silent.status, silent.shadow, silent.stable.status) == ({}, None, None)
        assert 'pods "silent-stable-0" not found' in silent.stable.fault
        assert {view.name for view in observe(api, None, port=server.server_port)} >= {"btc", "silent"}

        wire = speaking.to_wire()
        assert (wire["phase"], wire["stable"], wire["candidate"], wire["step"]) == (
            "Progressing", "demo-v1", "demo-v2", "Shadow",
        )  # fmt: skip
        assert wire["report"]["fills"] == 4
        assert wire["report"]["modelDigest"] == "a" * 64
        assert silent.to_wire()["report"] is None

        server.body = b'{"mood": "good"}'  # type: ignore[attr-defined] # as above
        assert "of another version" in observe(api, namespace, port=server.server_port)[0].stable.fault
        server.body = b"<html>"  # type: ignore[attr-defined] # as above
        assert observe(api, namespace, port=server.server_port)[0].stable.status is None


def test_the_command(kubectl: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    namespace = kubectl.namespace("status")
    assert main(["status", "-n", namespace]) == 0
    assert capsys.readouterr().out == "no TradingBots here\n"
    kubectl.apply(bot("eth", namespace))
    assert main(["status", "--namespace", namespace, "--json"]) == 0
    (only,) = json.loads(capsys.readouterr().out)
    assert (only["name"], only["report"], only["phase"]) == ("eth", None, None)
    assert main(["status", "--context", "nowhere"]) == 1
    assert 'context "nowhere" does not exist' in capsys.readouterr().err


def test_watching_goes_on_and_ends_quietly(kubectl: ApiServer) -> None:
    namespace = kubectl.namespace("status")
    command = [sys.executable, "-m", "tradefleet_console", "status", "-n", namespace, "--watch", "--interval", "0.1"]
    with subprocess.Popen(
        [*command, "--json"], env=kubectl.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == []
        kubectl.apply(bot("sol", namespace))
        while not (seen := json.loads(process.stdout.readline())):
            pass
        assert seen[0]["name"] == "sol"
        process.send_signal(2)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")


def test_a_cluster_that_is_away(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, kubectl: ApiServer) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{closed.getsockname()[1]}"
    config = tmp_path / "config"
    config.write_text(kubectl.kubeconfig.read_text().replace(kubectl.url, url))
    monkeypatch.setenv("KUBECONFIG", str(config))
    with connected() as api, pytest.raises(RefusedError, match="refused"):
        observe(api, None)


def test_without_kubectl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["status"]) == 1
    assert capsys.readouterr().err == "tradefleet: kubectl is not on the PATH: install it, or run hack/setup.sh\n"


@pytest.mark.parametrize("interval", ["0", "-1", "soon", "nan", "inf"])
def test_wrong_intervals(interval: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["status", "--interval", interval])
    assert caught.value.code == 2
    assert "--interval" in capsys.readouterr().err
