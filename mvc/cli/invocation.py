"""One run of the program: what it was asked, where, by whom. The only place that reads the environment and the clock."""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from mvc import errors, lazy
from mvc.cli import terminal
from mvc.cli.progress import Progress
from mvc.model.version import Code, Person, Timestamp
from mvc.repository import discovery
from mvc.repository.repository import Actor, Repository
from mvc.storage.config import Config

GLOBAL = "global"
"""Where click keeps the options that hold for every verb."""


@dataclass
class Invocation:
    """What every verb needs to know of its run."""

    cwd: Path
    environ: Mapping[str, str]
    root: Path | None = None
    model_key: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: int = 0
    pager: bool = True
    progress_mode: str = "auto"
    lock_timeout: float | None = None
    _repository: Repository | None = field(default=None, repr=False)

    # --- where

    @property
    def user_config(self) -> Path | None:
        """The file of a person's own settings."""
        if self.environ.get("MVC_CONFIG"):
            return Path(self.environ["MVC_CONFIG"])
        base = self.environ.get("XDG_CONFIG_HOME")
        home = self.environ.get("HOME")
        folder = Path(base) if base else Path(home) / ".config" if home else None
        return folder / "mvc" / "config.toml" if folder else None

    def find_root(self) -> Path:
        """The folder that holds `.mvc`; raises NoRepository."""
        return self.root or discovery.find_root(self.cwd)

    def repository(self) -> Repository:
        """The repository of this run, opened once; raises NoRepository and what is wrong with it."""
        if self._repository is None:
            root = self.find_root()
            self._repository = Repository(root, user_config=self.user_config, lock_timeout=self.lock_timeout)
        return self._repository

    def model(self) -> str:
        """The model that is meant; raises WhichModel, NoModel and the like."""
        return discovery.find_model(self.repository(), self.cwd, self.model_key)

    def settings(self) -> Config:
        """The settings in force, also outside any repository."""
        try:
            return self.repository().config
        except errors.NoRepository:
            return Config(None, self.user_config)

    # --- who and when

    def now(self) -> Timestamp:
        """This moment, as the clock on the wall shows it."""
        seconds = int(time.time())
        return Timestamp(seconds, time.localtime(seconds).tm_gmtoff // 60)

    def date(self) -> Timestamp:
        """MVC_AUTHOR_DATE, else now."""
        given = self.environ.get("MVC_AUTHOR_DATE")
        now = self.now()
        return Timestamp.parse(given, offset=now.offset) if given else now

    def actor(self, *, tell: bool = False) -> Actor:
        """Who acts: MVC_AUTHOR_*, the settings, Git's settings, or else user@host with a note."""
        config = self.repository().config
        name = self.environ.get("MVC_AUTHOR_NAME") or config.get("user.name")
        email = self.environ.get("MVC_AUTHOR_EMAIL") or config.get("user.email")
        if not name or not email:
            git = lazy.load("mvc.repository.provenance").identity(self.cwd) or (None, None)
            name, email = name or git[0], email or git[1]
        if not name or not email:
            login = self._login()
            name, email = name or login, email or f"{login}@{os.uname().nodename}"
            missing = [key for key in ("user.name", "user.email") if not config.get(key)]
            if tell:
                self.note(f"signed as {name} <{email}>; `mvc config --global {missing[0]} ...` says who you are")
        return Actor(Person.parse(f"{name} <{email}>"), self.date())

    def _login(self) -> str:
        try:
            return str(lazy.load("getpass").getuser())
        except (KeyError, OSError):
            return "nobody"

    def code(self, own: Sequence[str]) -> Code | None:
        """The Git commit of the training code, the model's `own` files (from the root) left out; None without Git."""
        if not any((above / ".git").exists() for above in (self.cwd, *self.cwd.parents)):
            return None
        root = self.repository().root
        code: Code | None = lazy.load("mvc.repository.provenance").code_of(self.cwd, [root / path for path in own])
        return code

    # --- what is said

    def emit(
        self,
        command: str,
        document: Callable[[], Mapping[str, Any]],
        text: Callable[[], Iterable[str]],
        *,
        ids: Sequence[str] = (),
        page: bool = False,
    ) -> None:
        """Answer on stdout: one JSON document, the ids alone (`-q`), or lines for people, which are escaped already."""
        if self.json:
            body = {"schema": f"mvc.{command}/1", **document()}
            self._write(json.dumps(body, ensure_ascii=False, default=str) + "\n")
        elif self.quiet:
            self._write("".join(f"{id_}\n" for id_ in ids))
        elif page and self.pager and sys.stdout.isatty():
            lazy.load("mvc.cli.pager").page("".join(f"{line}\n" for line in text()), self._pager(), self.environ)
        else:
            for line in text():
                self._write(f"{line}\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Say something beside the answer, on stderr."""
        if not self.quiet and not self.json:
            sys.stderr.write(f"{terminal.escape(text, keep_newlines=True)}\n")

    def progress(self, label: str, total: int = 0) -> Progress:
        """Progress of work on `total` bytes."""
        mode = self.progress_mode
        if mode == "auto":
            mode = self.environ.get("MVC_PROGRESS") or str(self.settings().get("ui.progress") or "auto")
        return Progress(label, total, "none" if self.quiet or mode not in ("auto", "bar", "plain") else mode)

    def _pager(self) -> str | None:
        pager = self.settings().get("ui.pager")
        return str(pager) if pager else None

    @staticmethod
    def _write(text: str) -> None:
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:  # a terminal without UTF-8
            sys.stdout.write(text.encode("ascii", "backslashreplace").decode())


_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("-C", "directory"), {"metavar": "DIR", "help": "Run in DIR."}),
    (("--repo", "repo"), {"metavar": "PATH", "help": "The folder that holds .mvc."}),
    (("--model", "model_key"), {"metavar": "NAME", "help": "The model meant."}),
    (("-q", "--quiet", "quiet"), {"is_flag": True, "help": "Print ids only, or nothing."}),
    (("-v", "--verbose", "verbose"), {"count": True, "help": "Say more."}),
    (("--json", "as_json"), {"is_flag": True, "help": "Answer with a JSON document."}),
    (("--color", "color"), {"type": click.Choice(["auto", "always", "never"]), "help": "When to use colour."}),
    (("--no-pager", "no_pager"), {"is_flag": True, "help": "Do not use a pager."}),
    (
        ("--progress", "progress"),
        {"type": click.Choice(["auto", "bar", "plain", "none"]), "help": "How to show progress."},
    ),
    (
        ("--lock-timeout", "lock_timeout"),
        {"type": click.FloatRange(min=0), "metavar": "SEC", "help": "How long to wait for another command."},
    ),
)
NAMES = tuple(declarations[-1] for declarations, _ in _OPTIONS)


