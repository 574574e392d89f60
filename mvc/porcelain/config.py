"""`mvc config`: a change of a setting, which is checked as the commands that read it would, and against the refs."""

from __future__ import annotations

from mvc.model.version import Person
from mvc.repository import refnames
from mvc.repository.repository import Repository
from mvc.repository.retention import rules
from mvc.repository.signatures import trust
from mvc.scan import allow
from mvc.storage.records.config import SCAN_ALLOW, Config, remote_of


def set_value(settings: Config, key: str, text: str, *, user: bool, repository: Repository | None) -> None:
    """Set `key` to the value that `text` denotes; with `user`, in the user's settings.

    A setting of a remote without a URL names that remote, so its name is checked as by `mvc remote add`. `repository` is None outside
    of one. Raises UnknownSetting, BadSetting, BadAuthor, BadQuery, BadRefName, RemoteHidesRef, ReadOnlyStore.
    """
    remote = remote_of(key)
    if remote is not None and "url" not in settings.remotes().get(remote, {}):
        refnames.check_remote(repository, remote)
    _check(key, text)
    settings.set(key, text, user=user)


def _check(key: str, text: str) -> None:
    """Raise the error of the commands that read a setting, if its value has a form of its own."""
    if key == SCAN_ALLOW:
        allow.of_setting(text, key)
    elif key in trust.SETTINGS and text:
        trust.check_path(key, text)
    elif key == rules.WITHIN:
        rules.seconds(text)
    elif key == rules.BEST:
        rules.best(text)
    elif key == "user.name":
        Person.parse(f"{text} <>")
    elif key == "user.email":
        Person.parse(f"name <{text}>")
