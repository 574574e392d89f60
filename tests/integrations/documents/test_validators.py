"""Bills of materials by the validators of others: strict CycloneDX 1.6 and 1.7, and the model of SPDX 3.0.1.

Versions are those of the command line, and random ones whose texts are hostile to JSON schemas.
"""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.schema._res import SPDX_JSON
from cyclonedx.validation.json import JsonStrictValidator
from spdx_python_model import v3_0_1 as spdx

from mvc.model.ids import FileId, ManifestId, TreeId, VersionId, digest
from mvc.model.licenses.claim import Claim
from mvc.model.licenses.expression import parse
from mvc.model.licenses.spdx import LICENSES
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Code, Person, Timestamp, Version
from mvc.porcelain.bom import FORMATS
from mvc.registry.documents import cyclonedx
from mvc.registry.documents import spdx as spdx_documents
from mvc.registry.documents.documented_version import DocumentedVersion
from tests.cli.shell import begin
from tests.formats.test_licenses import CHECKPOINT
from tests.registry.documents.models import MODEL_TOML

PROGRAM = ("mvc", "0.1.0")
STRICT = {
    "1.6": JsonStrictValidator(SchemaVersion.V1_6),
    "1.7": JsonStrictValidator(SchemaVersion.V1_7),
}
TEXTS = ("", "a", "ä ö", "https://example.org/ä?x=[1]#a#b", "https://[::1", "git@h.org:a/b.git", "javascript:1", "a@b", "a@b.org",
         "\x00\x1f", "</script>", "MIT", "MIT OR Apache-2.0", "gpl-3.0+", "LicenseRef-Acme AND MIT", "our own", "é" * 300, "urn:cdx:x", "-")  # fmt: skip


def faults(document: Any, spec: str) -> str:
    error = STRICT[spec].validate_str(json.dumps(document))
    return str(error or "")


def read_back(document: Any) -> None:
    """Read a document with the model of SPDX, which checks types and cardinalities; write it again."""
    objects = spdx.SHACLObjectSet()
    spdx.JSONLDDeserializer().read(io.BytesIO(json.dumps(document).encode()), objects)
    assert objects.link() == set()
    spdx.JSONLDSerializer().write(objects, io.BytesIO())
    documents = list(objects.foreach_type(spdx.SpdxDocument))
    packages = list(objects.foreach_type(spdx.ai_AIPackage))
    assert len(documents) == 1
    assert packages


@pytest.mark.parametrize("read_data", [False, True])
def test_a_version_with_every_section_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, read_data: bool
) -> None:
    shell = begin(tmp_path, monkeypatch)
    shell.write("best.pt", CHECKPOINT)
    shell.write("README.md", b"# Helmets")
    shell.write("model.toml", MODEL_TOML.encode())
    shell.commit("First")
    shell.set(parameters__epochs=200)
    shell.commit("Longer")
    more = ("--read-data",) if read_data else ()
    for format_ in FORMATS:
        text = shell.ok("bom", "--format", format_, *more).out
        assert shell.ok("bom", "--format", format_, *more).out == text
        if format_ == "spdx":
            read_back(json.loads(text))
        else:
            assert faults(json.loads(text), "1.7" if format_.endswith("1.7") else "1.6") == ""


def drawn(rng: random.Random) -> DocumentedVersion:
    """A version whose keys are there or not, with texts of TEXTS."""

    def some(**values: Any) -> dict[str, Any]:
        return {key: value for key, value in values.items() if rng.random() < 0.7}

    def text() -> str:
        return rng.choice(TEXTS)

    def id_() -> str:
        return digest(rng.randbytes(8))

    docker = some(image=text(), tag="1.4", digest=rng.choice(["sha256:" + "a" * 64, "auto", text()]))
    model = some(type=text(), framework=text(), description=text(), license=text(), notebook=text(), parent=text())
    model |= {"name": "helmet"} | some(tags=[text(), text()], links=[text(), text(), text()])
    datasets = [some(alias=text(), name=text(), version=text(), id=text()) for _ in range(rng.randrange(3))]
    experiment = some(id=text(), name=text(), url=text(), parameters={"a": 1, "b": {text(): [text()]}})
    manifest = Manifest(
        model,
        labelmap=tuple((number, text()) for number in range(rng.randrange(4))),
        parameters=some(epochs=3, lr=1e-9, a={text(): text()}, b=[1, text()]),
        metrics=some(mAP50=0.5, loss=3),
        docker=docker,
        source=some(experiment=experiment, datasets=datasets),
        intent=some(ready_for=[text()]),
    )
    paths = {f"{rng.randrange(9)}/{text().replace('/', '_')}" for _ in range(rng.randrange(4))}
    tree = Tree.of([TreeEntry(path, f"role {path}", rng.randrange(1 << 40), FileId(id_())) for path in paths])
    code = Code(id_()[:40], text(), text(), rng.random() < 0.5) if rng.random() < 0.5 else None
    parents = tuple(VersionId(id_()) for _ in range(rng.randrange(3)))
    version = Version(
        parents, rng.randrange(1, 99), Person(text() or "Ana", text()), Timestamp(1_770_109_200), text() or "m",
        ManifestId(manifest.id()), TreeId(tree.id()), FileId(id_()), code,
    )  # fmt: skip
    claims = tuple(Claim(path, "license", parse(text() or "MIT")) for path in paths)
    hashes = {entry.file: "b" * 64 for entry in tree.entries}
    read = rng.random() < 0.5
    return DocumentedVersion(
        version.id(), version, manifest, tree, hashes if read else {}, claims if read else (), is_read=read
    )


def test_random_versions_are_valid(rng: random.Random, *, deep: bool) -> None:
    for _ in range(500 if deep else 30):
        version = drawn(rng)
        for spec in STRICT:
            assert faults(cyclonedx.document(version, spec, PROGRAM), spec) == ""
        read_back(spdx_documents.document(version, PROGRAM))


def test_every_identifier_of_a_license_is_one_of_cyclonedx() -> None:
    known = set(json.loads(Path(str(SPDX_JSON)).read_text(encoding="utf-8"))["enum"])
    assert set(LICENSES.values()) <= known
    assert len(LICENSES) > 600
