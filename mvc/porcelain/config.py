"""`mvc config`: a change of a setting, which is checked against the refs of the repository."""

from __future__ import annotations

from mvc.repository import refnames
from mvc.repository.repository import Repository
from mvc.storage.records.config import Config, remote_of


def set_value(settings: Config, key: str, text: str, *, user: bool, repository: Repository | None) -> None:
    """Set `key` to the value that `text` denotes; with `user`, in the user's settings.

    The first setting of a remote names that remote, so its name is checked as by `mvc remote add`. `repository` is None
    outside of one. Raises UnknownSetting, BadSetting, BadRefName, RemoteHidesRef, ReadOnlyStore.
    """
    remote = remote_of(key)
    if remote is not None and remote not in settings.remotes():
        refnames.check_remote(repository, remote)
    settings.set(key, text, user=user)
