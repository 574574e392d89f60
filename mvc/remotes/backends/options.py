"""The settings of a remote, checked against those that its kind has."""

from __future__ import annotations

from collections.abc import Mapping

from mvc import errors
from mvc.model.remote_kinds import Kind
from mvc.remotes.backends import destination

TOKEN_ENV = "token-env"  # noqa: S105 - the name of a setting
"""The setting that names the environment variable of a token. Only a person's own settings may have it."""


def check(kind: Kind, options: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a remote with addresses and files in one spelling.

    Raises BadSetting for a setting that `kind` does not have, and for one that names no host, or another than is
    checked.
    """
    for name in options:
        if name == TOKEN_ENV:
            reason = "only your own settings name it: `mvc config --global remote.NAME.token-env VARIABLE`"
            raise errors.BadSetting(key=name, value="...", reason=reason)
        if name not in kind.option_names:
            reason = f"a remote of the kind {kind.scheme} has {', '.join(kind.option_names) or 'no other settings'}"
            raise errors.BadSetting(key=name, value="...", reason=reason)  # it may be a secret
    return destination.checked(kind, options)
