"""Mandates: the bot's orders from above, one an arm; a number grows with each change so that obeying can be seen."""

from collections.abc import Mapping

from tradefleet_api.mandate import Mandate
from tradefleet_api.names import Arm
from tradefleet_api.tradingbot import Mode, TradingBotSpec
from tradefleet_operator.plan.rollout import RolloutState


def mandates(old: Mapping[Arm, Mandate] | None, state: RolloutState, spec: TradingBotSpec) -> dict[Arm, Mandate]:
    """Orders for each arm that runs. Only stable ever trades live: one executor an account."""
    old = old or {}
    wanted: dict[Arm, Mandate] = {}
    if state.trading is not None:
        wanted["stable"] = _mandate(state.trading.digest, spec.mode, spec)
    if state.shadowing is not None:
        wanted["shadow"] = _mandate(state.shadowing.digest, "paper", spec)
    last = max((mandate.sequence for mandate in old.values()), default=0)
    decided: dict[Arm, Mandate] = {}
    for arm, mandate in wanted.items():
        before = old.get(arm)
        if before is not None and mandate.model_copy(update={"sequence": before.sequence}) == before:
            decided[arm] = before
        else:
            last += 1
            decided[arm] = mandate.model_copy(update={"sequence": last})
    return decided


def _mandate(digest: str, mode: Mode, spec: TradingBotSpec) -> Mandate:
    return Mandate(
        sequence=0,
        model_digest=digest,
        mode=mode,
        capital_quote=spec.capital.paper_quote,
        max_leverage=spec.risk.max_leverage,
        max_position_ratio=spec.risk.max_position_ratio,
    )
