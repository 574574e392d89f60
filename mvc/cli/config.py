"""`mvc config`: its options, arguments and output."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import click

from mvc import errors
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.porcelain import config
from mvc.storage.records.config import Setting


@verb("config")
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.option("--global", "user", is_flag=True, help="Use the user's settings only, which apply to all repositories.")
@click.option("--unset", "remove", is_flag=True, help="Remove the setting KEY.")
@click.option("-l", "--list", "listed", is_flag=True, help="List all settings in effect.")
@click.option("--show-origin", is_flag=True, help="With --list: show the file that each setting comes from.")
def command(
    invocation: Invocation,
    key: str | None,
    value: str | None,
    user: bool,
    remove: bool,
    listed: bool,
    show_origin: bool,
) -> int:
    """Get and set repository or user settings.

    With KEY, print its value; with KEY and VALUE, set it. Without arguments, list all settings. Example: mvc config
    user.name "Ana Silva".

    Without --global, the settings in effect are printed: those of the repository take precedence over the user's.
    """
    if key is not None and "=" in key and value is None:
        name, _, text = key.partition("=")
        raise click.UsageError(f"a setting and its value are two words: `mvc config {name} {shlex.quote(text)}`")
    if key is not None and (listed or show_origin):
        raise click.UsageError("--list and --show-origin take no KEY")
    if remove and (listed or key is None or value is not None):
        raise click.UsageError("--unset takes a KEY, and nothing else: `mvc config --unset user.name`")
    settings = invocation.settings()
    if key is None or listed:
        shown = settings.own() if user else settings.all()
        invocation.emit("config", {"settings": shown}, lambda: _lines(shown, origin=show_origin))
        return 0
    if (remove or value is not None) and not user:
        with contextlib.suppress(errors.NoRepository):
            invocation.writer()
    if remove:
        removed = settings.unset(key, user=user)
        if not removed:
            invocation.note(
                f"{escape(key)} is not set in {'your settings' if user else 'this repository'}; nothing was changed"
            )
        return int(not removed)
    if value is not None:
        config.set_value(settings, key, value, user=user, repository=invocation.repository_if_any())
        return 0
    setting = settings.get(key, user=user)
    if setting is not None:
        invocation.emit("config", {"key": key, "value": setting}, lambda: [escape(_text(setting))])
    return int(setting is None)


def _lines(settings: Sequence[Setting], *, origin: bool) -> Iterator[str]:
    for setting in settings:
        yield (f"{setting.origin}\t" if origin else "") + escape(f"{setting.key}={_text(setting.value)}")


def _text(value: Any) -> str:
    """Return a value as it is given to `mvc config`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return shlex.join(map(str, value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
