"""The settings that a remote may have, by its kind."""

from __future__ import annotations

from collections.abc import Mapping

from mvc import errors
from mvc.remotes.picsellia import address

OPTIONS = {
    "file": (),
    "s3": ("endpoint", "profile", "region", "storage-class", "server-side-encryption", "anonymous"),
    "gs": ("endpoint", "project", "key-file", "anonymous"),
    "az": ("account", "endpoint", "anonymous"),
    "sftp": ("key-file", "known-hosts", "port", "user"),
    address.SCHEME: ("host",),
}


def check(scheme: str, options: Mapping[str, str]) -> None:
    """Raise BadSetting for a setting that remotes of this kind do not have, or an address of a platform that is none."""
    known = OPTIONS[scheme]
    for name in options:
        if name not in known:
            reason = f"a remote of the kind {scheme} has {', '.join(known) or 'no other settings'}"
            raise errors.BadSetting(key=name, value="...", reason=reason)  # it may be a secret
    if scheme == address.SCHEME and "host" in options:
        address.check_host(options["host"])
