"""Errors: credentials would go to a host that the user has not approved."""

from __future__ import annotations

from mvc.errors.base import Denied


class HostNotTrusted(Denied):
    """Nothing was sent: the repository's settings make {remote} send your credentials to {host}, which you have not
    approved.

    {way}
    """


class SettingNotTrusted(Denied):
    """Nothing was sent: {remote} sets {settings}, which would select the credentials that {host} receives; you have
    not approved that.

    {way}
    """


class PlainHttp(Denied):
    """Nothing was sent: {remote} would send your credentials to {host} over unencrypted HTTP, which you have not
    accepted.

    {way}
    """
