"""The storage of an imported version: its files on delta bases, and its objects, durable before a record of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.repository import delta_bases
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.packs import gc
from mvc.storage.records import config


@contextlib.contextmanager
def ingest(model: Model, manifest: Manifest, parents: Sequence[VersionId]) -> Iterator[Ingest]:
    """Yield an ingest with the files of present `parents` as delta bases; an error discards what was stored."""
    repository = model.repository
    present = [id_ for id_ in parents if repository.objects.has(id_)]
    found = repository.ingest(None, delta_bases.bases(model, manifest, present))
    try:
        yield found
    except BaseException:
        discard(repository, found)
        raise


def discard(repository: Repository, ingest: Ingest) -> None:
    """Discard what was stored and staged."""
    ingest.discard()
    repository.door.discard_staged()


@contextlib.contextmanager
def durable(repository: Repository, ingest: Ingest, generation: bytes | None) -> Iterator[None]:
    """Make the version durable, and hold the lock meanwhile. Raises CollectedMeanwhile.

    `generation` is the mark of the last garbage collection, as it was before stored objects were looked up.
    """
    ingest.close()
    with repository.locked():
        if gc.generation(repository.door) != generation:
            raise errors.CollectedMeanwhile
        config.require(repository.door, ingest.features)
        repository.door.barrier()
        yield
