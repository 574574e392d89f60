"""The class of every verb: knows Git's spellings, and which arguments stand after `--`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc.cli.git import forms

_PATHS = "mvc.paths"


class Helped(click.Command):
    """Has the option for help from here: click searches the disk for a translation of its text in each run."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option."""
        names = self.get_help_option_names(ctx)
        if names and self._help_option is None:
            self._help_option = click.Option(
                [*names, "_help"],
                is_flag=True,
                expose_value=False,
                is_eager=True,
                callback=_show_help,
                help="Show this message and exit.",
            )
        return super().get_help_option(ctx)


def _show_help(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(context.get_help(), color=context.color)
        context.exit()


class Command(Helped):
    """Keeps the arguments after `--`, which click removes: they are paths, even if a branch has that name."""

    git = True
    """True for a verb of the program, whose options may be Git's; False for a sub-verb."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, in mvc's spelling."""
        ctx.meta[_PATHS] = args[args.index("--") + 1 :] if "--" in args else []
        args = forms.rewritten(str(self.name), args) if self.git else args
        end = args.index("--") if "--" in args else len(args)
        bare = {name: f"{name}={value}" for name, value in self._bare_values()}
        return super().parse_args(ctx, [bare.get(arg, arg) for arg in args[:end]] + args[end:])

    def _bare_values(self) -> Iterator[tuple[str, str]]:
        """Yield each option whose value may be left out, with the value that it then has.

        A given value comes after `=`, as with Git's `--color`: the next word is an argument.
        """
        for option in self.params:
            if isinstance(option, click.Option) and not option.is_flag and isinstance(option.flag_value, str):
                yield from ((name, option.flag_value) for name in option.opts)


def divided(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words before `--`, and those after it."""
    paths = tuple(click.get_current_context().meta.get(_PATHS, ()))
    return tuple(words[: len(words) - len(paths)]), paths
