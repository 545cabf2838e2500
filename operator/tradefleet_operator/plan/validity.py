"""What admission cannot refuse but this release does not run: the reason becomes condition InvalidSpec."""

from tradefleet_api.tradingbot import TradingBotSpec
from tradefleet_operator.observed import BotObserved, Defaults


def refusal(spec: TradingBotSpec, defaults: Defaults) -> str | None:
    """Why this spec is not run, in one sentence; None where it is."""
    if spec.venue.type == "bybit-linear":
        return "venue.type bybit-linear is not offered in this release: use sim or binance-usdm"
    if spec.mode != "paper" and spec.venue.type != "sim":
        return f"mode {spec.mode} is accepted only with venue.type sim in this release: use mode paper"
    at = spec.venue.endpoints
    rest, stream = (at and at.rest) or defaults.sim_rest, (at and at.stream) or defaults.sim_stream
    if spec.venue.type == "sim" and (rest is None or stream is None):
        return "no simulator is installed with this operator: set venue.endpoints.rest and .stream, or another venue"
    return None


def effective_spec(observed: BotObserved) -> tuple[TradingBotSpec | None, str | None]:
    """The spec to act on (the last good one where the present one is not valid), and why the present one is not."""
    if observed.spec is None:
        return observed.last_good, observed.spec_error or "spec cannot be read"
    error = refusal(observed.spec, observed.defaults)
    return (observed.spec, None) if error is None else (observed.last_good, error)
