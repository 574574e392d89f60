"""`mvc check --online`: answers to the rules that need a dataset version or the docker image.

    source.datasets, or --dataset ─► registry of models ─► types and classes
    docker.image, docker.tag ──────► registry of images ─► does it exist?

Each is asked once, when the first rule needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from mvc import errors
from mvc.images.registries import Registries
from mvc.model.image import Image
from mvc.model.manifest import Manifest
from mvc.readiness.outside import Dataset
from mvc.readiness.verdict import OK, Verdict, no, unknown
from mvc.registry import lineage
from mvc.registry.experiments import lookup
from mvc.registry.protocol import Registry, RemoteDatasetVersion

_MAX_SHOWN = 5


class Asked:
    """The dataset versions and the image of a manifest, as `mvc.readiness.outside.Outside`."""

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[Registry]],
        images: Registries,
        names: Sequence[str],
        manifest: Manifest,
    ) -> None:
        """Ask the registry that `connect` opens; `names` replace the dataset versions that the manifest records."""
        self._connect = connect
        self._images = images
        self._names = names
        self._manifest = manifest
        self._datasets: tuple[Dataset, ...] | None = None
        self._image: Verdict | None = None

    def datasets(self) -> Sequence[Dataset]:
        """Return the dataset versions. Raises as connecting does, and NotOnRegistry for one that was named."""
        if self._datasets is None:
            recorded = self._manifest.source.get("datasets", ())
            self._datasets = tuple(self._read(recorded)) if self._names or recorded else ()
        return self._datasets

    def image(self) -> Verdict:
        """Return whether the docker image exists; unknown if its registry cannot be asked."""
        if self._image is None:
            self._image = self._looked_up()
        return self._image

    def _read(self, recorded: Sequence[Mapping[str, Any]]) -> Iterator[Dataset]:
        with self._connect() as registry:
            _ = registry.organization  # a token that is refused is an error, not the reason of one dataset
            for text in self._names:
                yield _facts(registry, _named(registry, text))
            for row in recorded if not self._names else ():
                yield _recorded(registry, row)

    def _looked_up(self) -> Verdict:
        try:
            image = Image.of(self._manifest.docker, "model.toml")
            if image.digest is not None:
                return unknown("an image that is named by its digest is not looked up")
            self._images.resolve(image)
        except (errors.NoSuchImage, errors.BadImage) as error:
            return no(error.message.rstrip("."))
        except errors.MvcError as error:
            return unknown(error.message.rstrip("."))
        return OK


def _named(registry: Registry, text: str) -> RemoteDatasetVersion:
    """Return the dataset version of a text, `NAME@VERSION` or an id. Raises NotOnRegistry."""
    name, at, version = text.rpartition("@")
    found = registry.find_dataset_version(name, version) if at else registry.dataset_version(text)
    if found is None and at:
        raise lookup.no_dataset(registry, name, version)
    if found is None:
        id_ = registry.experiments.datasets().get(text)
        versions = registry.dataset_versions(id_) if id_ is not None else ()
        known = ", ".join(version.label for version in versions[:_MAX_SHOWN]) or "others, by NAME@VERSION or id"
        raise errors.NotOnRegistry(registry=registry.organization, what=f"dataset version {text!r}", known=known)
    return found


def _recorded(registry: Registry, row: Mapping[str, Any]) -> Dataset:
    """Return a recorded dataset version; if it cannot be read, with the reason."""
    label = lineage.dataset_label(row)
    if not lineage.is_named(row):
        return Dataset(label, fault="neither its id nor its name and version are recorded")
    try:
        found = lineage.find_dataset(registry, row)
        return _facts(registry, found) if found is not None else Dataset(label, fault="the registry does not have it")
    except errors.RegistryDenied as error:
        return Dataset(label, fault=str(error.fields["reason"]))


def _facts(registry: Registry, version: RemoteDatasetVersion) -> Dataset:
    return Dataset(version.label, version.type, frozenset(registry.dataset_labels(version.id)))
