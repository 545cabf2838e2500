"""Features: what a model sees, computed by the same code in training, replay and live.

    features = FeatureSet(manifest.features, "BTCUSDT")    # UnknownFeatureError for a name not in REGISTRY
    vector = np.empty(len(manifest.features), np.float32)
    ...
    features.update(event)                                 # every market event and FeedState, in order of arrival
    ...
    missing = features.vector(at, vector)                  # at a decision; () when every value is known

`create("atr_1s")` gives one feature alone (`update`, `get`). `schema_hash(names)` goes into a bundle's manifest: it
changes when a formula does. Ratios are plain ratios (0.0001 is one basis point); `docs/reference/features.md` lists
all features with formula, unit and source. A value is None while its history is too short or its stream is stale
(`sources.base.STALE_AFTER`) or down (FeedState): missing is never zero.

To add a feature: a class with `get` in a file of its own, its `SPECS`, a line in `registry.py`, a batch reference in
tests/bot/features/batch.py, and `python -m tradefleet_bot.core.features.page > docs/reference/features.md`.
"""

from tradefleet_bot.core.features.feature_set import FeatureSet
from tradefleet_bot.core.features.registry import REGISTRY, UnknownFeatureError, create, schema_hash
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool

__all__ = ["REGISTRY", "Feature", "FeatureSet", "FeatureSpec", "Pool", "UnknownFeatureError", "create", "schema_hash"]
