"""The keys of the user: the one that signs, and those that a verification trusts.

They are named by the user's own settings, by Git's of the user, or on the command line; never by a repository, and no file in
the repository is trusted unless the command line names it.
"""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mvc import errors
from mvc.deferred import dataclass
from mvc.repository.git import command
from mvc.repository.signatures import sshsig
from mvc.repository.signatures.key_file import KeyFile
from mvc.storage.records.config import Config, home_folder

if TYPE_CHECKING:
    from mvc.repository.repository import Repository

KEY = "sign.key"
ALWAYS = "sign.always"
ALLOWED = "trust.allowed-signers"
REVOKED = "trust.revoked"
SETTINGS = (KEY, ALLOWED, REVOKED)
"""The settings that are paths."""
DEFAULT = "allowed_signers"
"""The name of the default file, beside the user's settings."""
_GIT_ALLOWED = "gpg.ssh.allowedSignersFile"
_GIT_REVOKED = "gpg.ssh.revocationFile"


@dataclass(frozen=True, slots=True)
class Signers:
    """The file of trusted keys, in OpenSSH's format of allowed signers, and that of revoked ones; None for none."""

    allowed: KeyFile | None
    revoked: KeyFile | None = None


def of(repository: Repository) -> Signers:
    """Return the trusted and the revoked keys of the user of a repository. Raises BadSetting, NoSignersFile."""
    home = home_folder(os.environ)
    return Keys(repository.config, repository.root, repository.root, home, repository.user_config).signers()


@dataclass(frozen=True, slots=True)
class Keys:
    """The user's settings of keys.

    `home` is the home folder, `root` the repository's, `folder` the current one; `own` is the file of the user's settings.
    """

    config: Config
    folder: Path
    root: Path
    home: Path | None
    own: Path | None

    @property
    def always(self) -> bool:
        """True if commands sign without being asked to."""
        return self.config.get(ALWAYS) is True

    def key(self, given: str | None = None) -> Path:
        """Return the file of the signing key, from `given` or the settings. Raises NoSigningKey, BadSetting."""
        if given is not None:
            path = self.folder / self._expanded(given)
        else:
            setting = self.config.get(KEY)
            if not setting:
                raise errors.NoSigningKey(reason=f"{KEY} is not set")
            path = self._absolute(KEY, str(setting))
        if not path.is_file():
            raise errors.NoSigningKey(reason=f"{path} is not a file")
        return path

    def signers(self, given: str | None = None) -> Signers:
        """Return the trusted and the revoked keys. Raises BadSetting, NoSignersFile, NoSigners."""
        if given is not None:
            allowed: KeyFile | None = KeyFile.of(self.folder / self._expanded(given))
        else:
            allowed = self._setting(ALLOWED) or self._default() or self._of_git(_GIT_ALLOWED)
        _check_signers(allowed)
        return Signers(allowed, self._setting(REVOKED) or self._of_git(_GIT_REVOKED))

    def _default(self) -> KeyFile | None:
        """Return the file beside the user's settings; if these are a link, else that beside its target; None for none.

        Raises NoSignersFile, also for a link to nothing: somebody wanted keys to be trusted.
        """
        places = [] if self.own is None else [self.own, Path(os.path.realpath(self.own))]
        paths = [own.parent / DEFAULT for own in places]
        return next((KeyFile.of(path) for path in paths if os.path.lexists(path)), None)

    def _setting(self, key: str) -> KeyFile | None:
        setting = self.config.get(key)
        return self._trusted(key, str(setting)) if setting else None

    def _of_git(self, key: str) -> KeyFile | None:
        """Return the file that Git's settings of the user or of the system name; those of a repository do not count."""
        for scope in ("--global", "--system"):
            answer = command.run(self.folder, "config", scope, "--get", key)
            if answer.code == 0 and (text := os.fsdecode(answer.output).strip()):
                return self._trusted(key, text)
        return None

    def _trusted(self, key: str, text: str) -> KeyFile:
        path = self._absolute(key, text)
        file = KeyFile.of(path)
        if path.resolve().is_relative_to(self.root.resolve()):
            reason = "it is a file in the repository, which may come from the signer to verify"
            raise errors.BadSetting(key=key, value=text, reason=reason)
        return file

    def _absolute(self, key: str, text: str) -> Path:
        check_path(key, text)
        return self._expanded(text)

    def _expanded(self, text: str) -> Path:
        return self.home / text[2:] if text.startswith("~/") and self.home is not None else Path(text)


def check_path(key: str, text: str) -> None:
    """Raise BadSetting unless a setting of SETTINGS has a path that is the same in every folder."""
    if not text.startswith(("/", "~/")):
        raise errors.BadSetting(key=key, value=text, reason="the path must be absolute, or begin with ~/")


def _check_signers(file: KeyFile | None) -> None:
    """Raise NoSigners for a file with lines, none of which trusts a key. An empty file trusts nobody on purpose."""
    if file is None:
        return
    lines = [line.split() for line in file.text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if lines and not any(_has_key(words) for words in lines):
        raise errors.NoSigners(path=file.path)


def _has_key(words: Sequence[str]) -> bool:
    """Return whether the words of a line are a name, options, and a key after its type, which the key has, too."""
    for kind, key in pairwise(words[1:]):
        with contextlib.suppress(ValueError):
            if sshsig.key_type(base64.b64decode(key, validate=True)) == kind:
                return True
    return False
