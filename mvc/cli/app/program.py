"""The click program: a group that loads a verb when it is used."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import click

import mvc
from mvc import lazy
from mvc.cli.app import options
from mvc.cli.app.command import Helped
from mvc.cli.app.main import BROKEN_PIPE, VERBS
from mvc.cli.app.stop import INTERRUPTED, Ended
from mvc.cli.git import forms
from mvc.cli.output import screen

HELP = """Git for model versions: immutable, comparable snapshots of computer-vision models."""
EPILOG = "Run `mvc COMMAND --help` for details. Start with `mvc init --model NAME`."


class Program(Helped, click.Group):
    """All verbs, each loaded when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names, in the order in which a newcomer needs them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a verb; return None if it does not exist."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = lazy.load(f"mvc.cli.{VERBS[cmd_name][0]}").command
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the options before the verb; `--help` ends here."""
        with _past_click():
            return super().make_context(info_name, forms.leading(args), parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb."""
        with _past_click():
            return super().invoke(ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete verbs, without loading them, and options."""
        item = lazy.load("click.shell_completion").CompletionItem
        verbs = [item(name, help=text) for name, (_, text) in VERBS.items() if name.startswith(incomplete)]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a verb; raises UsageError, with what to use instead, if it does not exist."""
        args = _in_own_words(ctx, args)
        if args and args[0] not in VERBS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(lazy.load("mvc.cli.git.words").unknown_verb(args[0], VERBS), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


def _in_own_words(ctx: click.Context, args: list[str]) -> list[str]:
    """Return the arguments, with mvc's command instead of one of Git's."""
    if ctx.resilient_parsing or not args or (args[0] in VERBS and args[0] not in forms.PARTLY):
        return args
    if args == ["help"]:
        click.echo(ctx.get_help())
        ctx.exit()
    own: list[str] | None = lazy.load("mvc.cli.git.verbs").translated(args)
    if own is None:
        if args[:1] == ["reflog"] and args[1:2] and args[1] in lazy.load("mvc.cli.git.words").SUBVERBS["reflog"]:
            raise click.UsageError(lazy.load("mvc.cli.git.words").unknown_subverb("reflog", args[1:], ()), ctx)
        return args
    if args[0] != "help":
        invocation = options.run_of(ctx)
        invocation.note(f"hint: running `mvc {lazy.load('shlex').join(own)}`, which does Git's {args[0]}")
    return own


@contextlib.contextmanager
def _past_click() -> Iterator[None]:
    """Pass Ctrl-C and a closed pipe around click, which would turn them into other errors."""
    try:
        yield
    except KeyboardInterrupt:
        raise Ended(INTERRUPTED) from None
    except BrokenPipeError:
        raise Ended(BROKEN_PIPE) from None


def make() -> Program:
    """Return the program."""
    settings = {"help_option_names": ["-h", "--help"]}
    made = Program(
        "mvc", help=HELP, epilog=EPILOG, context_settings=settings, params=options.free(), no_args_is_help=False
    )
    version = click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_version,
        help="Print the version of mvc.",
    )
    made.params.append(version)
    made.invoke_without_command = True
    made.callback = _without_verb
    return made


def program(arguments: list[str]) -> int:
    """Run it; return the exit code. Raises the errors of the verb and of click."""
    screen.prepare([stream for stream in (sys.stdout, sys.stderr) if stream is not None], os.environ)
    try:
        result = make().main(arguments, "mvc", standalone_mode=False, obj=arguments)
    except SystemExit as end:  # click ends a completion request so
        result = end.code
    return result if isinstance(result, int) else 0


def _without_verb() -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        context.exit(2)


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"mvc {mvc.__version__}")
        context.exit()
