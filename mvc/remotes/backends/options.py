"""The settings that a remote may have, by its kind."""

from __future__ import annotations

from collections.abc import Mapping

from mvc import errors
from mvc.remotes.backends import destination, registry_address

OPTIONS = {
    "file": (),
    "s3": ("endpoint", "profile", "region", "storage-class", "server-side-encryption", "anonymous"),
    "gs": ("endpoint", "project", "key-file", "anonymous"),
    "az": ("account", "endpoint", "anonymous"),
    "sftp": ("key-file", "known-hosts", "port", "user"),
    registry_address.SCHEME: ("host",),
}


TOKEN_ENV = "token-env"  # noqa: S105 - the name of a setting
"""The setting that names the variable of a token: a person's own alone."""


def check(scheme: str, options: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a remote with addresses and files in one spelling.

    Raises BadSetting for one that remotes of this kind do not have, and for one that leads to no host or to another one.
    """
    known = OPTIONS[scheme]
    for name in options:
        if name == TOKEN_ENV:
            reason = "only your own settings name it: `mvc config --global remote.NAME.token-env VARIABLE`"
            raise errors.BadSetting(key=name, value="...", reason=reason)
        if name not in known:
            reason = f"a remote of the kind {scheme} has {', '.join(known) or 'no other settings'}"
            raise errors.BadSetting(key=name, value="...", reason=reason)  # it may be a secret
    return destination.checked(scheme, options)
