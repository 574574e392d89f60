"""One run of the program: what it was asked, where, by whom."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.cli.app import terminal
from mvc.environment import Environment
from mvc.model.version import Code, Timestamp
from mvc.repository import discovery
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.config import Config

if TYPE_CHECKING:
    from mvc.cli.app.progress import Progress
    from mvc.images.registries import Registries

if TYPE_CHECKING:
    from mvc.cli.app import pager, progress
    from mvc.images import registries
else:
    pager = lazy.Module("mvc.cli.app.pager")
    progress = lazy.Module("mvc.cli.app.progress")
    registries = lazy.Module("mvc.images.registries")


@dataclass(frozen=True)
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
    offline: bool = False

    # --- where

    @property
    def user_config(self) -> Path | None:
        """The file of a person's own settings."""
        return self.environment.user_config

    @property
    def trusted_hosts(self) -> str:
        """The hosts that MVC_TRUSTED_HOSTS lists."""
        return self.environment.trusted_hosts

    def find_root(self) -> Path:
        """The folder that holds `.mvc`; raises NoRepository."""
        return self.root or discovery.find_root(self.cwd)

    def repository(self) -> Repository:
        """The repository of this run, opened once; raises NoRepository and what is wrong with it."""
        return self._opened

    def writer(self) -> Repository:
        """The same, for a verb that writes: an interrupted change is rolled forward before anything is looked up in it."""
        done = self._opened.roll_forward()
        if done is not None:
            kept = f"; edited since and left alone: {', '.join(done.edited)}" if done.edited else ""
            self.note(f"completed the interrupted `mvc {done.verb}`{kept}")
        return self._opened

    def repository_to_check(self) -> Repository:
        """The same, also where a clone is unfinished."""
        return Repository(
            self.find_root(),
            user_config=self.user_config,
            offline=self.offline,
            trusted_hosts=self.trusted_hosts,
            unfinished=True,
        )

    def note_left_alone(self) -> None:
        """Name the files that the verb did not write, since they were edited while it ran."""
        paths = self._opened.left_alone if "_opened" in self.__dict__ else []
        if paths:
            self.note(f"warning: edited while the command was running, and left alone: {', '.join(paths)}")

    @functools.cached_property
    def _opened(self) -> Repository:
        return Repository(
            self.find_root(),
            user_config=self.user_config,
            lock_timeout=self.lock_timeout,
            offline=self.offline,
            trusted_hosts=self.trusted_hosts,
        )

    def model(self) -> str:
        """The model that is meant; raises WhichModel, NoModel and the like."""
        return discovery.find_model(self.repository(), self.cwd, self.model_key)

    def settings(self) -> Config:
        """The settings in force, also outside any repository."""
        try:
            return self.repository().config
        except errors.NoRepository:  # or one that is no whole one yet
            return Config(None, self.user_config)

    def require_network(self, what: str) -> None:
        """Raise Offline if this run is to do without a network; `what` would be asked."""
        if self.offline:
            raise errors.Offline(what=what)

    def registries(self) -> Registries:
        """The registries of images, with docker's own logins; raises Offline."""
        self.require_network("The registry of the image")
        return registries.Registries(self.environ)

    # --- who and when

    @functools.cached_property
    def environment(self) -> Environment:
        """The folder and the variables of this run."""
        return Environment(self.cwd, self.environ)

    def now(self) -> Timestamp:
        """This moment, as the clock on the wall shows it."""
        return self.environment.now()

    def actor(self, *, tell: bool = False) -> Actor:
        """Who acts, and when; with `tell`, a note says which settings are missing."""
        found = self.environment.identity(self.settings())
        if found.guessed and tell:
            say = " and ".join(f"`mvc config --global {key} ...`" for key in found.guessed)
            self.note(f"signed as {found.person}; {say} say{'s' * (len(found.guessed) == 1)} who you are")
        return Actor(found.person, self.environment.date())

    def code(self, own: Sequence[str]) -> Code | None:
        """The Git commit of the training code, the model's `own` files (from the root) left out; None without Git."""
        return self.environment.code(self.repository().root, own)

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
        if "_opened" in self.__dict__ and self._opened.tree.kept_folder is not None:
            self.note(f"note: kept the current folder, {self._opened.tree.kept_folder}, which is empty now")
        if self.json:
            self._write(terminal.json_line({"schema": f"mvc.{command}/1", **document()}))
        elif self.quiet:
            self._write("".join(f"{id_}\n" for id_ in ids))
        elif page and self.pager and sys.stdout.isatty():
            pager.page("".join(f"{line}\n" for line in text()), self._pager(), self.environ)
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
        mode = "none" if self.quiet or mode not in ("auto", "bar", "plain") else mode
        return progress.Progress(label, total, mode)

    def _pager(self) -> str | None:
        pager = self.settings().get("ui.pager")
        return str(pager) if pager else None

    @staticmethod
    def _write(text: str) -> None:
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:  # a terminal without UTF-8
            sys.stdout.write(text.encode("ascii", "backslashreplace").decode())
