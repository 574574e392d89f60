"""The history in an OCI repository or layout, for `mvc import`: versions that mvc published, and artifacts of other tools.

manifests ─┬─ layer with a version's objects ─► exactly that version, with its parents
           └─ another model artifact ─► a step, after the one that was made before it
other tags ─► aliases, since tags of registries move
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.tree import TreeEntry
from mvc.model.version import Person
from mvc.registry import handmade, published
from mvc.registry.hubs import version_objects
from mvc.registry.oci import address, artifacts, foreign
from mvc.registry.oci.artifacts import Artifact, Artifacts, InLayout
from mvc.registry.oci.manifest import BadManifestError, Descriptor, ModelManifest
from mvc.repository.imports.request import Request
from mvc.repository.imports.source import AliasMove, Checksum, SourceFile, SourceHistory, Step, VersionObjects
from mvc.repository.parts import MAIN
from mvc.storage.disk.temporary import Temporary

_PREFIX = f"{address.SCHEME}://"


@contextlib.contextmanager
def opened(request: Request) -> Iterator[SourceHistory]:
    """Open the history of a repository or a layout; its archives are removed at the end.

    Raises BadHubUrl, BadLayout, HubLacks, NothingToImport, and errors of the registry.
    """
    place = request.places[0]
    with contextlib.ExitStack() as stack:
        if place.startswith(_PREFIX):
            contents = stack.enter_context(artifacts.connected(address.parse(place), request))
        else:
            contents = InLayout(request.folder)

        def temporary() -> Temporary:
            made = request.repository.door.temporary()
            stack.callback(made.discard)
            return made

        reader = _Reader(contents, foreign.Reader(contents, temporary))
        reader.read()
        yield reader.history(request.branch)


@dataclass
class _Reader:
    """Reads the artifacts of a source: `own` are versions of mvc, `others` those of other tools."""

    artifacts: Artifacts
    foreign: foreign.Reader
    own: dict[str, Step] = field(default_factory=dict)
    others: list[Step] = field(default_factory=list)
    tags: dict[str, Step] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Read every artifact; one that is damaged, or not a model, is left out with a warning."""
        for artifact in self.artifacts.all():
            try:
                manifest = ModelManifest.decode(artifact.body)
                if not manifest.is_model:
                    self.warnings.append(f"{artifact.name} was left out: it is not a model artifact")
                    continue
                step = self._step(artifact, manifest)
            except BadManifestError as error:
                self.warnings.append(f"{artifact.name} was left out: {error}")
                continue
            self.tags |= {tag: step for tag in artifact.tags if _is_alias(tag)}

    def _step(self, artifact: Artifact, manifest: ModelManifest) -> Step:
        if manifest.version is None:
            self.others.append(self.foreign.step(artifact, manifest))
            return self.others[-1]
        step = self._published(manifest, manifest.version)
        return self.own.setdefault(step.key, step)

    def _published(self, manifest: ModelManifest, layer: Descriptor) -> Step:
        """Return the step of a version that mvc published. Raises BadManifestError."""
        if layer.size > version_objects.MAX_BYTES:
            raise BadManifestError("its version is larger than any")
        data = bytearray()
        self.artifacts.read(layer, data.extend)
        try:
            objects = version_objects.decode(bytes(data))
        except errors.NotCanonical as error:
            raise BadManifestError(f"its version is damaged: {error.fields['reason']}") from None
        files, stored = list[SourceFile](), manifest.files
        for entry in objects.tree.entries:
            if entry.path in stored and stored[entry.path].size == entry.size:
                files.append(self._file(entry, stored[entry.path]))
        present = {file.path for file in files}
        missing = tuple(entry.path for entry in objects.tree.entries if entry.path not in present)
        return _exact(objects, tuple(files), missing)

    def _file(self, entry: TreeEntry, layer: Descriptor) -> SourceFile:
        content = self.artifacts.content(layer)
        return SourceFile(
            entry.path,
            entry.role,
            content if content is not None else lambda sink: self.artifacts.read(layer, sink),
            entry.size,
            Checksum("sha256", layer.sha256),
            executable=entry.exec,
            remote=content is None,
        )

    def history(self, branch: str | None) -> SourceHistory:
        """Return the history: published versions by number, then the others by time, each after the one before."""
        own = sorted(self.own.values(), key=lambda step: (_objects(step).version.number, step.key))
        own = [replace(step, parents=tuple(id_ for id_ in step.parents if id_ in self.own)) for step in own]
        others = list[Step]()
        for step in sorted(self.others, key=lambda step: (step.time, step.message, step.key)):
            others.append(replace(step, parents=(others[-1].key,) if others else ()))
        models = {_objects(step).manifest.name for step in own}
        return SourceHistory(
            self.artifacts.origin,
            models.pop() if len(models) == 1 else handmade.model_key(self.artifacts.name),
            (*own, *others),
            branches=dict(_branches(own, others, branch or MAIN)),
            aliases=[self._alias(tag, step) for tag, step in sorted(self.tags.items())],
            warnings=tuple(self.warnings),
        )

    def _alias(self, tag: str, step: Step) -> AliasMove:
        return AliasMove(tag, step.key, Person(self.artifacts.origin, ""), step.time, f"tag {tag}")


def _is_alias(tag: str) -> bool:
    """Return whether a tag becomes an alias: not the name of a version, and none that aliases cannot have."""
    return names.is_ref_name(tag) and not published.is_version_name(tag)


def _exact(objects: VersionObjects, files: tuple[SourceFile, ...], missing: tuple[str, ...]) -> Step:
    version = objects.version
    return Step(
        key=version.id(),
        parents=version.parents,
        files=files,
        message=version.message,
        author=version.author,
        time=version.time,
        code=version.code,
        missing=missing,
        objects=objects,
    )


def _branches(own: Sequence[Step], others: Sequence[Step], name: str) -> Iterator[tuple[str, str]]:
    """Yield a branch for each tip: the newest published version has `name`, others have their numbers."""
    parents = {parent for step in own for parent in step.parents}
    tips = [step for step in reversed(own) if step.key not in parents]
    for tip in tips:
        number = _objects(tip).version.number
        yield name if tip is tips[0] else f"{address.SCHEME}-{number}-{tip.key[: published.ID_DIGITS]}", tip.key
    if others:
        yield name if not tips else f"{address.SCHEME}-{name}", others[-1].key


def _objects(step: Step) -> VersionObjects:
    assert step.objects is not None  # noqa: S101 - called for published versions
    return step.objects
