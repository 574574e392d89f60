"""Refspecs of a push as Git writes them: `HEAD`, `refs/heads/main`, `tag v1.0`, `+main`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import click

_KIND = re.compile(r"(^|:)refs/(?=(?:heads|tags|aliases)/)")
_HEAD = re.compile(r"(?:HEAD|@)(?=:|\Z)")


def own(specs: Sequence[str], branch: str | None, remote: str) -> tuple[str, ...]:
    """Return the refspecs in mvc's spelling; HEAD is `branch`, if any: no ref is deleted by that name.

    Raises UsageError for `+main`, which would discard what others pushed.
    """
    forced = [spec for spec in specs if spec.startswith("+")]
    if forced:
        plain = shlex.join(spec.removeprefix("+") for spec in specs)
        raise click.UsageError(
            f"{forced[0]} could discard what others pushed; use `mvc push --force-with-lease {remote} {plain}`"
        )
    words = [spec for number, spec in enumerate(specs) if spec != "tag" or number + 1 == len(specs)]
    named = (_KIND.sub(r"\1", word) for word in words)
    return tuple(_HEAD.sub(branch, word, count=1) if branch and _HEAD.match(word) else word for word in named)
