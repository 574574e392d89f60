"""Hosts that credentials may be sent to."""

from __future__ import annotations

from mvc.errors.base import Denied


class HostNotTrusted(Denied):
    """{remote} would send credentials to {host}, which you have not approved: the repository's settings name it.

    {way}
    """


class SettingNotTrusted(Denied):
    """{remote} sets {settings} for {host}, which selects among your credentials, and which you have not approved.

    {way}
    """


class PlainHttp(Denied):
    """{remote} would send credentials to {host} over unencrypted HTTP, which you have not accepted.

    {way}
    """
