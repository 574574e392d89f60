"""`mvc bom`: what CycloneDX and SPDX documents of a version have; the same version gives the same bytes everywhere.

tests/integrations/documents has the validators of both.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from mvc.model.ids import VersionId
from mvc.porcelain.bom import FORMATS
from mvc.registry.documents import values
from mvc.registry.documents.documented_version import uuid_of
from tests.cli.shell import Shell, begin
from tests.formats.test_licenses import CHECKPOINT
from tests.registry.documents.models import MODEL_TOML


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        top = tmp_path_factory.mktemp("bom")
        shell = begin(top / "ana", patch)
        shell.write("best.pt", CHECKPOINT + bytes(20_000))
        shell.write("README.md", b"# Helmets")
        shell.write("model.toml", MODEL_TOML.encode())
        shell.commit("First")
        shell.set(parameters__epochs=200)
        shell.commit("Longer")
        shell.ok("remote", "add", "origin", "../origin")
        shell.ok("push")
        shell.folder = top
        shell.ok("clone", "--meta", "origin", "meta")
        shell.folder = top / "ana"
        yield shell


def cyclonedx(shell: Shell, *more: str) -> Any:
    return json.loads(shell.ok("bom", *more).out)


def test_the_same_version_gives_the_same_bytes_on_every_clone_and_later(shell: Shell) -> None:
    top, before = shell.folder.parent, {format_: shell.ok("bom", "--format", format_).out for format_ in FORMATS}
    shell.ok("tag", "later")
    shell.ok("notes", "add", "HEAD", "-m", "a note")
    assert {format_: shell.ok("bom", "later", "--format", format_).out for format_ in FORMATS} == before
    assert before["cyclonedx"] == before["cyclonedx-1.6"]
    assert len(set(before.values())) == 3
    shell.folder = top / "meta"
    assert {format_: shell.ok("bom", "--format", format_).out for format_ in FORMATS} == before
    shell.folder = top / "ana"


def test_cyclonedx_has_what_the_version_records(shell: Shell) -> None:
    document, id_ = cyclonedx(shell, "v2"), VersionId(shell.ok("rev-parse", "v2").out.strip())
    assert document["serialNumber"] == f"urn:uuid:{uuid_of(id_)}"
    assert document["serialNumber"][9:].replace("-", "")[:12] == id_[:12]
    assert document["metadata"]["timestamp"] == "2026-02-05T09:00:00Z"
    model = document["metadata"]["component"]
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "helmets", "v2")
    assert model["licenses"] == [{"license": {"id": "MIT", "acknowledgement": "declared"}}]
    assert [each["name"] for each in model["components"]] == ["README.md", "best.pt"]
    tree = shell.repository.objects.tree(shell.repository.objects.version(id_).tree)
    assert [each["hashes"][0]["content"] for each in model["components"]] == [each.file for each in tree.entries]
    card = model["modelCard"]
    assert card["modelParameters"]["task"] == "object detection"
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [{"type": "mAP50", "value": "0.71"}]
    assert card["considerations"] == {"useCases": ["deployment"]}
    parent, base = model["pedigree"]["ancestors"]
    first = cyclonedx(shell, "v1")
    assert parent["version"] == "v1"
    assert parent["externalReferences"][0]["url"] == f"urn:cdx:{first['serialNumber'][9:]}/1"
    assert (base["name"], base["version"]) == ("base-yolo", "v3")
    dataset, image = document["components"]
    assert (dataset["name"], dataset["version"]) == ("site", "3")
    assert image["purl"].startswith("pkg:oci/yolo@sha256%3Aaaaa")
    assert image["purl"].endswith("?repository_url=ghcr.io/acme/yolo&tag=1.4")
    assert document["dependencies"][0] == {"ref": "model", "dependsOn": ["dataset:0", "container"]}
    (training,) = document["formulation"][0]["workflows"]
    assert (training["name"], training["uid"]) == ("night shift", "e1")
    assert {"name": "mvc:parameters.optimizer.lr", "value": "0.01"} in training["properties"]


def test_spdx_relates_the_model_to_all_that_it_is_made_of(shell: Shell) -> None:
    graph = json.loads(shell.ok("bom", "--format", "spdx").out)["@graph"]
    elements = {each.get("spdxId"): each for each in graph}
    relations = {each["relationshipType"]: each for each in graph if each["type"] == "Relationship"}
    model = next(each for each in graph if each["type"] == "ai_AIPackage" and each["software_packageVersion"] == "v2")
    assert {"type": "DictionaryEntry", "key": "optimizer.lr", "value": "0.01"} in model["ai_hyperparameter"]
    targets = {
        kind: [elements[each]["name"] for each in relations[kind]["to"] if "name" in elements[each]]
        for kind in relations
    }
    assert targets["contains"] == ["README.md", "best.pt"]
    assert targets["trainedOn"] == ["site"]
    assert targets["dependsOn"] == ["ghcr.io/acme/yolo"]
    assert targets["descendantOf"] == ["helmets", "base-yolo"]
    license_ = elements[relations["hasDeclaredLicense"]["to"][0]]
    assert license_["simplelicensing_licenseExpression"] == "MIT"
    parent = elements[relations["descendantOf"]["to"][0]]["spdxId"]
    before = json.loads(shell.ok("bom", "v1", "--format", "spdx").out)["@graph"]
    assert parent in {each.get("spdxId") for each in before if each["type"] == "ai_AIPackage"}


def test_read_data_adds_hashes_and_licenses_and_fetches_what_is_not_here(shell: Shell) -> None:
    here = shell.ok("bom", "--read-data").out
    model = json.loads(here)["metadata"]["component"]
    assert model["components"][1]["hashes"][1] == {
        "alg": "SHA-256",
        "content": hashlib.sha256(CHECKPOINT + bytes(20_000)).hexdigest(),
    }
    assert model["components"][1]["evidence"] == {"licenses": [{"license": {"id": "AGPL-3.0"}}]}
    assert json.loads(here)["version"] == 2
    top = shell.folder.parent
    shell.folder = top / "meta"
    assert shell.ok("bom", "--read-data").out == here
    assert shell.ok("bom", "--read-data").out == here, "the hash is remembered"
    shell.folder = top / "ana"
    assert '"AGPL-3.0"' in shell.ok("bom", "--read-data", "--format", "spdx").out


def test_output_goes_to_a_file_or_into_a_document_of_mvc(shell: Shell) -> None:
    text, id_ = shell.ok("bom", "v1").out, shell.ok("rev-parse", "v1").out
    assert "Wrote helmet.cdx.json" in shell.ok("bom", "v1", "-o", "helmet.cdx.json").out
    assert (shell.folder / "helmet.cdx.json").read_text() == text
    said = shell.ok("bom", "v1", "--json").json
    assert (said["schema"], said["format"], said["document"]) == ("mvc.bom/1", "cyclonedx-1.6", json.loads(text))
    assert shell.ok("bom", "v1", "-q").out == id_
    assert shell("bom", "-o", ".").code == 2
    assert shell("bom", "--format", "swid").code == 2
    assert shell("bom", "-o", ".mvc/bom.json").code != 0


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        ("https://example.org/ä b|<c>?q=1#f", "https://example.org/%C3%A4%20b%7C%3Cc%3E?q=1#f"),
        ("git@github.com:acme/code.git", "ssh://github.com/acme/code.git"),
        ("https://example.org/100%", "https://example.org/100%25"),
        ("https://example.org/#a#b", None),
        ("https://[bad/", None),
        ("https://host:port/", None),
        ("not a link", None),
        ("javascript:alert(1)", None),
        (None, None),
        (3, None),
    ],
)
def test_only_addresses_that_are_uris_become_references(address: object, uri: str | None) -> None:
    assert values.uri(address) == uri
