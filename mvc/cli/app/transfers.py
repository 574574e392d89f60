"""What the verbs that talk to a remote have in common: how many transfers, how fast, which remote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import click

from mvc.cli.app.invocation import Invocation
from mvc.remotes.remote import JOBS
from mvc.transport import connection

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?(?:b?(?:/s)?)\Z", re.IGNORECASE)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


class Rate(click.ParamType):  # type: ignore[type-arg]
    """Bytes a second, as `500K` or `20M`."""

    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; fails with how to write it."""
        match = _RATE.match(str(value))
        if match is None or not float(match[1]):
            self.fail(f"{value!r} is no rate; write it as 500K, 20M or 1G", param, ctx)
        return float(match[1]) * _UNITS[match[2].lower()]


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb `--jobs` and `--limit`."""
    jobs = click.option(
        "-j", "--jobs", type=click.IntRange(1, 64), default=JOBS, show_default=True, help="Transfers at once."
    )
    limit = click.option("--limit", type=Rate(), metavar="RATE", help="Bytes a second at most, as 20M.")
    return jobs(limit(function))


def given_settings(settings: Iterable[str]) -> dict[str, str]:
    """What was given as KEY=VALUE."""
    found = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{setting!r} is no setting; write it as KEY=VALUE")
        found[key] = value
    return found


def remote_of(invocation: Invocation, given: str | None, model: str | None = None) -> str:
    """The remote that is meant: the one named, MVC_REMOTE, the one that the branch follows, origin, or the only one."""
    return given or invocation.environ.get("MVC_REMOTE") or connection.default_remote(invocation.repository(), model)
