"""`mvc get`: its options, arguments and output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.porcelain import edit
from mvc.repository.model import Model


@verb("get")
@click.argument("key", required=False)
def command(invocation: Invocation, key: str | None) -> None:
    """Print a value of model.toml, or all values."""
    value = edit.get(Model(invocation.repository(), invocation.model()), key)
    invocation.emit("get", {"key": key, "value": value}, lambda: _lines(value, ""))


def _lines(node: Any, above: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _lines(value, f"{above}.{name}" if above else str(name))
        return
    text = node if isinstance(node, str) else json.dumps(node, ensure_ascii=False)
    yield f"{escape(above)} = {escape(text)}" if above else escape(text)
