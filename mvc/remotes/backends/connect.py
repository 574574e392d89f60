"""Connection of an address to its backend, whose library is loaded on first use."""

from __future__ import annotations

from collections.abc import Mapping

from mvc import errors, lazy
from mvc.remotes.backends.address import Address
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.options import check


def connect(address: Address, options: Mapping[str, str]) -> Backend:
    """Return the backend of an address.

    Raises MissingExtra if its library is not installed, BadSetting for an option that its kind does not have.
    """
    kind = address.kind
    options = check(kind, options)
    try:
        backend: Backend = lazy.load(kind.module).connect(address, options)
    except ImportError as error:
        raise errors.MissingExtra(scheme=kind.scheme, extra=kind.extra, reason=error.name or str(error)) from error
    return backend
