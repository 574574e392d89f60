"""Options of the verbs that transfer data: parallel transfers, rate, remote."""

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
    """Bytes per second, as `500K` or `20M`."""

    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number; fails with an example if it is invalid."""
        match = _RATE.match(str(value))
        if match is None or not float(match[1]):
            self.fail(f"{value!r} is not a rate; write 500K, 20M or 1G", param, ctx)
        return float(match[1]) * _UNITS[match[2].lower()]


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--jobs` and `--limit` to a verb."""
    jobs = click.option(
        "-j",
        "--jobs",
        type=click.IntRange(1, 64),
        default=JOBS,
        show_default=True,
        help="Number of parallel transfers.",
    )
    limit = click.option("--limit", type=Rate(), metavar="RATE", help="Maximum bytes per second, such as 20M.")
    return jobs(limit(function))


def given_settings(settings: Iterable[str]) -> dict[str, str]:
    """Parse KEY=VALUE options."""
    parsed = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{setting!r} is not an option; write KEY=VALUE")
        parsed[key] = value
    return parsed


def remote_of(invocation: Invocation, given: str | None, model: str | None = None) -> str:
    """Return the remote: as named, MVC_REMOTE, the upstream, origin, or the only one."""
    return given or invocation.environ.get("MVC_REMOTE") or connection.default_remote(invocation.repository(), model)
