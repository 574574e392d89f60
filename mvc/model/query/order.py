"""The order of versions by a key, the best first.

    a number     the highest first; the lowest first if the key names a loss, an error or a duration
    a time       the newest first            a text     by the alphabet           true before false

A version without the key comes last, in either direction. Numbers come before texts, texts before other values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from mvc.model.toml.schema import Path
from mvc.model.version import Timestamp

LOWER = frozenset(
    (
        *(
            "loss",
            "losses",
            "error",
            "errors",
            "err",
            "mae",
            "mse",
            "rmse",
            "mape",
            "wer",
            "cer",
            "fpr",
            "fnr",
            "far",
            "frr",
        ),
        *(
            "latency",
            "ms",
            "seconds",
            "time",
            "duration",
            "perplexity",
            "ppl",
            "brier",
            "ece",
            "hausdorff",
            "fid",
            "flops",
        ),
    )
)
"""Words of a metric's name for which the lowest number is the best."""
_WORDS = re.compile(r"[a-z]+|[A-Z]{2,}(?![a-z])|[A-Z][a-z]*")
_EVAL = "eval"
_ABSENT = 4
"""The kind of a version without the key, which comes last."""
_Item = TypeVar("_Item")


def lowest_is_best(key: Path) -> bool:
    """Return whether the lowest number of a key is the best one, by the words of its name.

    Of an evaluation that is the name of its metric, not those of dataset and class.
    """
    parts = key[-1:] if key[0] == _EVAL else key[1:]
    return any(word.lower() in LOWER for part in parts for word in _WORDS.findall(part))


def best(key: Path, values: Sequence[Any]) -> tuple[int, ...]:
    """Return the positions of the best values of a metric; none if fewer than two are numbers, or all are equal."""
    numbers = {at: value for at, value in enumerate(values) if _is_number(value)}
    if key[0] not in ("metrics", _EVAL) or len(set(numbers.values())) < 2:
        return ()
    top = (min if lowest_is_best(key) else max)(numbers.values())
    return tuple(at for at, value in numbers.items() if value == top)


def ordered(items: Iterable[_Item], value: Callable[[_Item], Any], key: Path, *, reverse: bool = False) -> list[_Item]:
    """Return items by their values, the best first, or with `reverse` the worst; equal ones keep their order."""
    by_kind: dict[int, list[tuple[Any, _Item]]] = {}
    lowest = lowest_is_best(key)
    for item in items:
        kind, rank = _rank(value(item), lowest=lowest)
        by_kind.setdefault(kind, []).append((rank, item))
    for kind, ranked in by_kind.items():
        ranked.sort(key=lambda pair: pair[0], reverse=reverse and kind < _ABSENT)
    return [item for kind in sorted(by_kind) for _, item in by_kind[kind]]


def _rank(value: Any, *, lowest: bool) -> tuple[int, Any]:
    """Return the kind of a value and its place among those of its kind."""
    if value is None:
        return _ABSENT, 0
    if isinstance(value, Timestamp):
        return 0, -value.seconds
    if isinstance(value, bool):
        return 1, not value
    if isinstance(value, int | float):
        return 0, value if lowest else -value
    return (2, value) if isinstance(value, str) else (3, json.dumps(value, ensure_ascii=False, default=str))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
