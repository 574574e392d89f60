"""Values as a browser holds them: whole numbers that it would round, such as seeds, become texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LARGEST = (1 << 53) - 1


def exact(value: Any) -> Any:
    """Return a value with every whole number beyond 53 bits as a text."""
    if isinstance(value, Mapping):
        return {key: exact(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [exact(each) for each in value]
    return str(value) if type(value) is int and abs(value) > _LARGEST else value
