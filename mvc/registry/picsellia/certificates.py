"""The certificate authorities by which a platform and its storage are recognised.

REQUESTS_CA_BUNDLE, else CURL_CA_BUNDLE, else SSL_CERT_FILE    instead of the public authorities
the option `ca` of the remote                                  besides them, for this remote only
"""

from __future__ import annotations

import os
import ssl
from typing import Any

from requests.adapters import HTTPAdapter

from mvc import errors

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""The environment variables that name a file, or a folder, of certificates; the first that is set counts."""
OPTION = "the option ca"


def bundle() -> str | bool:
    """Return the file that the environment names; True if it names none. Raises BadCertificates."""
    variable = next((name for name in VARIABLES if os.environ.get(name)), None)
    if variable is None:
        return True
    path = os.environ[variable]
    if not os.path.isdir(path):
        context(path, variable)
    return path


def context(path: str, setting: str = OPTION) -> ssl.SSLContext:
    """Return a context that trusts the authorities in a file. Raises BadCertificates, which names the `setting`."""
    try:
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        reason = "it has no certificates"
    except OSError as error:
        reason = error.strerror or str(error)
    raise errors.BadCertificates(path=path, setting=setting, reason=reason)


class Adapter(HTTPAdapter):
    """An adapter whose connections trust the authorities of a context, besides those that `verify` names."""

    def __init__(self, trusted: ssl.SSLContext) -> None:
        """Use `trusted` for each connection."""
        self._trusted = trusted
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """As requests' own."""
        super().init_poolmanager(*arguments, **options, ssl_context=self._trusted)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """As requests' own."""
        return super().proxy_manager_for(proxy, **options, ssl_context=self._trusted)
