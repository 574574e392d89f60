"""Token servers of an image registry: those that may receive its login.

    registry                  token server                  needs approval
    ghcr.io                   https://ghcr.io/token         no: the same host
    gitlab.acme.org:5050      https://gitlab.acme.org/jwt   no: the same host at https's own port
    registry.gitlab.com       https://gitlab.com/jwt/auth   no: a parent domain has the same owner
    docker.io                 https://auth.docker.io/token  no: Docker Hub's own
    registry.acme.org         https://login.acme.org/token  yes: a sibling domain may have another owner

`docker login` approves the registry itself; whatever answers at its address must not pass the login on.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from mvc import errors
from mvc.model import hosts
from mvc.model.hosts import Approvals, Destination
from mvc.model.image import HUB, Image
from mvc.model.remote_kinds import DOCKER

_HUB_TOKENS = f"auth.{HUB}"
_HTTPS, _HTTP = 443, 80


def check(image: Image, realm: str, approvals: Approvals) -> None:
    """Raise RealmNotTrusted unless the login for an image's registry may go to the token server `realm`.

    An invalid or unencrypted address is left to the transport, which refuses it.
    """
    try:
        parts = urlsplit(realm)
        name = hosts.canonical(parts.hostname or "")
        port = parts.port or (_HTTP if parts.scheme == "http" else _HTTPS)
    except ValueError:
        return
    where = Destination(DOCKER, name, port)
    if parts.scheme != "https" and not (parts.scheme == "http" and where.is_loopback):
        return
    if not _belongs_to_registry(image, where) and not approvals.has_host(where):
        raise errors.RealmNotTrusted(registry=image.registry, image=image, host=where.host)


def _belongs_to_registry(image: Image, where: Destination) -> bool:
    """Return whether a token server is the registry's own host or a parent domain of it."""
    parts = urlsplit(f"//{image.host}")
    name = hosts.canonical(parts.hostname or "")
    port = parts.port or (_HTTP if image.is_local else _HTTPS)
    if where.name == name:
        return where.port in (port, _HTTPS)
    if image.registry == HUB and where.name == _HUB_TOKENS:
        return where.port == _HTTPS
    is_domain = not name.rpartition(".")[2].isdigit()  # not an IPv4 address
    return is_domain and "." in where.name and name.endswith(f".{where.name}") and where.port == _HTTPS
