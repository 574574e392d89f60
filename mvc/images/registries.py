"""Image registries: lookups of docker tags, with the logins of docker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.storage.records.config import TRUSTED_HOSTS, Config, user_file

if TYPE_CHECKING:
    from mvc.model.image import Image


@dataclass(frozen=True, slots=True)
class Resolved:
    """An image and the digest its tag points to; `platforms` are those of an index, empty for a single manifest."""

    image: Image
    digest: str
    media_type: str = ""
    platforms: tuple[str, ...] = ()


class Registries:
    """Looks images up at their registries.

    `environ` has HOME or DOCKER_CONFIG for docker's logins, PATH for credential helpers, MVC_CONFIG or XDG_CONFIG_HOME
    for the user's settings, and MVC_TRUSTED_HOSTS.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Remember the environment; nothing is read or requested yet."""
        self._environ = environ

    def resolve(self, image: Image) -> Resolved:
        """Return the image that the tag of `image` points to now; a digest in its name is returned without any request.

        Raises NoSuchImage, ImageDenied, ImageUnreachable, UntrustedImage, BadDockerConfig, MissingDockerExtra,
        RealmNotTrusted.
        """
        if image.digest is not None:
            return Resolved(image, image.digest)
        try:
            lookup = lazy.load("mvc.images.lookup")
        except ImportError as error:
            raise errors.MissingDockerExtra(library=error.name or "requests") from error
        approvals = Config(None, user_file(self._environ)).approvals(self._environ.get(TRUSTED_HOSTS, ""))
        resolved: Resolved = lookup.resolve(image, self._environ, approvals)
        return resolved
