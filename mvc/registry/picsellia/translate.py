"""Whatever comes out of the SDK, as an error of mvc: nothing else leaves this package.

    an error of mvc          as it is, also where the SDK has wrapped it
    no connection, no time   RegistryUnreachable
    its own exceptions       RegistryFault, with what it says
    pydantic, KeyError, …    RegistryFault: an answer of another shape than this SDK knows

What is raised does not carry the exception it came from: that one has requests in it, with the token and signed addresses.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import requests

from mvc import errors
from mvc.registry.picsellia import sdk
from mvc.registry.picsellia.session import Session

_ODD = (KeyError, TypeError, ValueError, AttributeError, IndexError)


@contextlib.contextmanager
def told(session: Session) -> Iterator[None]:
    """Have what is raised in the block be an error of mvc, and nothing be logged."""
    try:
        with sdk.quietly():
            yield
    except errors.MvcError:
        raise
    except Exception as error:  # noqa: BLE001 - the SDK raises of many kinds, and what is none of them is raised again
        raise _of(error, session) from None


def _of(error: Exception, session: Session) -> BaseException:
    within = _within(error)
    if isinstance(within, errors.MvcError):
        return within
    error = within or error
    if isinstance(error, requests.HTTPError):
        return _of_storage(error, session)
    if isinstance(error, requests.RequestException) and not isinstance(error, ValueError):
        return session.unreachable(session.plain(error))
    exceptions = sdk.load("picsellia.exceptions")
    if isinstance(error, exceptions.NetworkError | exceptions.DownloadError):
        return session.unreachable(session.plain(error))
    if isinstance(error, exceptions.PicselliaError):
        return errors.RegistryFault(registry=session.where, reason=session.plain(error))
    if isinstance(error, _ODD):
        reason = f"an answer that the SDK does not understand ({type(error).__name__})"
        return errors.RegistryFault(registry=session.where, reason=reason)
    return error


def _within(error: BaseException | None) -> errors.MvcError | requests.RequestException | None:
    """What the SDK has wrapped: an error of mvc, or one of the connection, which it gives a text of its own."""
    while error is not None:
        if isinstance(error, errors.MvcError | requests.RequestException):
            return error
        error = error.__cause__ or error.__context__
    return None


def _of_storage(error: requests.HTTPError, session: Session) -> errors.MvcError:
    """A storage that refused: what was signed may have expired, so all of it may be tried again."""
    status = error.response.status_code if error.response is not None else 0
    reason = f"its storage answers {status}"
    if status in (400, 411, 413, 501):
        return errors.RegistryFault(registry=session.where, reason=reason)
    unreachable = session.unreachable(reason)
    unreachable.after = 0.0
    return unreachable
