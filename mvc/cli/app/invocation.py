"""One run of the program: options, folders, environment, author and output."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.cli.app import terminal
from mvc.cli.output import screen
from mvc.deferred import dataclass
from mvc.environment import Environment
from mvc.model import document
from mvc.model.document import Document
from mvc.model.version import Code, Timestamp
from mvc.repository import discovery
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.config import Config

if TYPE_CHECKING:
    from mvc.cli.app.progress import Progress
    from mvc.images.registries import Registries
    from mvc.repository.signatures.trust import Keys

if TYPE_CHECKING:
    from mvc.cli.app import progress
    from mvc.cli.output import pager
    from mvc.images import registries
    from mvc.repository.operations import view
else:
    pager = lazy.Module("mvc.cli.output.pager")
    progress = lazy.Module("mvc.cli.app.progress")
    registries = lazy.Module("mvc.images.registries")
    view = lazy.Module("mvc.repository.operations.view")


@dataclass(frozen=True)
class Invocation:
    """The options and the surroundings of one run."""

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
    at_op: int | None = None
    """The operation after which refs and HEAD are read, None for now."""
    command: tuple[str, ...] = ()
    """The arguments of the command line, for the operation log."""
    force_policy: str = ""
    """The reason for which rules of the policy are passed, "" for none."""
    no_verify: bool = False
    """True to run none of the user's hooks: with --no-verify, and within a hook."""

    # --- folders

    @property
    def user_config(self) -> Path | None:
        """The file of the user's settings."""
        return self.environment.user_config

    @property
    def trusted_hosts(self) -> str:
        """The hosts in MVC_TRUSTED_HOSTS."""
        return self.environment.trusted_hosts

    def find_root(self) -> Path:
        """Return the folder that has `.mvc`; raises NoRepository."""
        return self.root or discovery.find_root(self.cwd)

    def repository(self) -> Repository:
        """Return the repository of this run, opened once; raises NoRepository and errors of its records."""
        return self._opened

    def repository_if_any(self) -> Repository | None:
        """Return the repository of this run, None outside of one; raises errors of its records."""
        try:
            return self.repository()
        except errors.NoRepository:  # or an incomplete one
            return None

    def writer(self) -> Repository:
        """Return the repository for a verb that writes: an interrupted change is rolled forward first.

        Raises UsageError with --at-op.
        """
        if self.at_op is not None:
            message = f"--at-op is for commands that only read; `mvc op restore {self.at_op}` goes back"
            raise lazy.load("click").UsageError(message)
        done = self._opened.roll_forward()
        if done is not None:
            kept = f"; kept files modified since: {', '.join(done.edited)}" if done.edited else ""
            self.note(f"completed the interrupted `mvc {done.verb}`{kept}")
        return self._opened

    def repository_to_check(self) -> Repository:
        """Return the repository even if it is an incomplete clone."""
        return Repository(
            self.find_root(),
            user_config=self.user_config,
            offline=self.offline,
            trusted_hosts=self.trusted_hosts,
            unfinished=True,
        )

    def note_left_alone(self) -> None:
        """Print the files that the verb did not write, because they were modified while it ran."""
        paths = self._opened.left_alone if "_opened" in self.__dict__ else []
        if paths:
            self.note(f"warning: kept files modified while the command was running: {', '.join(paths)}")

    def note_homeless(self) -> None:
        """Print that settings and policy of the user are not read, since nothing says where they are."""
        if self.user_config is None:
            why = "HOME is not set, and this user has no entry in the password database"
            self.note(f"warning: your settings and your policy are not read: {why}. Set HOME or MVC_CONFIG.")

    def note_hooks(self) -> None:
        """Print what went wrong in hooks after moves."""
        for fault in self._opened.hook_faults if "_opened" in self.__dict__ else []:
            self.note(f"warning: {fault}. The refs were moved.")

    def note_skipped(self, repository: Repository | None = None) -> None:
        """Print the annotations that the verb did not read in `repository`, or in this one, as they are damaged."""
        opened = repository or self.__dict__.get("_opened")
        kinds = {"remarks": " It may withdraw the version.", "evaluations": "", "signatures": "", "attestations": ""}
        for kind, may in kinds.items():
            if opened is not None and kind in vars(opened):
                for path, error in getattr(opened, kind).unreadable.items():
                    self.note(f"warning: skipped .mvc/{path}: {error.message}{may} `mvc fsck` explains it.")

    @functools.cached_property
    def _opened(self) -> Repository:
        made = Repository(
            self.find_root(),
            user_config=self.user_config,
            lock_timeout=self.lock_timeout,
            offline=self.offline,
            trusted_hosts=self.trusted_hosts,
        )
        made.operator = lambda: self.environment.operator(made.config)
        made.command = self.command
        made.force_policy = self.force_policy
        made.no_verify = self.no_verify
        made.user_cache = self.environment.user_cache
        return made

    def model(self) -> str:
        """Return the model to work on; raises WhichModel, NoModel and similar errors, NoSuchOperation with --at-op."""
        key = discovery.find_model(self.repository(), self.cwd, self.model_key)
        if self.at_op is not None and not self.repository().refs.ends:
            view.look_at(Model(self.repository(), key), self.at_op)
        return key

    def settings(self) -> Config:
        """Return the settings in effect, also outside of a repository."""
        repository = self.repository_if_any()
        return repository.config if repository is not None else Config(None, self.user_config)

    def require_network(self, address: str) -> None:
        """Raise Offline if this run must not contact `address`."""
        if self.offline:
            raise errors.Offline(what=address)

    def registries(self) -> Registries:
        """Return the registries of images, with docker's credentials; raises Offline."""
        self.require_network("The image's registry")
        return registries.Registries(self.environ)

    # --- author and time

    @functools.cached_property
    def environment(self) -> Environment:
        """The folder and the environment variables of this run."""
        return Environment(self.cwd, self.environ)

    def now(self) -> Timestamp:
        """Return the current local time."""
        return self.environment.now()

    def actor(self, *, warn: bool = False) -> Actor:
        """Return who acts, and when; with `warn`, print a note that names missing settings."""
        identity = self.environment.identity(self.settings())
        if identity.guessed and warn:
            commands = " and ".join(_setting_commands(identity.guessed))
            self.note(f"note: author {identity.person}, from the system; set your own with {commands}")
        return Actor(identity.person, self.environment.date())

    def keys(self) -> Keys:
        """Return the user's settings of keys."""
        return self.environment.keys(self.settings(), self.repository().root)

    def code(self, own: Sequence[str]) -> Code | None:
        """Return the Git commit of the training code, without the model's `own` files; None without Git."""
        return self.environment.code(self.repository().root, own)

    # --- output

    def emit(
        self,
        command: str,
        result: Document | Mapping[str, Any],
        text: Callable[[], Iterable[str]],
        *,
        ids: Sequence[str] = (),
        page: bool = False,
        wrap: bool = True,
    ) -> None:
        """Print the result on stdout: one JSON document, only the ids (`-q`), or lines of escaped text.

        On a terminal, long lines are wrapped between words, unless `wrap` is False: the text is in a format of its own.
        """
        if "_opened" in self.__dict__ and self._opened.tree.kept_folder is not None:
            self.note(f"note: kept the empty folder {self._opened.tree.kept_folder}, which is the current folder")
        if self.json:
            sys.stdout.write(terminal.json_line({"schema": f"mvc.{command}/1", **document.to_json(result)}))
        elif self.quiet:
            sys.stdout.write("".join(f"{terminal.line(id_)}\n" for id_ in ids))
        elif page and self.pager and sys.stdout.isatty():
            pager.page("".join(self._rows(text(), wrap=wrap)), self._pager(), self.environ)
        else:
            for row in self._rows(text(), wrap=wrap):
                sys.stdout.write(row)
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Print a note on stderr, in one line."""
        if not self.quiet and not self.json:
            for row in screen.wrapped(terminal.escape(text), screen.columns(sys.stderr)):
                sys.stderr.write(f"{row}\n")

    def progress(self, label: str, total: int = 0) -> Progress:
        """Return the progress report of `total` bytes."""
        mode = self.progress_mode
        if mode == "auto":
            mode = self.environ.get("MVC_PROGRESS") or str(self.settings().get("ui.progress") or "auto")
        mode = "none" if self.quiet or mode not in ("auto", "bar", "plain") else mode
        return progress.Progress(label, total, mode)

    def _pager(self) -> str | None:
        pager = self.settings().get("ui.pager")
        return str(pager) if pager else None

    @staticmethod
    def _rows(lines: Iterable[str], *, wrap: bool) -> Iterator[str]:
        """Yield the rows of lines, wrapped on a terminal."""
        columns = screen.columns() if wrap else None
        for line in lines:
            safe = terminal.line(line)
            yield from (f"{row}\n" for row in screen.wrapped(safe if safe != line else line, columns))


def _setting_commands(keys: Iterable[str]) -> Iterator[str]:
    """Yield the commands that set these keys of the user: `mvc config --global user.name NAME`."""
    return (f"`mvc config --global {key} {key.rpartition('.')[2].upper()}`" for key in keys)
