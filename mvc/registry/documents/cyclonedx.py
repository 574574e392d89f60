"""A version as a bill of materials of CycloneDX 1.6 or 1.7: a machine learning model with a model card.

    metadata.component   the model: license, parents as pedigree, metrics and datasets as its model card
      └── components     its files, with hashes
    components           datasets, the docker image
    formulation          the training: experiment, Git commit, parameters

Source: the JSON schemas of the specification, https://cyclonedx.org/docs/1.6/json and 1.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mvc import errors
from mvc.model.image import Image
from mvc.model.licenses import spdx
from mvc.model.licenses.expression import License, parse
from mvc.model.tree import TreeEntry
from mvc.registry.documents import values
from mvc.registry.documents.documented_version import DocumentedVersion, uuid_of
from mvc.registry.documents.values import text, uri

Json = dict[str, Any]
_MODEL, _CONTAINER, _TRAINING = "model", "container", "training"
_TASKS = {
    "CLASSIFICATION": "image classification",
    "OBJECT_DETECTION": "object detection",
    "SEGMENTATION": "image segmentation",
    "KEYPOINT": "keypoint detection",
}
"""The task of a model card by `model.type`; another type is written in lower case."""
_DECLARED = {"acknowledgement": "declared"}
_SHA256 = "sha256:"
_READ, _UNREAD = 2, 1
"""The version of the document: a second one has what reading the files adds."""


def document(version: DocumentedVersion, spec: str, program: tuple[str, str]) -> Json:
    """Return the document in the version `spec` of the specification; `program` is the name and version of this one."""
    name, release = program
    container = _container(version)
    datasets = list(_datasets(version))
    return _filled(
        {
            "$schema": f"http://cyclonedx.org/schema/bom-{spec}.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": spec,
            "serialNumber": f"urn:uuid:{version.uuid}",
            "version": _READ if version.is_read else _UNREAD,
            "metadata": {
                "timestamp": version.version.time.utc(),
                "tools": {"components": [{"type": "application", "name": name, "version": release}]},
                "authors": [_author(version)],
                "component": _model(version),
            },
            "components": [*datasets, *([container] if container else [])],
            "dependencies": list(_dependencies(datasets, container)),
            "formulation": [{"bom-ref": "formula", "workflows": [_training(version, datasets)]}],
        }
    )


def _model(version: DocumentedVersion) -> Json:
    manifest = version.manifest
    return _filled(
        {
            "type": "machine-learning-model",
            "bom-ref": _MODEL,
            "name": manifest.name,
            "version": version.name,
            "description": manifest.model.get("description", ""),
            "authors": [_author(version)],
            "licenses": _licenses(parse(version.license)) if version.license else [],
            "tags": list(manifest.model.get("tags", ())),
            "pedigree": {"ancestors": list(_ancestors(version))},
            "externalReferences": list(_references(version)),
            "components": [_file(version, entry) for entry in version.tree.entries],
            "modelCard": _card(version),
            "properties": _properties(_facts(version)),
        }
    )


def _card(version: DocumentedVersion) -> Json:
    manifest = version.manifest
    datasets = range(len(manifest.source.get("datasets", ())))
    type_ = manifest.type or ""
    card = {
        "modelParameters": {
            "task": _TASKS.get(type_, type_.lower().replace("_", " ")),
            "datasets": [{"ref": _dataset_ref(number)} for number in datasets],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {"type": name, "value": text(value)} for name, value in sorted(manifest.metrics.items())
            ]
        },
        "considerations": {"useCases": list(manifest.intent.get("ready_for", ()))},
        "properties": _properties((f"mvc:labelmap.{number}", name) for number, name in manifest.labelmap),
    }
    return _filled({key: _filled(value) if isinstance(value, dict) else value for key, value in card.items()})


def _facts(version: DocumentedVersion) -> Iterator[tuple[str, str]]:
    """Yield what a version records and CycloneDX has no field for."""
    manifest, record = version.manifest, version.version
    yield "mvc:version", version.id
    yield "mvc:message", record.message
    if manifest.framework:
        yield "mvc:framework", manifest.framework
    if "parent" in manifest.model:
        yield "mvc:base-model", text(manifest.model["parent"])
    for key in ("links", "notebook"):
        if key in manifest.model:
            yield f"mvc:{key}", text(manifest.model[key])


def _file(version: DocumentedVersion, entry: TreeEntry) -> Json:
    hashes = [{"alg": "BLAKE3", "content": entry.file}]
    if entry.file in version.sha256:
        hashes.append({"alg": "SHA-256", "content": version.sha256[entry.file]})
    claims = [claim.license for claim in version.claims if claim.path == entry.path]
    properties = [*(("mvc:role", role) for role in version.roles(entry)), ("mvc:size", str(entry.size))]
    return _filled(
        {
            "type": "file",
            "bom-ref": f"file:{entry.path}",
            "name": entry.path,
            "hashes": hashes,
            "evidence": {"licenses": _licenses(claims[0], {})} if claims else {},
            "properties": _properties(properties),
        }
    )


def _licenses(license_: License, more: Mapping[str, str] = _DECLARED) -> list[Json]:
    """Return a license by its identifier or as an expression, else by its name."""
    if license_.expression in spdx.LICENSES.values():
        return [{"license": {"id": license_.expression, **more}}]
    if license_.is_known and len(license_.families) > 1:
        return [{"expression": license_.expression, **more}]
    return [{"license": {"name": license_.text, **more}}]


def _author(version: DocumentedVersion) -> Json:
    person = version.version.author
    return _filled({"name": person.name, "email": values.email(person.email) or ""})


def _ancestors(version: DocumentedVersion) -> Iterator[Json]:
    """Yield the parents, and the base model of another repository."""
    for parent in version.parents:
        bom = {"type": "bom", "url": f"urn:cdx:{uuid_of(parent.id)}/{_UNREAD}"}
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"version:{parent.id}",
            "name": version.manifest.name,
            "version": parent.name,
            "externalReferences": [bom],
            "properties": _properties([("mvc:version", parent.id)]),
        }
    base = version.manifest.model.get("parent")
    if base:
        name, _, revision = str(base).rpartition("@")
        yield {"type": "machine-learning-model", "bom-ref": "base-model", "name": name or revision, "version": revision}


def _references(version: DocumentedVersion) -> Iterator[Json]:
    """Yield the addresses that are URIs; `_facts` has all as texts."""
    manifest, code = version.manifest, version.version.code
    listed = [("website", link, "") for link in manifest.model.get("links", ())]
    listed.append(("documentation", manifest.model.get("notebook"), "notebook"))
    if code is not None:
        listed.append(("vcs", code.remote, f"training code, commit {code.commit}"))
    for kind, address, comment in listed:
        url = uri(address)
        if url is not None:
            yield _filled({"type": kind, "url": url, "comment": comment})


def _dataset_ref(number: int) -> str:
    return f"dataset:{number}"


def _datasets(version: DocumentedVersion) -> Iterator[Json]:
    for number, dataset in enumerate(version.manifest.source.get("datasets", ())):
        name = text(dataset.get("name") or dataset.get("alias") or dataset.get("id") or f"dataset {number + 1}")
        yield _filled(
            {
                "type": "data",
                "bom-ref": _dataset_ref(number),
                "name": name,
                "version": text(dataset.get("version", "")),
                "data": [{"type": "dataset", "name": name}],
                "properties": _properties(values.flat(dataset, "mvc:dataset.")),
            }
        )


def _container(version: DocumentedVersion) -> Json:
    """Return the docker image; nothing if none is set."""
    docker = version.manifest.docker
    if not docker.get("image"):
        return {}
    digest, tag = version.manifest.docker_digest, docker.get("tag", "")
    try:
        image = Image.parse(docker["image"], tag or None)
    except errors.BadImage:
        image = None
    digest = digest or (image.digest if image is not None else None)
    hashes = (
        [{"alg": "SHA-256", "content": digest[len(_SHA256) :]}] if digest is not None and _is_sha256(digest) else []
    )
    return _filled(
        {
            "type": "container",
            "bom-ref": _CONTAINER,
            "name": docker["image"],
            "version": tag,
            "hashes": hashes,
            "purl": _purl(image, digest) if image is not None and digest is not None and hashes else "",
        }
    )


def _is_sha256(digest: str) -> bool:
    return digest.startswith(_SHA256) and len(digest) == len(_SHA256) + 64


def _purl(image: Image, digest: str) -> str:
    """Return the package URL of an image, type `oci` of https://github.com/package-url/purl-spec."""
    name, digits = image.repository.rpartition("/")[2], digest.replace(":", "%3A")
    return f"pkg:oci/{name}@{digits}?repository_url={image.registry}/{image.repository}&tag={image.tag}"


