"""`mvc docker resolve`, `mvc drift --docker`, and the digest of a commit: the image that a tag points to.

Only its registry knows, so it is requested; without a response the digest stays unresolved.
"""

from __future__ import annotations

import dataclasses

from mvc import errors
from mvc.deferred import dataclass
from mvc.images.registries import Registries
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.image import Image
from mvc.model.manifest import Manifest
from mvc.model.toml import parse, rules
from mvc.model.toml.rules import Problem
from mvc.porcelain import edit
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Repository, writes
from mvc.repository.worktree import model_file

KEY = "docker.digest"


@dataclass(frozen=True, slots=True)
class ResolvedImage(Document):
    """An image by its full name, the digest its tag points to, and the value in model.toml before (`old`)."""

    KEYS = keys("image=image.text digest old platforms")

    image: Image
    digest: str
    old: str | None
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageDrift(Document):
    """The image of a version: the recorded digest, and the one its tag points to now; None if the tag is gone."""

    KEYS = keys("id=version number image=image.text recorded now moved")

    version: VersionId
    number: int
    image: Image
    recorded: str
    now: str | None

    @property
    def moved(self) -> bool:
        """True if the tag has moved."""
        return self.now != self.recorded


@writes
def resolve(model: Model, registries: Registries, *, dry_run: bool = False) -> ResolvedImage:
    """Resolve the image's tag and write the digest to model.toml as docker.digest, unless `dry_run`.

    Raises NoImage, BadImage, the errors of reading model.toml, and as `Registries.resolve` does.
    """
    where = model_file.path(model.folder)
    data = model_file.read(model.repository, model.folder)
    if data is None:
        raise errors.NoModelToml(path=where, model=model.key)
    docker = parse.parse(data, where=where).docker
    found = registries.resolve(Image.of(docker, where))
    old = docker.get("digest")
    if not dry_run and old != found.digest:
        edit.set_values(model, [f"{KEY}={found.digest}"])
    return ResolvedImage(found.image, found.digest, old["asked"] if isinstance(old, dict) else old, found.platforms)


def moved(repository: Repository, id_: VersionId, registries: Registries) -> ImageDrift:
    """Compare the image recorded in the version `id_` with the one its tag points to now.

    Raises NoImage, BadImage, NotPinned, Missing, Damaged, and as `Registries.resolve` does.
    """
    version = repository.objects.version(id_)
    manifest, called = repository.objects.manifest(version.manifest), history.label(repository, id_)
    image = Image.of(manifest.docker, called)
    recorded = image.digest or manifest.docker_digest
    if recorded is None:
        raise errors.NotPinned(version=called, image=image)
    try:
        now: str | None = registries.resolve(image).digest
    except errors.NoSuchImage:
        now = None
    return ImageDrift(id_, version.number, image, recorded, now)


def pin(manifest: Manifest, registries: Registries | None) -> tuple[Manifest, Problem | None]:
    """Return `manifest` with `digest = "auto"` resolved; if that fails, unchanged and with a warning.

    A commit does not wait for a network: the digest is then recorded as unresolved.
    """
    digest = manifest.docker.get("digest")
    if not isinstance(digest, dict):
        return manifest, None
    try:
        if registries is None:
            raise errors.Offline(what="The registry of the image")
        found = registries.resolve(Image.of(manifest.docker, model_file.NAME)).digest
    except errors.MvcError as error:
        message = f"{digest['asked']} is recorded as not resolved: {error.message.rstrip('.')}"
        return manifest, Problem(rules.WARNING, KEY, message, error.hint)
    docker = {**manifest.docker, "digest": {**digest, "resolved": found}}
    return dataclasses.replace(manifest, docker=docker), None
