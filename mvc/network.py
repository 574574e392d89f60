"""The causes for which a server cannot be reached, told apart by the exceptions that a library raises or keeps.

    exception ─► its causes ─┬─ certificate, TLS   CertificateRefused: no retry helps
                             ├─ proxy              ProxyFailed
                             ├─ no address         HostNotFound
                             ├─ refused            ConnectionRefused
                             ├─ silent             TimedOut
                             └─ anything else      None: the caller has its own error

Classes of libraries are known by their names, so none is imported here.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping

from mvc import errors

UNSENT = (errors.HostNotFound, errors.ConnectionRefused, errors.ProxyFailed)
"""Errors after which the server has not seen the request."""
_KEPT = ("reason", "os_error", "certificate_error", "original_error", "inner_exception")
"""Attributes by which libraries keep the exception that they wrap."""
_PROXY = {"ProxyError", "InvalidProxyURL", "ProxyConnectionError", "ClientProxyConnectionError", "ClientHttpProxyError"}
_TIMEOUT = {"ConnectTimeout", "ReadTimeout", "ConnectTimeoutError", "ReadTimeoutError", "ServerTimeoutError"}
_ANSWERED = re.compile(r"(?:Tunnel connection failed: |status=|\b)(40[37]|50[234])\b")
_DATES = {9: "its certificate is not valid yet", 10: "its certificate has expired"}
_WRONG_HOST = (62, 64)
_SELF_SIGNED = 18
_UNKNOWN = "this machine does not trust the authority that issued its certificate"
_NO_TLS = re.compile(r"WRONG_VERSION_NUMBER|HTTP_REQUEST|UNKNOWN_PROTOCOL|RECORD_LAYER_FAILURE|PACKET_LENGTH_TOO_LONG")
_NO_AGREEMENT = re.compile(
    r"HANDSHAKE_FAILURE|PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_SHARED_CIPHER|UNRECOGNIZED_NAME"
)


def fault(error: BaseException, where: str, host: str, *, authorities: str = "SSL_CERT_FILE") -> errors.MvcError | None:
    """Return the error for an exception of a connection to `host`, which `where` names; None for another cause.

    `authorities` says where the certificates of a private authority are named.
    """
    causes = list(_causes(error))
    for one in causes:
        if isinstance(one, ssl.SSLError) or type(one).__name__ == "CertificateError":
            refused = _certificate(one, where, host, authorities)
            if refused is not None:
                return refused
    names = {type(one).__name__ for one in causes}
    if names & _PROXY or any("SOCKS" in str(one) for one in causes if type(one).__name__ == "InvalidSchema"):
        return errors.ProxyFailed(where=where, host=host, reason=_proxy(causes))
    if any(isinstance(one, socket.gaierror) for one in causes) or "NameResolutionError" in names:
        return errors.HostNotFound(where=where, host=host)
    if any(isinstance(one, ConnectionRefusedError) for one in causes):
        return errors.ConnectionRefused(where=where, host=host)
    if any(isinstance(one, TimeoutError) for one in causes) or names & _TIMEOUT:
        return errors.TimedOut(where=where, host=host)
    return None


def _certificate(error: BaseException, where: str, host: str, authorities: str) -> errors.CertificateRefused | None:
    """Return the error for a failed TLS handshake; None for a connection that was lost during it or later."""
    code = getattr(error, "verify_code", None)
    if code in _DATES:
        reason = _DATES[code]
        way = "Ask the administrator of that server to renew the certificate, and check the clock of this machine."
    elif code in _WRONG_HOST or not isinstance(error, ssl.SSLError):
        reason = "its certificate was issued for another host"
        way = "Check the host name in the settings of the remote (`mvc remote -v`); if it is right, the server needs another certificate."
    elif isinstance(error, ssl.SSLCertVerificationError):
        reason = "its certificate is self-signed" if code == _SELF_SIGNED else _UNKNOWN
        way = f"If that server has an authority of its own, name its certificates with {authorities}."
    elif _NO_TLS.search(str(error)):
        reason, way = "it does not speak TLS", "Check the port, and whether the address begins with https://."
    elif _NO_AGREEMENT.search(str(error)):
        reason = "it supports no TLS version or cipher of this machine"
        way = "Ask the administrator of that server to enable TLS 1.2 or newer."
    else:
        return None
    return errors.CertificateRefused(where=where, host=host, reason=reason, way=way)


def _proxy(causes: list[BaseException]) -> str:
    """Return what a proxy did."""
    if any("SOCKS" in str(one) for one in causes):
        return "speaks SOCKS, which needs the package PySocks"
    if any(type(one).__name__ == "InvalidProxyURL" for one in causes):
        return "has an invalid address"
    answered = (_ANSWERED.search(str(one)) for one in causes if isinstance(one, OSError))
    status = next((match[1] for match in answered if match), None)
    return f"answered {status}" if status is not None else "cannot be reached"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, and those that it was raised from, was made with, or keeps."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        kept = [getattr(one, name, None) for name in _KEPT]
        for group in (getattr(one, "errors", None), getattr(one, "kwargs", None)):  # paramiko, botocore
            kept += group.values() if isinstance(group, Mapping) else ()
        inner = (one.__cause__, one.__context__, *one.args, *kept, *getattr(one, "exceptions", ()))
        waiting += [each for each in inner if isinstance(each, BaseException)]
