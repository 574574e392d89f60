"""The environment of a process: who acts, when, in which folder, and from which training code.

The command line and `mvc` from Python both ask here, at each call; the verbs below take what they need as arguments.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model.version import Code, Person, Timestamp
from mvc.repository.repository import Actor
from mvc.storage.records.config import TRUSTED_HOSTS, Config, home_folder, user_file

if TYPE_CHECKING:
    from mvc.repository import provenance
    from mvc.repository.signatures import trust
else:
    provenance = lazy.Module("mvc.repository.provenance")
    trust = lazy.Module("mvc.repository.signatures.trust")

_REMOVED = Path("/proc/self/cwd")
"""The current folder if it was removed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who acts; `guessed` are the settings that nobody made, in whose place the login and the host stand."""

    person: Person
    guessed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Environment:
    """A current folder and environment variables."""

    cwd: Path
    variables: Mapping[str, str]

    @classmethod
    def current(cls, variables: Mapping[str, str] | None = None) -> Self:
        """Return the environment of this process, now; `variables` replace its own."""
        try:
            cwd = Path.cwd()
        except FileNotFoundError:  # removed since; relative paths lead to no file there
            cwd = _REMOVED
        return cls(cwd, os.environ if variables is None else variables)

    @property
    def user_config(self) -> Path | None:
        """The file of a person's own settings."""
        return user_file(self.variables)

    @property
    def user_cache(self) -> Path | None:
        """The folder for what mvc remembers for the user: that of XDG_CACHE_HOME, else ~/.cache; None without a home."""
        base, home = self.variables.get("XDG_CACHE_HOME"), self.variables.get("HOME")
        folder = Path(base) if base else Path(home) / ".cache" if home else None
        return folder / "mvc" if folder is not None and folder.is_absolute() else None

    @property
    def trusted_hosts(self) -> str:
        """The hosts that MVC_TRUSTED_HOSTS lists."""
        return self.variables.get(TRUSTED_HOSTS, "")

    @property
    def in_hook(self) -> bool:
        """True within a hook of the user, which runs no hooks again: MVC_HOOK is set."""
        return bool(self.variables.get("MVC_HOOK"))

    @property
    def offline(self) -> bool:
        """Whether MVC_OFFLINE forbids to ask remotes and registries."""
        return self.variables.get("MVC_OFFLINE", "0") not in ("", "0")

    @property
    def lock_timeout(self) -> float | None:
        """The seconds that MVC_LOCK_TIMEOUT says; None where it says none."""
        with contextlib.suppress(ValueError):
            seconds = float(self.variables.get("MVC_LOCK_TIMEOUT", ""))
            return seconds if 0 <= seconds < math.inf else None
        return None

    def now(self) -> Timestamp:
        """Return this moment, with the offset of the local clock."""
        seconds = int(time.time())
        return Timestamp(seconds, time.localtime(seconds).tm_gmtoff // 60)

    def date(self) -> Timestamp:
        """Return MVC_AUTHOR_DATE, else now. Raises BadDate."""
        given = self.variables.get("MVC_AUTHOR_DATE")
        now = self.now()
        return Timestamp.parse(given, offset=now.offset) if given else now

    def identity(self, settings: Config) -> Identity:
        """Return who acts: MVC_AUTHOR_*, the settings, Git's settings, else user@host. Raises BadAuthor."""
        name = self.variables.get("MVC_AUTHOR_NAME") or settings.get("user.name")
        email = self.variables.get("MVC_AUTHOR_EMAIL") or settings.get("user.email")
        if not name or not email:
            name, email = name or self._of_git[0], email or self._of_git[1]
        guessed = tuple(key for key, known in (("user.name", name), ("user.email", email)) if not known)
        if guessed:
            login = _login()
            name, email = name or login, email or f"{login}@{os.uname().nodename}"
        return Identity(Person.parse(f"{name} <{email}>"), guessed)

    @functools.cached_property
    def _of_git(self) -> tuple[str | None, str | None]:
        return provenance.identity(self.cwd) or (None, None)

    def operator(self, settings: Config) -> tuple[str, Timestamp]:
        """Return who acts, as the author of a version, and the time now, for records that stay here; never an error."""
        try:
            return str(self.identity(settings).person), self.now()
        except errors.MvcError:
            return _login(), self.now()

    def actor(self, settings: Config) -> Actor:
        """Return who acts, and when. Raises BadAuthor, BadDate."""
        return Actor(self.identity(settings).person, self.date())

    def keys(self, settings: Config, root: Path) -> trust.Keys:
        """Return the settings of keys, for the repository in `root`."""
        return trust.Keys(settings, self.cwd, root, home_folder(self.variables), self.user_config)

    def code(self, root: Path, own: Sequence[str]) -> Code | None:
        """Return the Git commit of the training code; None without Git.

        `own` are the model's files, from the repository's `root`: their edits do not count.
        """
        if not any((above / ".git").exists() for above in (self.cwd, *self.cwd.parents)):
            return None
        return provenance.code_of(self.cwd, [root / path for path in own])


def _login() -> str:
    try:
        return str(lazy.load("getpass").getuser())
    except (KeyError, OSError):
        return "nobody"
