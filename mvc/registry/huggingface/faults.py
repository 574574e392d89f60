"""Errors of the Hub's library as those of mvc.

401, 403            HubDenied          private, gated, or a token without the right
404                 HubLacks           absent, or private: the Hub answers the same for both
409, 412            RegistryConflict   somebody else was first
408, 429, 5xx       RegistryUnreachable
anything else       RegistryFault
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import httpx2
from huggingface_hub.errors import HfHubHTTPError

from mvc import errors, network
from mvc.deferred import dataclass
from mvc.registry.huggingface.address import Address
from mvc.registry.huggingface.session import DEFAULT, TOKEN, Endpoint, TooLargeError

_INVALID = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, UnicodeError, ValueError)
"""What the library raises for an answer of another form."""
_LIMITED = 429


@dataclass(frozen=True, slots=True)
class Lookup:
    """The repository and the server that errors name."""

    address: Address
    endpoint: Endpoint

    @property
    def name(self) -> str:
        """The repository, with the server unless it is the default one."""
        host = "" if self.endpoint.url == DEFAULT else f" at {self.endpoint.where.host}"
        return f"hf://{self.address.repository}{host}"

    def fault(self, reason: str) -> errors.RegistryFault:
        """Return the error for an answer that is not valid."""
        return errors.RegistryFault(registry=self.name, reason=reason)

    def denied(self, response: httpx2.Response) -> errors.HubDenied:
        """Return the error for a repository or a right that the token does not have."""
        if response.headers.get("X-Error-Code") == "GatedRepo":
            reason = "access to the repository is gated"
            way = f"Accept its conditions on {self.endpoint.url}/{self.address.repository}, then run the command again."
        elif self.endpoint.token is None:
            reason, way = "it requires a token", self._login
        else:
            reason, way = "the token does not have the right", self._login
        return errors.HubDenied(hub=self.name, reason=reason, way=way)

    def lacks(self, subject: str) -> errors.HubLacks:
        """Return the error for what is absent, or hidden."""
        return errors.HubLacks(
            hub=self.name, what=subject, way=f"Check the name. If the repository is private: {self._login}"
        )

    @property
    def _login(self) -> str:
        if not self.endpoint.approved:
            host = self.endpoint.where.host
            return f"mvc sends your token to {host} only if you approve it with MVC_TRUSTED_HOSTS={host}."
        return f"Log in with `hf auth login`, or set {TOKEN} to a token that has the right."


@contextlib.contextmanager
def translated(lookup: Lookup, subject: str = "the repository", *, writing: bool = False) -> Iterator[None]:
    """Raise the errors of the block as mvc's; `subject` names the thing that a 404 is about."""
    try:
        yield
    except errors.MvcError:
        raise
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError, *_INVALID) as error:
        raise _translate(error, lookup, subject, writing=writing) from None


def _translate(error: BaseException, lookup: Lookup, subject: str, *, writing: bool) -> errors.MvcError:
    """Return the error for an exception: for the first of its causes that has one."""
    for cause in _causes(error):
        if isinstance(cause, errors.MvcError):  # a file of the store could not be read
            return cause
        if isinstance(cause, HfHubHTTPError):
            return _of_status(cause.response, lookup, subject, writing=writing)
        if isinstance(cause, TooLargeError):
            return lookup.fault(str(cause))
        if isinstance(cause, httpx2.HTTPError | httpx2.StreamError):
            fault = network.fault(cause, lookup.name, lookup.endpoint.where.host)
            return fault or errors.RegistryUnreachable(registry=lookup.name, reason="the connection failed")
    if isinstance(error, OSError):
        return errors.RegistryUnreachable(registry=lookup.name, reason="the connection failed")
    return lookup.fault("an answer is not of a known form")


def _of_status(response: httpx2.Response, lookup: Lookup, subject: str, *, writing: bool) -> errors.MvcError:
    status = response.status_code
    if status in {401, 403}:
        return lookup.denied(response)
    if status == 404:
        return lookup.lacks(subject)
    if status in {409, 412} and writing:
        return errors.RegistryConflict(
            registry=lookup.name, what="a branch or tag that somebody else changed meanwhile"
        )
    if status == _LIMITED:
        return errors.RegistryUnreachable(registry=lookup.name, reason="too many requests; wait some minutes")
    if status == 408 or status >= 500:
        return errors.RegistryUnreachable(registry=lookup.name, reason=f"it answers {status}")
    return lookup.fault(f"it answers {status}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
