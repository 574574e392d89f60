"""From an address to its backend; what a backend needs is loaded here and only then."""

from __future__ import annotations

from collections.abc import Mapping

from mvc import errors, lazy
from mvc.remotes.backends.address import Address
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.options import check

_MODULES = {
    "file": ("mvc.remotes.backends.local", ""),
    "s3": ("mvc.remotes.backends.s3", "s3"),
    "gs": ("mvc.remotes.backends.gcs", "gcs"),
    "az": ("mvc.remotes.backends.azure", "azure"),
    "sftp": ("mvc.remotes.backends.sftp", "sftp"),
}
"""For each scheme the module of its adapter, and the extra that installs what it needs."""


def connect(address: Address, options: Mapping[str, str]) -> Backend:
    """The backend of an address. Raises MissingExtra when its library is not installed, BadSetting for an option it has not."""
    options = check(address.scheme, options)
    module, extra = _MODULES[address.scheme]
    try:
        backend: Backend = lazy.load(module).connect(address, options)
    except ImportError as error:
        raise errors.MissingExtra(scheme=address.scheme, extra=extra, reason=error.name or str(error)) from error
    return backend
