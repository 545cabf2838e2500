"""The example models: what the index says, through the real verifier; small, soon warm, and they do trade."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tradefleet_api.botconfig import StaticOrders
from tradefleet_api.bundle import Bundle, BundleError, read_bundle
from tradefleet_api.tradingbot import Risk
from tradefleet_bot.core import inference
from tradefleet_bot.core.commands import Place, Record
from tradefleet_bot.core.desk import Desk
from tradefleet_bot.core.engine import Engine
from tradefleet_bot.core.features import REGISTRY, FeatureSet
from tradefleet_bot.core.paper import PaperConfig, PaperVenue
from tradefleet_bot.core.replay import replay_market, with_orders
from tradefleet_bot.core.state import EngineConfig
from tradefleet_bot.venues.binance.recording import Recording, raw_lines
from tradefleet_models.evaluation import run
from tradefleet_models.market import NS, observe
from tradefleet_sim.record import record

ROOT = Path(__file__).parents[2]
ZOO = ROOT / "models" / "zoo"
INDEX = json.loads((ZOO / "index.json").read_text())
DATA = Path(os.environ.get("TRADEFLEET_DATA", ROOT.parent / "shared" / "data"))
SYMBOL = "BTCUSDT"


def _bundle(name: str) -> Bundle:
    return read_bundle((ZOO / f"{name}.tar").read_bytes(), INDEX[name])


@pytest.fixture(scope="module")
def generated() -> list[bytes]:
    """Three minutes of the market that the demonstration shows: the simulator's default seed and signal."""
    return [line.rstrip(b"\n") for line in record(7, 180)]


@pytest.fixture(scope="module")
def recorded() -> list[bytes]:
    path = DATA / "binance_usdm_btcusdt_20240808.raw.gz"
    if not path.exists():
        pytest.skip(f"recording {path} is not here: set TRADEFLEET_DATA to the folder that holds it")
    return list(raw_lines(path))


def test_the_index_lists_exactly_the_files() -> None:
    assert sorted(INDEX) == sorted(path.stem for path in ZOO.glob("*.tar")) == ["demo-v1", "demo-v2"]


@pytest.mark.parametrize("name", sorted(INDEX))
class TestEachModel:
    def test_the_bot_accepts_it_by_its_digest_and_refuses_one_changed_bit(self, name: str) -> None:
        bundle = _bundle(name)
        assert bundle.digest == INDEX[name]
        assert bundle.manifest.name == name
        assert inference.load(bundle).digest == INDEX[name]
        data = bytearray((ZOO / f"{name}.tar").read_bytes())
        data[len(data) // 2] ^= 1
        with pytest.raises(BundleError, match="mismatch"):
            read_bundle(bytes(data), INDEX[name])

    def test_it_fits_a_config_map_and_needs_little(self, name: str) -> None:
        assert (ZOO / f"{name}.tar").stat().st_size < 700 * 1024
        manifest = _bundle(name).manifest
        specs = [REGISTRY[feature] for feature in manifest.features]
        assert frozenset().union(*(spec.inputs for spec in specs)) <= {"trade", "quote", "depth"}
        assert max(spec.window for spec in specs) < 25 * NS  # windows of 20 s, and the sample before them
        assert manifest.decision_interval == "1s"
        assert manifest.metrics["training_fee_bps"] < manifest.metrics["venue_fee_bps"]

    @pytest.mark.parametrize("market", ["generated", "recorded"])
    def test_it_trades_in_the_engine_and_neither_sleeps_nor_churns(
        self, name: str, market: str, request: pytest.FixtureRequest
    ) -> None:
        """Opens within a minute of being warm, closes again, and changes its mind less than every fifth decision."""
        decisions, orders = _replayed(_bundle(name), request.getfixturevalue(market))
        warm = [record for record in decisions if not record.reason.startswith("missing")]
        chosen = [record.action for record in warm if record.outcome == "approved"]
        opened = [record.at for record in warm if record.action in {"OPEN_LONG", "OPEN_SHORT"}]
        assert len(decisions) - len(warm) < 30
        assert opened
        assert opened[0] - warm[0].at < 60 * NS
        exits = chosen.count("CLOSE") + chosen.count("REDUCE")
        assert exits >= 1
        assert len(opened) >= 2
        assert len(chosen) < len(warm) / 5
        assert len([order for order in orders if order.order.value.leg == "stop"]) >= len(opened) - 1


def test_training_sees_what_the_engine_sees(generated: list[bytes]) -> None:
    """Scores of the training's own reading of the data are the engine's scores, decision by decision."""
    bundle = _bundle("demo-v1")
    (market,) = observe(Recording(generated, [SYMBOL]), SYMBOL, bundle.manifest.features, NS)
    weights = {member.name: member.weight for member in bundle.manifest.members}
    probabilities, _ = run(inference.load(bundle), weights, market)
    offline = probabilities[:, 2] - probabilities[:, 0]
    decisions, _ = _replayed(bundle, generated)
    online = {record.at // NS: record.score for record in decisions if record.score is not None}
    shared = [index for index, at in enumerate(market.at) if at // NS in online]
    assert len(shared) == len(online) == len(market)
    assert offline[shared] == pytest.approx(np.array([online[int(market.at[i]) // NS] for i in shared]), abs=1e-6)


def _replayed(bundle: Bundle, lines: list[bytes]) -> tuple[list[Record], list[Place]]:
    """The engine on paper with the bundle, under limits that never bind: decisions and orders."""
    engine = Engine(EngineConfig("test", (SYMBOL,), NS), inference.load(bundle), FeatureSet)
    limits = Risk(max_trades_per_day=100_000, max_consecutive_losses=1000)
    events = with_orders(Recording(lines, [SYMBOL]), [SYMBOL], StaticOrders(risk=limits))
    out = [c for commands in replay_market(events, Desk(engine, PaperVenue(PaperConfig()))) for c in commands]
    decisions = [c for c in out if isinstance(c, Record) and c.topic == "decision"]
    return decisions, [c for c in out if isinstance(c, Place)]
