"""One run of the program: what it was asked, where, by whom. The only place that reads the environment and the clock."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.cli.app import terminal
from mvc.model.version import Code, Person, Timestamp
from mvc.repository import discovery
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.config import TRUSTED_HOSTS, Config, user_file

if TYPE_CHECKING:
    from mvc.cli.app.progress import Progress
    from mvc.images.registries import Registries


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
        return user_file(self.environ)

    @property
    def trusted_hosts(self) -> str:
        """The hosts that MVC_TRUSTED_HOSTS lists."""
        return self.environ.get(TRUSTED_HOSTS, "")

    def find_root(self) -> Path:
        """The folder that holds `.mvc`; raises NoRepository."""
        return self.root or discovery.find_root(self.cwd)

    def repository(self) -> Repository:
        """The repository of this run, opened once; raises NoRepository and what is wrong with it."""
        return self._opened

    def writer(self) -> Repository:
        """The same, for a verb that writes: an interrupted change is rolled forward before anything is looked up in it."""
        done = self._opened.settle()
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
        made: Registries = lazy.load("mvc.images.registries").Registries(self.environ)
        return made

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
        config = self.settings()
        name = self.environ.get("MVC_AUTHOR_NAME") or config.get("user.name")
        email = self.environ.get("MVC_AUTHOR_EMAIL") or config.get("user.email")
        if not name or not email:
            git = lazy.load("mvc.repository.provenance").identity(self.cwd) or (None, None)
            name, email = name or git[0], email or git[1]
        if not name or not email:
            missing = [key for key, known in (("user.name", name), ("user.email", email)) if not known]
            login = self._login()
            name, email = name or login, email or f"{login}@{os.uname().nodename}"
            if tell:
                say = " and ".join(f"`mvc config --global {key} ...`" for key in missing)
                self.note(f"signed as {name} <{email}>; {say} say{'s' * (len(missing) == 1)} who you are")
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
        if "_opened" in self.__dict__ and self._opened.tree.kept_folder is not None:
            self.note(f"note: kept the current folder, {self._opened.tree.kept_folder}, which is empty now")
        if self.json:
            self._write(terminal.json_line({"schema": f"mvc.{command}/1", **document()}))
        elif self.quiet:
            self._write("".join(f"{id_}\n" for id_ in ids))
        elif page and self.pager and sys.stdout.isatty():
            lazy.load("mvc.cli.app.pager").page("".join(f"{line}\n" for line in text()), self._pager(), self.environ)
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
        progress: Progress = lazy.load("mvc.cli.app.progress").Progress(label, total, mode)
        return progress

    def _pager(self) -> str | None:
        pager = self.settings().get("ui.pager")
        return str(pager) if pager else None

    @staticmethod
    def _write(text: str) -> None:
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:  # a terminal without UTF-8
            sys.stdout.write(text.encode("ascii", "backslashreplace").decode())
