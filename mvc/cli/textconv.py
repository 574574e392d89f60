"""`mvc textconv`: its arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app import tensors as tensor_lines
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.model import tensor_count
from mvc.model.segment import Segment
from mvc.porcelain.textconv import Converted, textconv

_DIGITS = 16


@verb("textconv")
@click.argument("file", metavar="FILE")
def command(invocation: Invocation, file: str) -> None:
    """Print the tensors of a file, for `git diff`.

    Git runs it for each side of a diff once `mvc init --git-diff` has set it up. It prints a line for each class that
    the file names, and one for each tensor: name, dtype, shape, and the digest of the weights. A file without tensors, or a
    damaged one, is one line. Nothing is written, and no repository of mvc is needed.
    """
    converted = textconv(invocation.cwd / file, file, invocation.cwd)
    invocation.emit("textconv", converted, lambda: _lines(converted), ids=[converted.file], wrap=False)


def _lines(converted: Converted) -> Iterator[str]:
    """Yield lines that do not depend on each other, so that a diff shows only what differs."""
    count = tensor_count.count(converted.tensors)
    if count is None:
        content = (
            f"sha256:{converted.pointer}"
            if converted.pointer
            else f"{converted.size} bytes, {converted.file[:_DIGITS]}"
        )
        yield f"{content}: {escape(converted.reason or '')}"
        return
    yield tensor_lines.held(count)
    yield from (f"class {number} {escape(name)}" for number, name in converted.classes)
    yield from map(_line, converted.tensors)


def _line(tensor: Segment) -> str:
    shape = "?" if tensor.shape is None else f"[{', '.join(map(str, tensor.shape))}]"
    return f"{escape(tensor.name) or '-'} {escape(tensor.dtype) or '-'} {shape} {tensor.digest[:_DIGITS]}"