def _dependencies(datasets: list[Json], container: Json) -> Iterator[Json]:
    used = [component["bom-ref"] for component in (*datasets, container) if component]
    yield _filled({"ref": _MODEL, "dependsOn": used})
    yield from ({"ref": ref} for ref in used)


def _training(version: DocumentedVersion, datasets: list[Json]) -> Json:
    """Return the training as a workflow: its experiment, code and parameters."""
    experiment, code = version.manifest.source.get("experiment", {}), version.version.code
    facts = [(f"mvc:experiment.{key}", value) for key, value in values.flat(experiment)]
    if code is not None:
        facts += [(f"mvc:code.{key}", text(value)) for key, value in sorted(code.to_json().items())]
    facts += [(f"mvc:parameters.{key}", value) for key, value in values.flat(version.manifest.parameters)]
    url = uri(experiment.get("url"))
    return _filled(
        {
            "bom-ref": _TRAINING,
            "uid": text(experiment.get("id") or version.id),
            "name": text(experiment.get("name", "")),
            "taskTypes": ["build"],
            "resourceReferences": [{"externalReference": {"type": "build-meta", "url": url}}] if url else [],
            "inputs": [{"resource": {"ref": dataset["bom-ref"]}} for dataset in datasets],
            "outputs": [{"type": "artifact", "resource": {"ref": _MODEL}}],
            "properties": _properties(facts),
        }
    )


def _properties(facts: Any) -> list[Json]:
    return [{"name": name, "value": value} for name, value in facts]


def _filled(record: Json) -> Json:
    """Return a record without empty texts, lists and maps."""
    return {key: value for key, value in record.items() if value not in ("", [], {}, None)}
