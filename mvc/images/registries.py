"""The registries that a person can ask, with the logins that docker keeps for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.storage.records.config import TRUSTED_HOSTS, Config, user_file

if TYPE_CHECKING:
    from mvc.model.image import Image


@dataclass(frozen=True, slots=True)
class Resolved:
    """An image, and the digest that its tag stands for; `platforms` are those of an index, empty for a single manifest."""

    image: Image
    digest: str
    media_type: str = ""
    platforms: tuple[str, ...] = ()


class Registries:
    """Asks the registry of an image. `environ` has HOME or DOCKER_CONFIG, and PATH for programs that keep logins.

    It also says where the person's settings are (MVC_CONFIG, XDG_CONFIG_HOME), and names hosts in MVC_TRUSTED_HOSTS.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Nothing is read or asked yet."""
        self._environ = environ

    def resolve(self, image: Image) -> Resolved:
        """What the tag of `image` stands for now; a name that has a digest is taken as it is, and nobody asked.

        Raises NoSuchImage, ImageDenied, ImageUnreachable, UntrustedImage, BadDockerConfig, MissingDockerExtra, RealmNotTrusted.
        """
        if image.digest is not None:
            return Resolved(image, image.digest)
        try:
            lookup = lazy.load("mvc.images.lookup")
        except ImportError as error:
            raise errors.MissingDockerExtra(library=error.name or "requests") from error
        approvals = Config(None, user_file(self._environ)).approvals(self._environ.get(TRUSTED_HOSTS, ""))
        found: Resolved = lookup.look_up(image, self._environ, approvals)
        return found
