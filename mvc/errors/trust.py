"""Hosts that credentials may be sent to."""

from __future__ import annotations

from mvc.errors.base import Denied


class HostNotTrusted(Denied):
    """{remote} would send credentials to {host}, which you have not approved: the repository's settings name it.

    {way}
    """


class SettingNotTrusted(Denied):
    """{remote} sets {settings}, which selects the credentials that {host} receives; you have not approved that.

    {way}
    """


class PlainHttp(Denied):
    """{remote} would send credentials to {host} over unencrypted HTTP, which you have not accepted.

    {way}
    """
