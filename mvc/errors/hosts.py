"""Errors: a host was not approved by the user, cannot be reached, or does not prove its identity."""

from __future__ import annotations

from mvc.errors.base import Denied, Usage
from mvc.errors.registry import RegistryUnreachable
from mvc.errors.remotes import RemoteUnreachable


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


class LockNotTrusted(Denied):
    """Nothing was sent: {lock} would send your credentials to {host}, which you have not approved.

    If you trust that host, name it yourself: add `--url {url:shell}`, with its options. In scripts, set
    MVC_TRUSTED_HOSTS={host}.
    """


class PlainHttp(Denied):
    """Nothing was sent: {remote} would send your credentials to {host} over unencrypted HTTP, which you have not
    accepted.

    {way}
    """


class HostNotFound(RemoteUnreachable, RegistryUnreachable):
    """Cannot reach {where}: no address was found for the host {host}.

    Check the host name in the settings of the remote (`mvc remote -v`) and the network of this machine; then run the
    command again.
    """


class ConnectionRefused(RemoteUnreachable, RegistryUnreachable):
    """Cannot reach {where}: {host} refused the connection.

    Check that the server is running at {host}, and that host and port are right (`mvc remote -v`); then run the command
    again.
    """


class TimedOut(RemoteUnreachable, RegistryUnreachable):
    """Cannot reach {where}: {host} did not answer in time.

    Check the network, and whether a firewall or a proxy lies before {host}; then run the command again. Completed steps
    are not repeated.
    """


class ProxyFailed(RemoteUnreachable, RegistryUnreachable):
    """Cannot reach {where}: the proxy for {host} {reason}.

    Correct HTTPS_PROXY or HTTP_PROXY; or list {host} in NO_PROXY, if it can be reached without a proxy.
    """


class CertificateRefused(Denied):
    """Nothing was sent to {host}, for {where}, because the server did not prove its identity: {reason}.

    {way}
    """


class BadCertificates(Usage):
    """Cannot use {path}, which {setting} names as a file of certificates: {reason}.

    Name a file with the certificates of the authorities in PEM format (-----BEGIN CERTIFICATE-----), or unset
    {setting}.
    """
