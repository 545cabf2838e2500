"""Whether a live object has all that its manifest asks for: how drift is seen without a write.

The API server adds defaults and other managers add their own fields; only what the operator's manifest says counts.
"""

from tradefleet_operator.actions import Json

_KEYS = ("name", "uid", "mountPath", "containerPort", "port")
"""What identifies an item of a list of objects, in this order; lists without one are compared as they stand."""


def covers(live: object, wanted: object) -> bool:
    """True where `live` contains `wanted`: mappings by key, lists of named objects by name, all else by equality.

    >>> covers({"a": 1, "added": True}, {"a": 1})
    True
    >>> covers({"ports": [{"name": "http", "port": 1}]}, {"ports": [{"name": "http", "port": 2}]})
    False
    """
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(key in live and covers(live[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(live, list) and _covers_list(live, wanted)
    return bool(live == wanted)


def _covers_list(live: list[object], wanted: list[object]) -> bool:
    key = _key(wanted)
    if key is None:
        return len(live) == len(wanted) and all(map(covers, live, wanted))
    by_key = {item[key]: item for item in live if isinstance(item, dict) and key in item}
    return all(isinstance(item, dict) and covers(by_key.get(item[key]), item) for item in wanted)


def _key(items: list[object]) -> str | None:
    return next((key for key in _KEYS if items and all(isinstance(item, dict) and key in item for item in items)), None)


def merge_patch(before: Json, after: Json) -> Json:
    """The RFC 7386 merge patch from one JSON object to another; empty where they are equal.

    >>> merge_patch({"a": 1, "b": {"c": 1}}, {"b": {"c": 2}})
    {'a': None, 'b': {'c': 2}}
    """
    patch: Json = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            if nested := merge_patch(old, value):
                patch[key] = nested
        elif key not in before or old != value:
            patch[key] = value
    return patch
