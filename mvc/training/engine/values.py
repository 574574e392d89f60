"""Values of a training as model.toml can hold them; what it cannot hold is left out, with the reason.

argparse.Namespace, a dataclass     a table          Path, an enumeration     text, its value
tuple, set, range                   a list           a number of numpy/torch  the number
None                                left out         NaN, a secret, an object left out, and reported

Nothing here raises: a training goes on whatever its arguments are.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mvc import errors
from mvc.model import labelmap as labelmaps
from mvc.model.labelmap import Labelmap
from mvc.model.toml import schema, secrets

MAX_TEXT = 4_000
"""Characters of a text among the values, at most."""
MAX_VALUES = 5_000
"""Values of a section, at most."""
MAX_NAME = 200
"""Characters of a key or of the name of a metric, at most; the rest is cut."""
_MAX_DEPTH = 8
_INT_MIN, _INT_MAX = -(1 << 63), (1 << 63) - 1
_AS_TEXT = frozenset({"torch.device", "torch.dtype", "uuid.UUID", "decimal.Decimal", "datetime.timedelta"})
"""Types of other libraries whose text says all of them."""

Report = Callable[[str, str], None]
"""Called with each key that is left out, and the reason."""


class _UnfitError(Exception):
    """A value that model.toml cannot hold, with the reason."""


def metrics(given: Mapping[Any, Any], left_out: Report) -> dict[str, float]:
    """Return the metrics that are finite numbers, with their names as they are."""
    found: dict[str, float] = {}
    for key, value in given.items():
        name, plain = named(key), number(value)
        if plain is None:
            left_out(f"metric {name}", f"{_called(value)} is not a number")
        elif fault := _number_fault(plain):
            left_out(f"metric {name}", fault)
        elif not name:
            left_out("a metric", "it has no name")
        else:
            found[name] = plain
    return found


def section(name: str, given: Any, left_out: Report) -> dict[str, Any]:
    """Return the values of a section of model.toml that a version can have."""
    if name == "metrics":
        return dict(metrics(given, left_out))
    found: dict[str, Any] = {}
    key = "model" if name == "about" else name
    _Values(left_out).add(found, (key,), given)
    return dict(found.get(key, {}))


def number(value: Any) -> float | int | None:
    """Return a number, also of numpy or torch; None for anything else."""
    try:
        plain = _item(value)
        if isinstance(plain, int):
            return int.__int__(plain)
        return float.__float__(plain) if isinstance(plain, float) else None
    except Exception:  # noqa: BLE001 - a number of other code
        return None


def named(key: Any) -> str:
    """Return the name of a key in one printable line."""
    text = str.__str__(key) if isinstance(key, str) else str(key)
    return "".join(char if char.isprintable() else " " for char in text).strip()[:MAX_NAME]


def labels(given: Any, left_out: Report) -> dict[int, str] | None:
    """Return classes by number, given so or in order; None if a version cannot have them."""
    found: Labelmap = ()
    try:
        pairs = given.items() if isinstance(given, Mapping) else enumerate(given)
        table = {str(_item(key)): str.__str__(name) if isinstance(name, str) else name for key, name in pairs}
        found = labelmaps.from_table(table, where="labelmap")
        fault = _fault(found)
    except errors.MvcError as error:
        fault = error.message
    except Exception:  # noqa: BLE001 - a mapping of other code
        fault = f"{_called(given)} is not a list of classes"
    if fault:
        left_out("labelmap", fault)
    return dict(found) if found and not fault else None


def _fault(found: Labelmap) -> str:
    """Return the rule of a commit that a labelmap breaks; "" if none. Gaps are no fault: they are declared."""
    nameless, shared = labelmaps.nameless(found), labelmaps.duplicates(found)
    if nameless:
        return f"class {nameless[0]} has no name"
    if shared:
        name, numbers = next(iter(shared.items()))
        return f"{len(numbers)} classes share the name {name!r}"
    return ""


class _Values:
    """The conversion of one section; keys that do not fit are reported one by one."""

    def __init__(self, left_out: Report) -> None:
        self._left_out = left_out
        self._count = 0

    def add(self, found: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
        """Set the last part of `path` in `found`, unless the value does not fit or is None."""
        try:
            plain = self._plain(path, value)
            if plain is not None:
                found[path[-1]] = plain
        except _UnfitError as unfit:
            self._leave_out(path, str(unfit))
        except errors.MvcError as error:
            self._leave_out(path, error.message)
        except Exception:  # noqa: BLE001 - a value of other code
            self._leave_out(path, f"{_called(value)} is not a value that model.toml has")

    def _leave_out(self, path: tuple[str, ...], reason: str) -> None:
        self._left_out(schema.dotted(path), reason)

    def _plain(self, path: tuple[str, ...], value: Any) -> Any:
        """Return `value` in the types of TOML. Raises _UnfitError, and what the value itself raises."""
        if len(path) > _MAX_DEPTH:
            raise _UnfitError(f"it is nested deeper than {_MAX_DEPTH}")
        pairs = _pairs(value)
        if pairs is not None:
            table: dict[str, Any] = {}
            for key, item in pairs:
                self.add(table, (*path, named(key)), item)
            return table
        self._count += 1
        if self._count > MAX_VALUES:
            raise _UnfitError(f"a version has at most {MAX_VALUES} values")
        plain = _leaf(value) if not isinstance(value, list | tuple | set | frozenset | range) else _list(value)
        if not path[-1]:
            raise _UnfitError("it has no name")
        if plain is not None:
            _check(plain, path)
        return plain


def _check(plain: Any, path: tuple[str, ...]) -> None:
    """Raise unless a version may have the value: no secret, no half of a surrogate pair, no number that is too large."""
    leaked = secrets.in_value(plain, path)
    if leaked:
        raise _UnfitError(f"it looks like a secret ({leaked[0].kind})")
    schema.check(plain, schema.find(path), path)
    f"{path}{plain}".encode()


def _leaf(value: Any) -> Any:
    """Return a text, a number or a truth value; None for None. Raises _UnfitError."""
    value = _item(value)
    if isinstance(value, enum.Enum):
        value = value.value if isinstance(value.value, bool | int | float | str) else value.name
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        plain = int.__int__(value) if isinstance(value, int) else float.__float__(value)
        if fault := _number_fault(plain):
            raise _UnfitError(fault)
        return plain
    if isinstance(value, str):
        text = str.__str__(value)
    elif isinstance(value, os.PathLike):
        text = os.fsdecode(value)
    elif callable(value) and isinstance(getattr(value, "__qualname__", None), str):
        text = value.__qualname__
    elif _called(value) in _AS_TEXT:
        text = str(value)
    else:
        raise _UnfitError(f"{_called(value)} is not a value that model.toml has")
    if len(text) > MAX_TEXT:
        raise _UnfitError(f"it is longer than {MAX_TEXT} characters")
    return text


def _number_fault(value: float) -> str:
    """Return why a version cannot have a number; "" if it can."""
    if isinstance(value, int):
        return "" if _INT_MIN <= value <= _INT_MAX else "it does not fit in 64 bits"
    return "" if math.isfinite(value) else f"{value} is not a finite number"


def _list(value: Any, depth: int = 0) -> list[Any]:
    """Return a list of texts, numbers, and lists and tables of these. Raises _UnfitError."""
    if len(value) > MAX_VALUES or depth > _MAX_DEPTH:
        raise _UnfitError(f"it has more than {MAX_VALUES} items, or is nested deeper than {_MAX_DEPTH}")
    items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
    return [item for item in (_list_item(item, depth + 1) for item in items) if item is not None]


def _list_item(value: Any, depth: int) -> Any:
    if isinstance(value, list | tuple | set | frozenset | range):
        return _list(value, depth)
    pairs = _pairs(value)
    if pairs is None:
        return _leaf(value)
    if depth > _MAX_DEPTH:
        raise _UnfitError(f"it is nested deeper than {_MAX_DEPTH}")
    table = {named(key): _list_item(item, depth + 1) for key, item in pairs}
    return {name: item for name, item in table.items() if item is not None}


def _pairs(value: Any) -> Iterator[tuple[Any, Any]] | None:
    """Return the keys and values of a mapping, a dataclass, or a namespace of arguments; None for anything else."""
    if isinstance(value, Mapping):
        return iter(list(value.items()))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return iter([(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)])
    if type(value).__name__.endswith("Namespace"):
        return iter(list(vars(value).items()))
    return None


def _item(value: Any) -> Any:
    """Return the number in an array of one number, as numpy and torch have them; else `value`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    count = value.numel() if callable(getattr(value, "numel", None)) else getattr(value, "size", None)
    return value.item() if type(count) is int and count == 1 and callable(getattr(value, "item", None)) else value


def _called(value: Any) -> str:
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
