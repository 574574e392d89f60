"""`mvc get`: its options, arguments and output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, style
from mvc.cli.app.verb import verb
from mvc.model.toml.keys import parse_key
from mvc.model.toml.schema import Path, dotted
from mvc.porcelain import edit
from mvc.porcelain.edit import Got
from mvc.repository.model import Model


@verb("get")
@click.argument("key", required=False)
def command(invocation: Invocation, key: str | None) -> None:
    """Print a value of model.toml, or all values.

    A value that a file of [from] holds is read from there.
    """
    got = edit.got(Model(invocation.repository(), invocation.model()), key)
    if key is not None and (origin := got.origin(parse_key(key))) is not None:
        invocation.note(f"note: {key} comes from {escape(origin)}")
    invocation.emit("get", got, lambda: _lines(got, got.value, ()))


def _lines(got: Got, node: Any, above: Path) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _lines(got, value, (*above, str(name)))
        return
    text = node if isinstance(node, str) else json.dumps(node, ensure_ascii=False)
    origin = got.origin(above) if above else None
    comment = style(f"  # from {escape(origin)}", dim=True) if origin is not None else ""
    yield f"{escape(dotted(above))} = {escape(text)}{comment}" if above else escape(text)
