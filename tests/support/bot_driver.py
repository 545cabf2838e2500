"""A bot process whose model follows a script instead of a network: `python bot_driver.py CONFIG ACTION[,ACTION…]`.

Everything but the model is the real thing: bundle file and its digest, engine, sockets, ledger, HTTP. Run by the tests
as a process of its own, so that it can be killed. The script's actions are taken in turn, one a decision, where risk
allows them (else HOLD, and the same action waits); the last one stays.
"""

import asyncio
import os
import random
import sys
from pathlib import Path
from typing import Any

from tradefleet_api.bundle import Bundle, BundleLineage, Manifest, Policy, StatelessMember, write_bundle
from tradefleet_api.refusal import RefusedError
from tradefleet_bot.core.decision import ACTIONS, Action, Decision, Mask, PortfolioView
from tradefleet_bot.shell import logs
from tradefleet_bot.shell.config import load
from tradefleet_bot.shell.kube import Api
from tradefleet_bot.shell.process import Process


class Scripted:
    """A model that does what it is told."""

    def __init__(self, bundle: Bundle, script: list[Action]) -> None:
        self.features = bundle.manifest.features
        self.digest = bundle.digest
        self._script = script

    def for_symbol(self) -> list[Action]:
        return list(self._script)

    def decide(
        self, state: list[Action], vector: Any, missing: tuple[str, ...], view: PortfolioView, mask: Mask
    ) -> Decision:
        if missing:
            return Decision("HOLD", None, {}, f"missing: {', '.join(missing)}")
        action = state[0]
        if not mask[ACTIONS.index(action)]:
            return Decision("HOLD", 0.0, {}, f"waiting to {action}")
        if len(state) > 1:
            state.pop(0)
        return Decision(action, 0.5, {}, "as scripted")


def bundle(features: tuple[str, ...] = ("spread", "return_1s")) -> bytes:
    """A bundle with these required features; its files are never looked into by `Scripted`."""
    manifest = Manifest(
        name="scripted",
        decision_interval="1s",
        features=features,
        feature_schema="0" * 64,
        members=(StatelessMember(name="member", file="member.onnx", weight=1),),
        quorum=1,
        policy=Policy(file="policy.onnx", observation=("score",)),
        golden="golden.json",
        lineage=BundleLineage(seed=1, data_digest="none", trained_through="2026-01-01T00:00:00Z", code_revision="none"),
    )
    return write_bundle({"member.onnx": b"m", "policy.onnx": b"p", "golden.json": b"{}"}, manifest)


async def main(config: Path, script: list[Action], api: Api | None) -> int:
    """Run until stopped."""
    loaded = load(config)
    return await Process(loaded, lambda b: Scripted(b, script), random.Random(1).uniform, api).run()


def cluster() -> Api | None:
    """The API server named by TEST_API (URL, token file, CA file), where a pod would find its cluster's."""
    parts = os.environ.get("TEST_API", "").split(" ")
    return Api(parts[0], Path(parts[1]), Path(parts[2])) if len(parts) == 3 else None


if __name__ == "__main__":
    logs.configure(bot="driver")
    try:
        sys.exit(asyncio.run(main(Path(sys.argv[1]), sys.argv[2].split(","), cluster())))  # type: ignore[arg-type]  # actions
    except RefusedError as error:
        sys.exit(str(error))
