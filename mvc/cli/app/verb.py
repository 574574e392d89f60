"""Decorators that turn a function into a verb: a click command with the global options and the Invocation."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from mvc import lazy
from mvc.cli.app import options
from mvc.cli.app.command import Command, Helped
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.warnings import Warnings
from mvc.cli.git import forms
from mvc.storage.disk import unsupported

_SETTINGS = {"help_option_names": ["-h", "--help"]}
_NO_EFFECT = "Accepted as in Git, without an effect."


class Group(Helped, click.Group):
    """A verb with sub-verbs."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a sub-verb; raises UsageError, with what to use instead, if it does not exist."""
        if args and args[0] not in self.commands and not args[0].startswith("-") and not ctx.resilient_parsing:
            words = lazy.load("mvc.cli.git.words")
            raise click.UsageError(words.unknown_subverb(str(self.name), args, self.commands), ctx)
        return super().resolve_command(ctx, args)


def verb(
    name: str,
    *,
    cls: type[Command] = Command,
    git: bool = True,
    needs: options.Needs | None = None,
    apart: options.Apart = (),
) -> Callable[[Callable[..., Any]], click.Command]:
    """Turn a function into a verb; its first argument is the Invocation, click's decorators add the others.

    With `git`, it accepts the options of Git's verb of that name that need no effect. `needs` names for an option those of which it
    needs one, and `apart` pairs of options of which one has no effect beside the other.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            if needs or apart:
                options.check_partners(click.get_current_context(), needs or {}, apart)
            invocation = _invocation()
            try:
                result = function(invocation, *arguments, **named)
            finally:
                invocation.note_hooks()
            invocation.note_left_alone()
            invocation.note_skipped()
            return result

        command = click.command(name, cls=cls, context_settings=_SETTINGS)(called)
        command.git = git
        for parameter in command.params:
            _make_complete(parameter)
        command.params += [
            click.Option([option, f"_{number}"], is_flag=True, hidden=True, expose_value=False, help=_NO_EFFECT)
            for number, option in enumerate(forms.accepted(name) if git else ())
        ]
        own = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        command.params += options.free(own)
        return command

    return decorate


def group(name: str, *, cls: type[Group] = Group, **attributes: Any) -> Callable[[Callable[..., Any]], click.Group]:
    """Turn a function into a group of sub-verbs (`mvc alias set`); it runs if no sub-verb is named."""

    def decorate(function: Callable[..., Any]) -> click.Group:
        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            if click.get_current_context().invoked_subcommand is not None:
                return None
            invocation = _invocation()
            result = function(invocation, *arguments, **named)
            invocation.note_skipped()
            return result

        settings = {"invoke_without_command": True, "context_settings": _SETTINGS, **attributes}
        made: click.Group = click.group(name, cls=cls, **settings)(called)
        made.params += options.free()
        return made

    return decorate


def subverb(
    above: click.Group, name: str, *, cls: type[Command] = Command
) -> Callable[[Callable[..., Any]], click.Command]:
    """Add a sub-verb to a group."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        command = verb(name, cls=cls, git=False)(function)
        above.add_command(command)
        return command

    return decorate


def _make_complete(parameter: click.Parameter) -> None:
    """Complete a text by what its metavar names, unless its type or its own function completes it."""
    if parameter.type is click.STRING and parameter._custom_shell_complete is None:  # noqa: SLF001 - `shell_complete`
        parameter._custom_shell_complete = _items  # noqa: SLF001


def _items(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    completions: list[Any] = lazy.load("mvc.cli.app.complete").items(context, parameter, incomplete)
    return completions


def _invocation() -> Invocation:
    """Return the Invocation; raises BadArgumentUsage for an empty argument, as an unset shell variable leaves it."""
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.params.get(parameter.name or "")
        if isinstance(parameter, click.Argument) and "" in (given if isinstance(given, tuple) else (given,)):
            raise click.BadArgumentUsage(f"{parameter.make_metavar(context)} is empty; is a shell variable unset?")
    invocation = options.run_of(context)
    unsupported.on_unsupported = Warnings(invocation)
    invocation.note_homeless()
    return invocation
