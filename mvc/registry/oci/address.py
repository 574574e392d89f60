"""Addresses of models in OCI registries.

oci://ghcr.io/acme/helmet             a repository
oci://127.0.0.1:5000/team/helmet:v3   one tag of it; or a digest, @sha256:...
"""

from __future__ import annotations

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.image import Image
from mvc.registry.hubs.hub import HUBS

SCHEME = "oci"
_PREFIX = f"{SCHEME}://"


@dataclass(frozen=True, slots=True)
class OciAddress:
    """A repository of a registry, as an image name, and the tag or digest that the URL has; None for none."""

    image: Image
    reference: str | None

    @property
    def text(self) -> str:
        """The URL of the repository."""
        return f"{_PREFIX}{self.image.name}"


def parse(url: str) -> OciAddress:
    """Parse the URL of a repository or of one artifact in it. Raises BadHubUrl."""
    name = url.removeprefix(_PREFIX).rstrip("/")
    if not url.startswith(_PREFIX) or not url.isprintable() or set(name) & set("?# \\"):
        raise _bad(url, "it is not a host and a path")
    host, slash, _ = name.partition("/")
    if not slash or not (host == "localhost" or set(host) & {".", ":"}):
        raise _bad(url, "it begins with a host, which has a dot or a port, and a path")
    try:
        image = Image.parse(name)
    except errors.BadImage as error:
        raise _bad(url, str(error.fields["reason"])) from None
    has_tag = ":" in name.partition("@")[0].rpartition("/")[2]
    return OciAddress(image, image.digest or (image.tag if has_tag else None))


def _bad(url: str, reason: str) -> errors.BadHubUrl:
    shown = url if "@" not in url or "@sha256:" in url else f"{_PREFIX}..."  # what is before @ may be a password
    return errors.BadHubUrl(url=shown[:200], reason=reason, example=HUBS[SCHEME].example)
