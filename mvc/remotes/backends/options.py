"""Validation of a remote's settings against the options of its kind."""

from __future__ import annotations

from collections.abc import Mapping

from mvc import errors
from mvc.model.remote_kinds import Kind
from mvc.remotes.backends import destination

TOKEN_ENV = "token-env"  # noqa: S105 - the name of a setting
"""The setting that names the environment variable of a token. Only the user's settings may have it."""


def check(kind: Kind, options: Mapping[str, str]) -> dict[str, str]:
    """Validate the settings of a remote; return them with normalised addresses and files.

    Raises BadSetting for a setting that `kind` does not have, and for one that does not name a valid host.
    """
    for name in options:
        if name == TOKEN_ENV:
            reason = "it can only be set in your user settings: `mvc config --global remote.NAME.token-env VARIABLE`"
            raise errors.BadSetting(key=name, value="...", reason=reason)
        if name not in kind.option_names:
            reason = f"options of {kind.scheme} remotes: {', '.join(kind.option_names) or 'none'}"
            raise errors.BadSetting(key=name, value="...", reason=reason)  # it may be a secret
    return destination.checked(kind, options)
