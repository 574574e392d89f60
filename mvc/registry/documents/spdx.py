"""A version as a bill of materials of SPDX 3.0.1 in JSON-LD: a package of the AI profile, and what it relates to.

    SpdxDocument ─► Sbom ─► AIPackage ┬ contains      ─► File with its hashes
                                      ├ trainedOn     ─► DatasetPackage
                                      ├ dependsOn     ─► the docker image, a Package
                                      ├ descendantOf  ─► AIPackage of each parent, by the parent's own address
                                      └ hasDeclaredLicense ─► LicenseExpression
    Build (the training) ─ hasInput ─► DatasetPackage, ─ hasOutput ─► AIPackage

An element's address is `urn:uuid:UUID#NAME` with the version's UUID, so documents of several versions refer to each other.
Source: the model of https://spdx.github.io/spdx-spec/v3.0.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mvc.model.licenses.expression import License, parse
from mvc.model.licenses.names import PREFIX
from mvc.model.tree import TreeEntry
from mvc.registry.documents import values
from mvc.registry.documents.documented_version import DocumentedVersion, uuid_of
from mvc.registry.documents.values import text, uri

Json = dict[str, Any]
_CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_CREATION = "_:creation"
_BUILD_TYPE = "urn:mvc:training"
_PROFILES = ("core", "software", "simpleLicensing")
"""The profiles that the document conforms to; to `ai` only if a link says where the model can be downloaded."""
_PURPOSES = {"labelmap": "configuration", "config": "configuration", "requirements": "requirement"}
"""The purposes of files by role; others are those of a model."""


def document(version: DocumentedVersion, program: tuple[str, str]) -> Json:
    """Return the document; `program` is the name and version of this one."""
    graph = _Graph(version)
    graph.add_model()
    graph.add_files()
    graph.add_sources()
    graph.add_parents()
    return {"@context": _CONTEXT, "@graph": [*_creation(version, program), *graph.documents(), *graph.elements]}


def _creation(version: DocumentedVersion, program: tuple[str, str]) -> Iterator[Json]:
    author, address = version.version.author, values.email(version.version.author.email)
    email = [{"type": "ExternalIdentifier", "externalIdentifierType": "email", "identifier": address}]
    yield {
        "type": "CreationInfo",
        "@id": _CREATION,
        "specVersion": "3.0.1",
        "created": version.version.time.utc(),
        "createdBy": [_address(version, "author")],
        "createdUsing": [_address(version, "program")],
    }
    yield _element(version, "Person", "author", name=author.name, externalIdentifier=email if address else [])
    yield _element(version, "Tool", "program", name=" ".join(program))


def _links(version: DocumentedVersion) -> list[str]:
    """Return the links of the model that are URIs."""
    return [address for link in version.manifest.model.get("links", ()) if (address := uri(link)) is not None]


def _address(version: DocumentedVersion, name: str) -> str:
    return f"urn:uuid:{version.uuid}#{name}"


def _element(version: DocumentedVersion, type_: str, name_: str, **properties: Any) -> Json:
    """Return an element without its empty properties."""
    given = {key: value for key, value in properties.items() if value not in ("", [], None)}
    return {"type": type_, "spdxId": _address(version, name_), "creationInfo": _CREATION, **given}


class _Graph:
    """The elements of a document so far, without the document itself."""

    def __init__(self, version: DocumentedVersion) -> None:
        self.version = version
        self.elements: list[Json] = []
        self._licenses: dict[str, str] = {}
        self._relations = 0

    def documents(self) -> Iterator[Json]:
        """Yield the document and its bill of materials, which list the elements."""
        model, sbom = _address(self.version, "model"), _address(self.version, "sbom")
        listed = [element["spdxId"] for element in self.elements]
        name = f"{self.version.manifest.name} {self.version.name}"
        profiles = [*_PROFILES, *(["ai"] if _links(self.version) else [])]
        yield _element(
            self.version, "SpdxDocument", "document", name=name, rootElement=[sbom], profileConformance=profiles
        )
        yield _element(
            self.version, "software_Sbom", "sbom", rootElement=[model], element=listed, software_sbomType=["build"]
        )

    def add(self, type_: str, name_: str, **properties: Any) -> str:
        """Add an element; return its address."""
        self.elements.append(_element(self.version, type_, name_, **properties))
        return str(self.elements[-1]["spdxId"])

    def relate(self, kind: str, source: str, targets: Iterable[str]) -> None:
        """Add a relationship, unless it has no target."""
        listed = list(targets)
        if listed:
            self._relations += 1
            name = f"relationship-{self._relations}"
            self.add("Relationship", name, relationshipType=kind, **{"from": source, "to": listed})

    def add_model(self) -> None:
        """Add the package of the model, and its license."""
        version, manifest = self.version, self.version.manifest
        type_ = manifest.type or ""
        links = _links(version)
        author = _address(version, "author")
        facts = [(f"labelmap.{number}", name) for number, name in manifest.labelmap]
        model = self.add(
            "ai_AIPackage",
            "model",
            name=manifest.name,
            summary=version.version.subject,
            description=manifest.model.get("description", ""),
            comment="\n".join(f"{key}: {value}" for key, value in [("version", version.id), *facts]),
            software_packageVersion=version.name,
            software_primaryPurpose="model",
            software_downloadLocation=links[0] if links else "",
            software_homePage=links[0] if links else "",
            suppliedBy=author,
            originatedBy=[author],
            builtTime=version.version.time.utc(),
            releaseTime=version.version.time.utc(),
            ai_typeOfModel=[type_.lower().replace("_", " ")] if type_ else [],
            ai_informationAboutApplication=", ".join(manifest.intent.get("ready_for", ())),
            ai_hyperparameter=[_entry(key, value) for key, value in values.flat(manifest.parameters)],
            ai_metric=[_entry(key, text(value)) for key, value in sorted(manifest.metrics.items())],
        )
        if version.license:
            self.relate("hasDeclaredLicense", model, [self.license(parse(version.license))])

    def add_files(self) -> None:
        """Add the files, and the licenses that they name."""
        files = [self._file(number, entry) for number, entry in enumerate(self.version.tree.entries, 1)]
        self.relate("contains", _address(self.version, "model"), files)

    def _file(self, number: int, entry: TreeEntry) -> str:
        version = self.version
        hashes = [_hash("blake3", entry.file)]
        if entry.file in version.sha256:
            hashes.append(_hash("sha256", version.sha256[entry.file]))
        roles = version.roles(entry)
        file = self.add(
            "software_File",
            f"file-{number}",
            name=entry.path,
            comment=f"role: {', '.join(roles)}\nsize: {entry.size}",
            software_fileKind="file",
            software_primaryPurpose=_PURPOSES.get(roles[0].partition("/")[0], "model"),
            verifiedUsing=hashes,
        )
        claims = [claim.license for claim in version.claims if claim.path == entry.path]
        self.relate("hasDeclaredLicense", file, [self.license(license_) for license_ in claims[:1]])
        return file

    def add_sources(self) -> None:
        """Add the datasets, the docker image and the training."""
        version, model = self.version, _address(self.version, "model")
        datasets = []
        for number, dataset in enumerate(version.manifest.source.get("datasets", ()), 1):
            name = text(dataset.get("name") or dataset.get("alias") or dataset.get("id") or f"dataset {number}")
            facts = "\n".join(f"{key}: {value}" for key, value in values.flat(dataset))
            datasets.append(
                self.add(
                    "dataset_DatasetPackage",
                    f"dataset-{number}",
                    name=name,
                    comment=facts,
                    software_packageVersion=text(dataset.get("version", "")),
                    software_primaryPurpose="data",
                    dataset_datasetType=["noAssertion"],
                )
            )
        self.relate("trainedOn", model, datasets)
        self._add_container(model)
        self._add_training(model, datasets)

    def _add_container(self, model: str) -> None:
        docker, digest = self.version.manifest.docker, self.version.manifest.docker_digest
        if docker.get("image"):
            algorithm, _, digits = (digest or "").partition(":")
            image = self.add(
                "software_Package",
                "container",
                name=docker["image"],
                software_packageVersion=docker.get("tag", ""),
                software_primaryPurpose="container",
                verifiedUsing=[_hash("sha256", digits)] if algorithm == "sha256" and digits else [],
            )
            self.relate("dependsOn", model, [image])

    def _add_training(self, model: str, datasets: list[str]) -> None:
        version, code = self.version, self.version.version.code
        experiment = version.manifest.source.get("experiment", {})
        if not experiment and code is None:
            return
        remote, url = uri(code.remote) if code is not None else None, uri(experiment.get("url"))
        facts = [*values.flat(experiment, "experiment.")]
        if code is not None:
            facts += [(f"code.{key}", text(value)) for key, value in sorted(code.to_json().items())]
        build = self.add(
            "build_Build",
            "training",
            name=text(experiment.get("name", "")),
            build_buildId=text(experiment.get("id", "")),
            build_buildType=_BUILD_TYPE,
            build_configSourceUri=[f"git+{remote}@{code.commit}"] if remote is not None and code is not None else [],
            build_parameter=[_entry(key, value) for key, value in facts],
            externalRef=[{"type": "ExternalRef", "externalRefType": "buildMeta", "locator": [url]}] if url else [],
        )
        self.relate("hasInput", build, datasets)
        self.relate("hasOutput", build, [model])

    def add_parents(self) -> None:
        """Add the parents by their own addresses, and the base model."""
        version, ancestors = self.version, []
        for parent in version.parents:
            element = _element(
                version, "ai_AIPackage", "", name=version.manifest.name, software_packageVersion=parent.name,
                software_primaryPurpose="model", comment=f"version: {parent.id}",
            )  # fmt: skip
            element["spdxId"] = f"urn:uuid:{uuid_of(parent.id)}#model"
            self.elements.append(element)
            ancestors.append(element["spdxId"])
        base = version.manifest.model.get("parent")
        if base:
            name, _, revision = str(base).rpartition("@")
            ancestors.append(
                self.add(
                    "ai_AIPackage", "base-model", name=name or revision, software_packageVersion=revision,
                    software_primaryPurpose="model",
                )
            )  # fmt: skip
        self.relate("descendantOf", _address(version, "model"), ancestors)

    def license(self, license_: License) -> str:
        """Return the address of a license, which is added once; its own identifiers with their text."""
        expression = license_.expression or f"{PREFIX}{len(self._licenses) + 1}"
        if license_.shown not in self._licenses:
            number = len(self._licenses) + 1
            own = [part for part in expression.replace("(", " ").replace(")", " ").split() if part.startswith(PREFIX)]
            uris = []
            for at, identifier in enumerate(own, 1):
                address = self.add(
                    "simplelicensing_SimpleLicensingText",
                    f"license-text-{number}-{at}",
                    name=identifier,
                    simplelicensing_licenseText=license_.text,
                )
                uris.append(_entry(identifier, address))
            self._licenses[license_.shown] = self.add(
                "simplelicensing_LicenseExpression",
                f"license-{number}",
                simplelicensing_licenseExpression=expression,
                simplelicensing_customIdToUri=uris,
            )
        return self._licenses[license_.shown]


def _entry(key: str, value: str) -> Json:
    return {"type": "DictionaryEntry", "key": key, "value": value}


def _hash(algorithm: str, digits: str) -> Json:
    return {"type": "Hash", "algorithm": algorithm, "hashValue": digits}
