"""The golden vector: a short episode with everything the models said, computed by onnxruntime when the bundle is made.

The bot computes it again at load, with its own code on its own machine, and refuses a bundle that gives other numbers.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradefleet_bot.core.decision import ACTIONS
from tradefleet_models.market import Market
from tradefleet_models.rules import Position, Sizing, step_position
from tradefleet_models.train.sessions import Sessions, best

STEPS: Final = 12
_SIZING: Final = Sizing(open=0.6, add=0.3, stop=1.0)


def golden(
    sessions: Sessions, market: Market, names: tuple[str, ...], weights: Mapping[str, float], seed: int
) -> bytes:
    """`golden.json` from the first decisions of a market, from a zero recurrent state.

    Positions follow random allowed actions, so that every part of the observation and most masks occur, whatever the
    policy likes; `action` is the policy's.
    """
    draw = np.random.default_rng(seed)
    volatility = next(index for index, name in enumerate(names) if name.startswith("volatility_"))
    spread = names.index("spread")
    total = sum(weights.values())
    steps: list[dict[str, Any]] = []
    position = Position()
    for index in range(STEPS):
        features, mid = market.features[index], float(market.mid[index])
        words = sessions.step(features)
        scores = {name: float(p[2]) - float(p[0]) for name, p in words.items()}
        score = sum(weight * scores[name] for name, weight in weights.items()) / total
        own = {"position": position.size, "unrealized": position.unrealized(mid), "holding": position.holding}
        seen = [score, *scores.values(), *own.values(), features[volatility], features[spread]]
        logits, mask = sessions.logits(np.array(seen, np.float32)), position.mask
        steps.append(
            {
                "features": _numbers(features),
                **own,
                "mask": list(mask),
                "probabilities": {name: _numbers(values) for name, values in words.items()},
                "logits": _numbers(logits),
                "action": ACTIONS[best(logits, mask)],
            }
        )
        action = int(draw.choice(np.flatnonzero(mask)[1:] if draw.random() < 0.5 else [0]))
        position = step_position(position, action, float(market.bid[index]), float(market.ask[index]), _SIZING).older()
    return json.dumps({"steps": steps}, separators=(",", ":"), allow_nan=False).encode()


def _numbers(values: NDArray[np.floating]) -> list[float]:
    return [float(value) for value in values]
