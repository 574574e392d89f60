"""Translation of the SDK's exceptions to errors of mvc.

    an error of mvc         unchanged, also if the SDK wrapped it
    no connection           HostNotFound, ConnectionRefused, TimedOut, ProxyFailed, else RegistryUnreachable
    no default connector    NoConnector
    its own exceptions      RegistryFault, with their message
    pydantic, KeyError, …   RegistryFault: an answer of a shape unknown to this SDK

The original exceptions are dropped, not chained: they hold requests with the token and signed addresses.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import requests

from mvc import errors
from mvc.registry.picsellia import sdk
from mvc.registry.picsellia.session import Session

_UNEXPECTED = (KeyError, TypeError, ValueError, AttributeError, IndexError)


@contextlib.contextmanager
def translated_errors(session: Session) -> Iterator[None]:
    """Raise the exceptions of this block as errors of mvc, and drop the SDK's log records."""
    try:
        with sdk.quietly():
            yield
    except errors.MvcError:
        raise
    except Exception as error:  # noqa: BLE001 - the SDK raises many kinds; others are raised again
        raise _translated(error, session) from None


def _translated(error: Exception, session: Session) -> BaseException:
    wrapped = _wrapped(error)
    if isinstance(wrapped, errors.MvcError):
        return wrapped
    error = wrapped or error
    if isinstance(error, requests.HTTPError):
        return _storage_error(error, session)
    fault = session.fault(error) if isinstance(error, requests.RequestException) else None
    if fault is not None:
        return fault
    if isinstance(error, requests.RequestException) and not isinstance(error, ValueError):
        return session.unreachable(session.plain(error))
    exceptions = sdk.load("picsellia.exceptions")
    if isinstance(error, exceptions.NoConnectorFound):
        return errors.NoConnector(registry=session.where)
    if isinstance(error, exceptions.NetworkError | exceptions.DownloadError):
        return session.unreachable(session.plain(error))
    if isinstance(error, exceptions.PicselliaError):
        return errors.RegistryFault(registry=session.where, reason=session.plain(error))
    if isinstance(error, _UNEXPECTED):
        reason = f"the SDK cannot decode it ({type(error).__name__})"
        return errors.RegistryFault(registry=session.where, reason=reason)
    return error


def _wrapped(error: BaseException | None) -> errors.MvcError | requests.RequestException | None:
    """Return the error of mvc or of the connection that the SDK wrapped; None for none."""
    while error is not None:
        if isinstance(error, errors.MvcError | requests.RequestException):
            return error
        error = error.__cause__ or error.__context__
    return None


def _storage_error(error: requests.HTTPError, session: Session) -> errors.MvcError:
    """Return the error for a refused upload or download. It is retried, as the signed address may have expired."""
    status = error.response.status_code if error.response is not None else 0
    reason = f"its storage answered {status}"
    if status in (400, 411, 413, 501):
        return errors.RegistryFault(registry=session.where, reason=reason)
    unreachable = session.unreachable(reason)
    unreachable.after = 0.0
    return unreachable
