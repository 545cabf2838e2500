"""The command line with the repository's own bundle, on paper: what `examples/local-paper.yaml` promises."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bot_servers import (
    TRADEFLEET,
    Bot,
    Json,
    Simulator,
    Started,
    configuration,
    fetch,
    reserved_ports,
    rss_mib,
    wait_for,
)
from support.kube import ROOT

from tradefleet_api.botconfig import BotConfig
from tradefleet_api.refusal import RefusedError
from tradefleet_bot.shell.config import credentials

pytestmark = pytest.mark.timeout(240)
ZOO = ROOT / "models" / "zoo" / "demo-v1.tar"
DATA = Path(os.environ.get("TRADEFLEET_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture
def ports() -> Iterator[list[int]]:
    with reserved_ports(2) as found:
        yield found


def test_the_shipped_bundle_runs_decides_and_replays(tmp_path: Path, ports: list[int]) -> None:
    digest = hashlib.sha256(ZOO.read_bytes()).hexdigest()
    with Simulator(tmp_path, ports[0]) as simulator:
        config = configuration(tmp_path, simulator.url, ports[1], mode="paper")
        config["model"] = {"name": "demo-v1", "sha256": digest, "path": str(ZOO)}
        path = tmp_path / "config.yaml"
        path.write_text(json.dumps(config))
        url = f"http://127.0.0.1:{ports[1]}"
        with Started([str(TRADEFLEET), "bot", "run", "--config", str(path)], tmp_path / "bot.log") as bot:

            def decided() -> Json | None:
                code, text = fetch(f"{url}/status")
                report: Json | None = json.loads(text) if code == 200 else None
                return report if report is not None and report.get("lastDecision") else None

            report = wait_for("a decision", decided)
            assert report["modelDigest"] == digest
            assert report["lastDecision"]["reason"]
            assert report["equityQuote"] == 5000  # the capital that the orders give
            assert fetch(f"{url}/readiness") == (200, "ok\n")
            assert rss_mib(bot.process.pid) < 150
            assert bot.stop() < 10
            assert bot.process.returncode == 0
    [run] = (tmp_path / "data" / "journal").iterdir()
    command = [str(TRADEFLEET), "bot", "replay", str(run), "--bundle", str(ZOO), "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["difference"] is None
    assert outcome["bundle"] == digest


def test_a_model_that_needs_what_the_feed_lacks_is_refused_at_start(tmp_path: Path, ports: list[int]) -> None:
    recording = DATA / "binance_usdm_btcusdt_20240808.raw.gz"
    if not recording.exists():
        pytest.skip(f"recording {recording} is not here: set TRADEFLEET_DATA to the folder that holds it")
    with Simulator(tmp_path, ports[0], "--recording", str(recording)) as simulator:
        features = ("spread", "open_interest_change_60s")
        config = configuration(tmp_path, simulator.url, ports[1], mode="paper", features=features)
        with Bot(tmp_path, config, "HOLD") as bot:
            why = wait_for("the refusal", lambda: _refusal(bot))
            assert "open_interest_change_60s (needs open_interest)" in why
            assert fetch(f"{bot.url}/healthz")[0] == 200


def _refusal(bot: Bot) -> str | None:
    code, why = fetch(f"{bot.url}/readiness")
    return why if code == 503 and "cannot serve required features" in why else None


@pytest.mark.parametrize(
    ("content", "expected"),
    [("bot: [", "is not YAML"), ("bot: {name: b}", "Field required"), (None, "cannot be read")],
)
def test_wrong_configuration_is_one_sentence(tmp_path: Path, content: str | None, expected: str) -> None:
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_text(content)
    command = [str(TRADEFLEET), "bot", "run", "--config", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_live_orders_to_a_real_venue_are_refused_in_this_release(tmp_path: Path) -> None:
    config = configuration(tmp_path, "http://127.0.0.1:9", 8080, mode="live")
    config["venue"]["type"] = "binance-usdm"
    with pytest.raises(RefusedError, match=r"needs venue\.type sim"):
        credentials(BotConfig.model_validate(config))
    config["orders"]["mode"] = "paper"
    assert credentials(BotConfig.model_validate(config)) is None
