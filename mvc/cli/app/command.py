"""The class of every verb: knows Git's spellings, and which arguments stand after `--`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mvc.cli.git import forms

_PATHS = "mvc.paths"


class Command(click.Command):
    """Keeps the arguments after `--`, which click removes: they are paths, even if a branch has that name."""

    git = True
    """True for a verb of the program, whose options may be Git's; False for a sub-verb."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, in mvc's spelling."""
        ctx.meta[_PATHS] = args[args.index("--") + 1 :] if "--" in args else []
        return super().parse_args(ctx, forms.rewritten(str(self.name), args) if self.git else args)


def divided(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words before `--`, and those after it."""
    paths = tuple(click.get_current_context().meta.get(_PATHS, ()))
    return tuple(words[: len(words) - len(paths)]), paths
