"""What makes a verb of a function: click's command, with the options for every verb and the run as first argument."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from mvc.cli.app import options
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.warnings import Warnings
from mvc.storage.disk import unsupported

_SETTINGS = {"help_option_names": ["-h", "--help"]}


def verb(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a verb of a function whose first argument is the Invocation; click's decorators give it the others."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            invocation = _invocation()
            result = function(invocation, *arguments, **named)
            invocation.note_left_alone()
            return result

        command: click.Command = click.command(name, context_settings=_SETTINGS, **attributes)(called)  # type: ignore[no-untyped-call]
        own = {each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)}
        command.params += options.free(own)
        return command

    return decorate


def group(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], click.Group]:
    """Make a group of sub-verbs (`mvc alias set`); the function is run when no sub-verb is named."""

    def decorate(function: Callable[..., Any]) -> click.Group:
        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            alone = click.get_current_context().invoked_subcommand is None
            return function(_invocation(), *arguments, **named) if alone else None

        made: click.Group = click.group(name, invoke_without_command=True, context_settings=_SETTINGS, **attributes)(
            called
        )  # type: ignore[no-untyped-call]
        made.params += options.free()
        return made

    return decorate


def subverb(above: click.Group, name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a verb below another."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        command = verb(name)(function)
        above.add_command(command)
        return command

    return decorate


def _invocation() -> Invocation:
    """The run; an empty argument, which an unset variable of a shell leaves, is refused: it would stand for anything."""
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.params.get(parameter.name or "")
        if isinstance(parameter, click.Argument) and "" in (given if isinstance(given, tuple) else (given,)):
            raise click.BadArgumentUsage(f"{parameter.make_metavar(context)} is empty; is a variable not set?")
    invocation = options.run_of(context)
    unsupported.on_unsupported = Warnings(invocation)
    return invocation
