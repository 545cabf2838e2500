"""The journal's bytes are a promise: what these fixed values encode to must never change, only grow at the end."""

import os
from decimal import Decimal
from pathlib import Path

import pytest
from support.engine_world import SECOND, SYMBOL, desk, engine, orders

from tradefleet_bot.core.commands import Place, Record
from tradefleet_bot.core.decision import Action, Mask, PortfolioView
from tradefleet_bot.core.events import Fill, Quote
from tradefleet_bot.core.journal.codec import COMMAND, EVENT, Entry, Header, encode, readable, record, start
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.replay import Digest, replay_journal, replay_market, with_orders
from tradefleet_bot.core.risk.seal import SEAL
from tradefleet_bot.core.risk.verdict import Approved
from tradefleet_bot.core.state import EngineConfig
from tradefleet_bot.venues.binance.recording import read

DATA = Path(os.environ.get("TRADEFLEET_DATA", Path(__file__).parents[4] / "shared" / "data"))
RECORDING = DATA / "binance_usdm_btcusdt_20240808.raw.gz"
INTENT = OrderIntent(
    "tf-1", SYMBOL, "BUY", "entry", "LIMIT", Decimal("0.010"), price=Decimal("60000.10"), time_in_force="IOC"
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            Quote(1, 2, SYMBOL, 0.1, 2.0, 1e-9, 3.0),
            '["Quote", 1, 2, "BTCUSDT", 0.1, 2.0, 1e-09, 3.0]',
        ),
        (
            Fill(1, 2, SYMBOL, "c", "t", "SELL", Decimal("1.50"), Decimal("0.010"), Decimal("-1E-8"), True),
            '["Fill", 1, 2, "BTCUSDT", "c", "t", "SELL", "1.50", "0.010", "-1E-8", true, null, ""]',
        ),
        (
            Place(1, "live", Approved(INTENT, SEAL), 9),
            (
                '["Place", 1, "live", ["tf-1", "BTCUSDT", "BUY", "entry", "LIMIT", "0.010", "60000.10", null, "IOC",'
                ' false, false, "CONTRACT_PRICE", 0], 9]'
            ),
        ),
        (
            Record(1, SYMBOL, "decision", "held", "why", action="HOLD"),
            '["Record", 1, "BTCUSDT", "decision", "held", "why", "HOLD", null, null, null, null, null, null, null]',
        ),
    ],
)
def test_values_encode_as_promised(value: object, text: str) -> None:
    assert readable(encode(value)) == text  # type: ignore[arg-type]  # events and commands


def test_records_and_header_are_laid_out_as_promised() -> None:
    header = start(Header(EngineConfig("a.b", (SYMBOL,), SECOND), "ff"))
    assert header == (
        b'TFJ1\n{"bundle": "ff", "config": {"account": "a.b", "decision_interval": 1000000000, "strict": false, '
        b'"symbols": ["BTCUSDT"]}}\n'
    )
    assert record(EVENT, b"\xc0").hex() == "030000003c77b29a9200c0"
    assert record(COMMAND, b"\xc0").hex() == "030000007d46a9839201c0"


def open_then_close(n: int, mask: Mask, _view: PortfolioView) -> Action:
    """Something happens often: open when it may, close every seventh decision."""
    if mask[5] and n % 7 == 0:
        return "CLOSE"
    return "OPEN_LONG" if mask[1] and n % 2 else "OPEN_SHORT" if mask[2] else "HOLD"


@pytest.mark.skipif(not RECORDING.exists(), reason=f"no recording at {RECORDING} (set TRADEFLEET_DATA)")
def test_a_recording_of_the_real_market_always_gives_the_same_commands() -> None:
    digests = set()
    for _ in range(2):
        target = desk(open_then_close)
        digest = Digest()
        for out in replay_market(with_orders(read(RECORDING, [SYMBOL]), [SYMBOL], orders()), target):
            digest.add(out)
        digests.add(str(digest))
    assert len(digests) == 1
    view = target.engine.snapshot()
    assert view.fills > 40
    assert view.latches == ()
    assert view.errors == 0
    account = target.engine.state.account("paper")
    assert account.portfolio.wallet == target.paper.account.wallet
    assert account.portfolio.position(SYMBOL).quantity == target.paper.account.position(SYMBOL).quantity


@pytest.mark.skipif(not RECORDING.exists(), reason=f"no recording at {RECORDING} (set TRADEFLEET_DATA)")
def test_a_journal_of_the_real_market_replays() -> None:
    entries: list[Entry] = []
    target = desk(open_then_close)
    for number, event in enumerate(with_orders(read(RECORDING, [SYMBOL]), [SYMBOL], orders())):
        for each, out in target.step(event):
            entries.append(Entry(EVENT, encode(each)))
            entries += [Entry(COMMAND, encode(command)) for command in out]
        if number > 15_000:
            break
    outcome = replay_journal(entries, engine(open_then_close))
    assert outcome.difference is None
    assert outcome.commands > 50
