"""The provenance of a version, as a predicate of SLSA: how it was trained, of what its objects record, and nothing else.

    externalParameters     model, type, framework, parameters
    resolvedDependencies   Git commit, datasets, docker image, parents
    builder                the URI that is given, else the address of the experiment

Source: https://slsa.dev/spec/v1.1/provenance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from mvc.registry.documents.documented_version import DocumentedVersion
from mvc.registry.documents.values import uri

TYPE = "https://slsa.dev/provenance/v1"
TRAINING = "urn:mvc:training:v1"
"""The type of the build."""
NOT_RECORDED = "urn:mvc:builder:not-recorded"
"""The builder of a version that names no experiment: SLSA requires one."""
_SHA256 = "sha256:"
Json = dict[str, Any]


def predicate(version: DocumentedVersion, builder: str | None = None) -> Json:
    """Return the provenance; `builder` is the URI of what trained the version, such as that of a CI job."""
    manifest = version.manifest
    experiment = manifest.source.get("experiment", {})
    url = uri(experiment.get("url"))
    facts = {"model": manifest.name, "type": manifest.type, "framework": manifest.framework}
    run = _filled({key: experiment.get(key) for key in ("id", "name", "project")})
    return {
        "buildDefinition": _filled(
            {
                "buildType": TRAINING,
                "externalParameters": _filled({**facts, "parameters": dict(manifest.parameters)}),
                "internalParameters": _filled({"experiment": run}),
                "resolvedDependencies": list(_dependencies(version)),
            }
        ),
        "runDetails": _filled(
            {"builder": {"id": builder or url or NOT_RECORDED}, "metadata": _filled({"invocationId": url})}
        ),
    }


def _dependencies(version: DocumentedVersion) -> Iterator[Json]:
    """Yield what the version was made of."""
    code = version.version.code
    if code is not None:
        remote = uri(code.remote)
        annotations = _filled({"branch": code.branch}) | {"dirty": code.dirty}
        source = f"git+{remote}@{code.commit}" if remote is not None else None
        yield _filled({"name": "code", "uri": source, "digest": {"gitCommit": code.commit}, "annotations": annotations})
    yield from (_dataset(dataset) for dataset in version.manifest.source.get("datasets", []))
    yield from _image(version)
    for parent in version.parents:
        yield {
            "name": f"{version.manifest.name}@{parent.name}",
            "uri": f"urn:mvc:version:{parent.id}",
            "digest": {"blake3": parent.id},
        }


def _dataset(dataset: Mapping[str, Any]) -> Json:
    """Return a version of a dataset, by its id where it has one; a registry names no digest of it."""
    name = str(dataset.get("id") or dataset.get("name") or dataset.get("alias") or "")
    number = dataset.get("version")
    address = quote(name, safe="") + (f"@{quote(str(number), safe='')}" if number and not dataset.get("id") else "")
    title = " ".join(str(dataset[key]) for key in ("name", "version") if dataset.get(key)) or name
    return {"name": title, "uri": f"urn:mvc:dataset:{address}", "annotations": dict(dataset)}


def _image(version: DocumentedVersion) -> Iterator[Json]:
    docker, digest = version.manifest.docker, version.manifest.docker_digest
    if not docker.get("image"):
        return
    name = f"{docker['image']}:{docker['tag']}" if docker.get("tag") else str(docker["image"])
    digests = {"sha256": digest.removeprefix(_SHA256)} if digest is not None and digest.startswith(_SHA256) else {}
    address = f"docker://{quote(name, safe='/:@')}" + (f"@{digest}" if digests else "")
    yield _filled({"name": name, "uri": address, "digest": digests})


def _filled(record: Mapping[str, Any]) -> Json:
    """Return a record without what is empty."""
    return {key: value for key, value in record.items() if value not in ("", [], {}, None)}