class GlobalOption(click.Option):
    """An option that every verb takes, before or after its name; help shows those of the program only."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Its line in the help of the program, none in a verb's."""
        return super().get_help_record(ctx) if ctx.parent is None else None


def options(taken: Iterable[str] = ()) -> list[click.Parameter]:
    """The options for every verb, without those letters and words that a verb uses itself."""
    used = set(taken)
    made: list[click.Parameter] = []
    for declarations, attributes in _OPTIONS:
        free = [each for each in declarations if each not in used]
        if any(each.startswith("-") for each in free):
            made.append(GlobalOption(free, expose_value=False, callback=_remember, **attributes))
    return made


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Keep what was given; given twice, the verb's wins."""
    given = context.find_root().meta.setdefault(GLOBAL, {})
    if value:
        given[parameter.name] = given.get(parameter.name, 0) + value if parameter.name == "verbose" else value
    return value


def of(context: click.Context) -> Invocation:
    """The run that click's context belongs to."""
    given = context.find_root().meta.get(GLOBAL, {})
    environ = os.environ
    cwd = Path(os.path.abspath(given.get("directory") or "."))
    if not cwd.is_dir():
        raise click.UsageError(f"{cwd} is not a folder")
    root = given.get("repo") or environ.get("MVC_DIR")
    timeout = given.get("lock_timeout", environ.get("MVC_LOCK_TIMEOUT"))
    terminal.decide_colour(given.get("color", "auto"), environ)
    return Invocation(
        cwd=cwd,
        environ=environ,
        root=_root(cwd, root) if root else None,
        model_key=given.get("model_key") or environ.get("MVC_MODEL"),
        json=bool(given.get("as_json")),
        quiet=bool(given.get("quiet")),
        verbose=given.get("verbose", 0),
        pager=not given.get("no_pager"),
        progress_mode=given.get("progress", "auto"),
        lock_timeout=_seconds(timeout),
    )


def _root(cwd: Path, text: str) -> Path:
    """The folder that holds `.mvc`; the `.mvc` itself is fine too."""
    path = cwd / text
    return path.parent if path.name == ".mvc" else path


def _seconds(value: object) -> float | None:
    try:
        return None if value is None else float(str(value))
    except ValueError:
        raise click.UsageError(f"MVC_LOCK_TIMEOUT is {value!r}, not a number of seconds") from None


def verb(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a verb of a function whose first argument is the Invocation; click's decorators give it the others."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            return function(of(click.get_current_context()), *arguments, **named)

        settings = {"help_option_names": ["-h", "--help"]}
        command: click.Command = click.command(name, context_settings=settings, **attributes)(called)  # type: ignore[no-untyped-call]
        own = {each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)}
        command.params += options(own)
        return command

    return decorate


def group(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], click.Group]:
    """Make a group of sub-verbs (`mvc alias set`); the function is run when no sub-verb is named."""

    def decorate(function: Callable[..., Any]) -> click.Group:
        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            context = click.get_current_context()
            return None if context.invoked_subcommand else function(of(context), *arguments, **named)

        settings = {"help_option_names": ["-h", "--help"]}
        made: click.Group = click.group(name, invoke_without_command=True, context_settings=settings, **attributes)(
            called
        )  # type: ignore[no-untyped-call]
        made.params += options()
        return made

    return decorate


def subverb(above: click.Group, name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a verb below another."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        command = verb(name)(function)
        above.add_command(command)
        return command

    return decorate
