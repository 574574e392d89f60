"""Model artifacts of other tools as steps of a history: ModelPack of modctl and KitOps, and ModelKits.

    raw layer ─► the file of its path                    the largest weights ─► model-latest
    tar layer ─► its regular files                       other files ─► roles by their names
    config    ─► description, license, framework, parameters; author, time

All of it comes from the manifest and what that names, not from tags, which move: everybody gets the same version.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.toml.schema import FRAMEWORKS
from mvc.model.version import Person, Timestamp
from mvc.registry.files import flat_files
from mvc.registry.oci import archive_layer, media_types
from mvc.registry.oci.archive_layer import Archive
from mvc.registry.oci.artifacts import Artifact, Artifacts
from mvc.registry.oci.manifest import MAX_BYTES, Descriptor, ModelManifest, decode
from mvc.repository.imports.source import Checksum, SourceFile, Step
from mvc.storage.disk.temporary import Temporary

LATEST = "model-latest"
"""The role of the weights that a model is used by."""
CREATED = "org.opencontainers.image.created"
_TECHNICAL = {
    "architecture": "architecture",
    "paramSize": "param_size",
    "precision": "precision",
    "quantization": "quantization",
}
_MAX_TEXT = 4096


class _File(NamedTuple):
    """A file of an artifact before it has a role."""

    path: str
    kind: str
    size: int
    role: str
    source: SourceFile


@dataclass(frozen=True)
class Reader:
    """Reads artifacts of other tools; `temporary` makes files for archives, which are removed at the end of the import."""

    artifacts: Artifacts
    temporary: Callable[[], Temporary]

    def step(self, artifact: Artifact, manifest: ModelManifest) -> Step:
        """Return the step of an artifact, without parents. Raises BadManifestError, and errors of the source."""
        config = self._config(manifest)
        described, technical = _table(config, "descriptor"), _table(config, "config")
        warnings = list[str]()
        files = [file for layer in manifest.layers for file in self._files(layer, warnings)]
        return Step(
            key=artifact.digest,
            parents=(),
            files=_with_roles(files),
            message=_message(artifact, described),
            author=_author(described),
            time=_time(described, manifest),
            sections=_sections(described, technical),
            warnings=tuple(warnings),
        )

    def _config(self, manifest: ModelManifest) -> Mapping[str, Any]:
        if manifest.config.size > MAX_BYTES or not media_types.is_model_config(manifest.config.media_type):
            return {}
        data = bytearray()
        self.artifacts.read(manifest.config, data.extend)
        return decode(bytes(data))

    def _files(self, layer: Descriptor, warnings: list[str]) -> Iterator[_File]:
        """Yield the files of a layer; add a warning for what is left out."""
        meant = media_types.parse_layer(layer.media_type)
        if meant is None:
            warnings.append(f"a layer of type {layer.media_type[:100]} was left out")
        elif meant.form == "raw":
            yield self._raw(layer, meant.kind)
        else:
            archive = self._archive(layer, meant.compression)
            warnings += [f"{name} was left out: it is not a regular file" for name in archive.others]
            for member in archive.members:
                content = archive.reader(member)
                path = _plain(member.path)
                source = SourceFile(path, "", content, member.size, executable=member.executable)
                yield _File(path, meant.kind, member.size, "", source)

    def _raw(self, layer: Descriptor, kind: str) -> _File:
        notes = layer.annotations
        path = _plain(notes.get(media_types.PATH) or notes.get(media_types.TITLE) or f"{kind}-{layer.sha256[:12]}")
        content = self.artifacts.content(layer)
        source = SourceFile(
            path,
            "",
            content if content is not None else lambda sink: self.artifacts.read(layer, sink),
            layer.size,
            Checksum("sha256", layer.sha256),
            executable=_is_executable(notes),
            remote=content is None,
        )
        return _File(path, kind, layer.size, notes.get(media_types.ROLE, ""), source)

    def _archive(self, layer: Descriptor, compression: str) -> Archive:
        """Return the archive of a layer, downloaded and decompressed."""
        packed = self.temporary()
        self.artifacts.read(layer, packed.write)
        if not compression:
            packed.close()
            return archive_layer.opened(packed)
        plain = self.temporary()
        packed.close()
        archive_layer.expand(packed.path, compression, plain)
        packed.discard()
        plain.close()
        return archive_layer.opened(plain)


def _with_roles(files: Sequence[_File]) -> tuple[SourceFile, ...]:
    """Return the files with their roles: the largest weights are the model's, others are named for their files."""
    weights = [file for file in files if file.kind == media_types.WEIGHT]
    largest = min(weights, key=lambda file: (-file.size, file.path), default=None)
    taken = {LATEST} if largest is not None else set[str]()
    named = list[SourceFile]()
    for file in sorted(files, key=lambda file: file.path):
        if file is largest:
            role = LATEST
        else:
            base = file.path.rpartition("/")[2]
            role = flat_files.unused(flat_files.role(file.role or base.partition(".")[0] or base), taken)
            taken.add(role)
        source = file.source
        named.append(
            SourceFile(file.path, role, source.content, source.size, source.checksum, source.executable, source.remote)
        )
    return tuple(named)


def _message(artifact: Artifact, described: Mapping[str, Any]) -> str:
    """Return the message of a version: the name and version that the artifact gives, and its description."""
    subject = " ".join(
        filter(None, (_text(described, "name") or _text(described, "title"), _text(described, "version")))
    )
    body = _text(described, "description")
    return "\n\n".join(filter(None, (subject or f"Artifact {artifact.digest[:19]}", body)))


def _author(described: Mapping[str, Any]) -> Person:
    authors = described.get("authors")
    first = authors[0] if isinstance(authors, list) and authors and isinstance(authors[0], str) else "oci"
    try:
        return Person.parse(first)
    except errors.BadAuthor:
        return Person(first[:200], "")


def _time(described: Mapping[str, Any], manifest: ModelManifest) -> Timestamp:
    """Return the time of creation; 1970 if the artifact has none, the same for everybody."""
    for text in (_text(described, "createdAt"), manifest.annotations.get(CREATED, "")):
        try:
            return Timestamp.parse(text)
        except errors.BadDate:
            continue
    return Timestamp(0)


def _sections(described: Mapping[str, Any], technical: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the values of model.toml that an artifact gives."""
    licenses = described.get("licenses")
    texts = [text for text in licenses if isinstance(text, str)] if isinstance(licenses, list) else []
    framework = _text(technical, "format").upper()
    model = {
        "description": _text(described, "description"),
        "license": " AND ".join(texts)[:_MAX_TEXT],
        "framework": framework if framework in FRAMEWORKS else "",
    }
    parameters = {name: _text(technical, key) for key, name in _TECHNICAL.items()}
    sections = {"model": model, "parameters": parameters}
    return {name: {key: value for key, value in values.items() if value} for name, values in sections.items()}


def _plain(path: str) -> str:
    """Return a path without parts that are a dot; whether it is safe is checked by the import."""
    return "/".join(part for part in path.split("/") if part != ".")


def _is_executable(notes: Mapping[str, str]) -> bool:
    try:
        mode = json.loads(notes.get(media_types.METADATA, "{}"))["mode"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return False
    return type(mode) is int and bool(mode & 0o111)


def _table(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value[:_MAX_TEXT] if isinstance(value, str) else ""
