"""The model: read from its file, hashed again, and loaded; or one sentence why not."""

from collections.abc import Callable
from pathlib import Path

from tradefleet_api.botconfig import BotConfig
from tradefleet_api.bundle import Bundle, read_bundle
from tradefleet_api.refusal import RefusedError
from tradefleet_bot.core.decision import Model
from tradefleet_bot.core.events import Stream

Load = Callable[[Bundle], Model]


def load(config: BotConfig, loader: Load) -> Model:
    """The model named by the configuration. Raises RefusedError (BundleError) with one sentence."""
    path = Path(config.model.path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RefusedError(f"bundle {path} cannot be read: {error}") from error
    return loader(read_bundle(data, config.model.sha256))


def lacking(model: Model, offered: frozenset[Stream]) -> str | None:
    """Which required features the feed cannot serve, in one sentence; None when it serves all."""
    from tradefleet_bot.core.features import FeatureSet  # noqa: PLC0415 - numpy, only where a model is run

    lost = {name: sorted(missing) for name in model.features if (missing := FeatureSet((name,), "X").streams - offered)}
    if not lost:
        return None
    parts = ", ".join(f"{name} (needs {' and '.join(streams)})" for name, streams in lost.items())
    return f"the feed cannot serve required features: {parts}"


def streams_of(model: Model) -> frozenset[Stream]:
    """What the required features read."""
    from tradefleet_bot.core.features import FeatureSet  # noqa: PLC0415 - as above

    return FeatureSet(model.features, "X").streams
