"""Calls and answers of the stand-in platform, and which function answers which path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)

    def asks_for(self, row: Mapping[str, Any], *keys: str) -> bool:
        """Whether the query names one of `keys`, and the row has that value."""
        return any(key in self.query and str(row[key]) == self.query[key] for key in keys)

    @property
    def shape(self) -> str:
        """The call without the ids in it."""
        return f"{self.method} {re.sub(r'[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}', '*', self.path)}"


@dataclass(frozen=True)
class Answer:
    """One answer: JSON, or bytes as they are."""

    status: int
    value: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return json.dumps(self.value).encode() if self.value is not None else b""


class Refusal(Exception):  # noqa: N818 - it is an answer
    """Answered with a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Router(Generic[T]):
    """Functions by method and path; `{x}` in a path is an argument."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = []

    def route(self, method: str, path: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + r"\Z")

        def register(function: Callable[..., Answer]) -> Callable[..., Answer]:
            self._routes.append((method, pattern, function))
            return function

        return register

    def include(self, other: Router[T]) -> None:
        """Route what the other one does, too."""
        self._routes += other._routes

    def answer(self, owner: T, call: Call) -> Answer:
        for method, pattern, function in self._routes:
            match = pattern.match(call.path)
            if method == call.method and match:
                return function(owner, call, **match.groupdict())
        raise Refusal(404, f"There is no {call.method} {call.path}")
