"""`mvc publish oci://...`: a version is one artifact, sent once, under a tag that never moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from mvc.images import distribution
from mvc.model.image import Image
from mvc.registry.oci import media_types
from tests.cli.shell import MODEL, Shell
from tests.images.conftest import environ, logged_in
from tests.registry.oci import modelpack
from tests.servers.proxy import http_proxy
from tests.servers.registry import PASSWORD, USER, Registry


def url(registry: Registry, name: str = "helmets") -> str:
    return f"oci://{registry.host}/team/{name}"


def tags(registry: Registry, name: str = "helmets") -> dict[str, str]:
    """The digest of each tag."""
    base = f"http://{registry.host}/v2/team/{name}"
    listed = requests.get(f"{base}/tags/list", timeout=10).json().get("tags") or []
    headers = {"Accept": media_types.MANIFEST}
    return {
        tag: requests.head(f"{base}/manifests/{tag}", headers=headers, timeout=10).headers["Docker-Content-Digest"]
        for tag in listed
    }


def manifest(registry: Registry, tag: str, name: str = "helmets") -> bytes:
    headers = {"Accept": media_types.MANIFEST}
    return requests.get(f"http://{registry.host}/v2/team/{name}/manifests/{tag}", headers=headers, timeout=10).content


def blob(registry: Registry, digest: str, name: str = "helmets") -> bytes:
    return requests.get(f"http://{registry.host}/v2/team/{name}/blobs/{digest}", timeout=10).content


def tag_of(shell: Shell, revision: str) -> str:
    shown = shell.ok("show", revision, "--json").json
    return f"v{shown['number']}-{shown['id'][:12]}"


def test_an_artifact_has_what_the_specification_asks_for_and_every_file(shell: Shell, registry: Registry) -> None:
    shell.ok("publish", url(registry, "whole"), "main", "night")
    for revision in ("main", "night"):
        tag = tag_of(shell, revision)
        files = modelpack.read(manifest(registry, tag, "whole"), lambda digest: blob(registry, digest, "whole"))
        for path in files.keys() - {"model.toml"}:
            assert shell.raw("cat", f"{revision}:{path}")[1] == files[path]
        listed = {row["path"] for row in shell.ok("ls", revision, "--json").json["files"]}
        assert files.keys() == {*listed, "model.toml"}
        config = json.loads(manifest(registry, tag, "whole"))["config"]
        described = json.loads(blob(registry, config["digest"], "whole"))["descriptor"]
        assert described["name"] == MODEL
        assert described["authors"] == ["Ana <ana@example.org>"]


def test_layers_have_the_paths_that_other_tools_read(shell: Shell, registry: Registry) -> None:
    shell.ok("publish", url(registry, "paths"), "v1")
    document = json.loads(manifest(registry, tag_of(shell, "v1"), "paths"))
    by_path = {layer["annotations"].get(media_types.PATH): layer for layer in document["layers"]}
    weights = by_path["weights/best.onnx"]
    assert weights["mediaType"] == "application/vnd.cncf.model.weight.v1.raw"
    assert weights["annotations"][media_types.TITLE] == "weights/best.onnx"
    assert weights["annotations"][media_types.ROLE] == "model-latest"
    assert by_path[None]["mediaType"] == media_types.VERSION


def test_publishing_again_sends_nothing(shell: Shell, registry: Registry) -> None:
    with http_proxy(int(registry.host.rpartition(":")[2])) as proxy:
        there = f"oci://{proxy.url.removeprefix('http://')}/team/again"
        first = shell.ok("publish", there, "--all", "--json").json
        assert {version["how"] for version in first["versions"]} == {"new"}
        before = tags(registry, "again")
        proxy.well()
        second = shell.ok("publish", there, "--all", "--json").json
        assert {version["how"] for version in second["versions"]} == {"known"}
        assert second["bytes_sent"] == 0
        assert {request.method for request in proxy.asked} == {"GET"}
        assert tags(registry, "again") == before


def test_a_file_of_two_versions_is_sent_once(shell: Shell, registry: Registry) -> None:
    shell.ok("publish", url(registry, "shared"), "v2")
    sent = shell.ok("publish", url(registry, "shared"), "v3", "--json").json["bytes_sent"]
    assert sent < 20_000  # v3 has the large file of v2


def test_another_repository_of_the_registry_gets_a_copy(shell: Shell, registry: Registry) -> None:
    shell.write("weights/best.onnx", bytes(range(256)) * 8192)
    shell.commit("2 MiB")
    shell.ok("publish", url(registry, "trained"))
    sent = shell.ok("publish", url(registry, "released"), "--json").json["bytes_sent"]
    assert sent < 1 << 20
    assert set(tags(registry, "released")) == {tag_of(shell, "main")}
    files = modelpack.read(
        manifest(registry, tag_of(shell, "main"), "released"), lambda d: blob(registry, d, "released")
    )
    assert files["weights/best.onnx"] == bytes(range(256)) * 8192


@pytest.mark.parametrize("damage", [b"", b"1 x", b"[]", b'{"127.0.0.1": ["../../x"]}'])
def test_a_damaged_cache_of_repositories_does_no_harm(shell: Shell, registry: Registry, damage: bytes) -> None:
    (shell.folder / ".mvc" / "cache").mkdir(exist_ok=True)
    (shell.folder / ".mvc" / "cache" / "pushed").write_bytes(damage)
    shell.ok("publish", url(registry, f"damaged-{len(damage)}"), "v1")


def test_two_people_make_the_same_artifact(shell: Shell, registry: Registry, tmp_path: Path) -> None:
    shell.ok("publish", url(registry, "ana"), "main")
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    shell.ok("push", "origin", "main")
    shell.ok("clone", str(tmp_path / "origin"), str(tmp_path / "ben"))
    ben = Shell(tmp_path / "ben", shell._patch)
    ben.ok("publish", url(registry, "ben"), "main")
    assert tags(registry, "ana") == tags(registry, "ben")


def test_a_dry_run_sends_nothing(shell: Shell, registry: Registry) -> None:
    said = shell.ok("publish", "-n", url(registry, "dry"), "main", "--tag", "prod")
    assert "Would publish 1 version" in said.out
    assert tags(registry, "dry") == {}


def test_further_tags_move_between_versions_of_the_model(shell: Shell, registry: Registry) -> None:
    for revision in ("v1", "v2", "v1"):
        shell.ok("publish", url(registry), revision, "--tag", "prod", "--tag", "latest")
        found = tags(registry)
        assert found["prod"] == found["latest"] == found[tag_of(shell, revision)]


def test_a_tag_of_something_else_moves_by_force_only(shell: Shell, registry: Registry) -> None:
    registry.push("team/foreign", "prod", b"the layer of an image")
    before = tags(registry, "foreign")
    refused = shell("publish", url(registry, "foreign"), "v1", "--tag", "prod")
    assert refused.code == 13
    assert "prod on oci://" in refused.err
    assert "is at another artifact" in refused.err
    assert tags(registry, "foreign") == before
    shell.ok("publish", url(registry, "foreign"), "v1", "--tag", "prod", "--force")
    assert tags(registry, "foreign")["prod"] == tags(registry, "foreign")[tag_of(shell, "v1")]


def test_a_version_s_own_tag_that_names_something_else_is_never_moved(shell: Shell, registry: Registry) -> None:
    registry.push("team/taken", tag_of(shell, "v1"), b"the layer of an image")
    before = tags(registry, "taken")
    refused = shell("publish", url(registry, "taken"), "v1", "--force")
    assert refused.code == 13
    assert "was not published by mvc" in refused.err
    assert tags(registry, "taken") == before


def test_an_artifact_with_one_other_byte_is_another_version(shell: Shell, registry: Registry) -> None:
    shell.ok("publish", url(registry, "edited"), "v1")
    tag = tag_of(shell, "v1")
    document = json.loads(manifest(registry, tag, "edited"))
    weights = next(
        layer for layer in document["layers"] if layer["annotations"].get(media_types.ROLE) == "model-latest"
    )
    other = next(layer for layer in document["layers"] if layer["annotations"].get(media_types.PATH) == "model.toml")
    weights["digest"], weights["size"] = other["digest"], other["size"]
    registry.put("team/edited", tag, json.dumps(document).encode(), media_types.MANIFEST)
    refused = shell("publish", url(registry, "edited"), "v1")
    assert refused.code == 13
    assert "weights/best.onnx is another file" in refused.err


@pytest.mark.parametrize("tag", ["v1-3f9c2ab1d0f4", "team/prod", "x" * 200])
def test_what_cannot_be_a_tag_is_refused_before_anything_is_sent(shell: Shell, registry: Registry, tag: str) -> None:
    refused = shell("publish", url(registry, "never"), "v1", "--tag", tag)
    assert refused.code == 2
    assert "Invalid tag" in refused.err
    assert tags(registry, "never") == {}


def test_tags_and_aliases_are_set_there_and_those_that_cannot_are_named(shell: Shell, registry: Registry) -> None:
    shell.ok("tag", "2026.1", "v1")
    shell.ok("alias", "set", "edge/berlin", "v1", "--force")
    said = shell.ok("publish", url(registry, "refs"), "v1", "--tags")
    assert "2026.1" in tags(registry, "refs")
    assert "edge/berlin was not set there" in said.err


@pytest.mark.parametrize(
    "bad",
    ["oci://", "oci://helmet", "oci://registry/helmet", "oci://127.0.0.1:1/Team/helmet", "oci://a.b/c?d=e",
     "oci://127.0.0.1:5000/team/helmet:v1", "oci://ana:secret@host.example/x"],
)  # fmt: skip
def test_an_invalid_address_is_refused(shell: Shell, bad: str) -> None:
    refused = shell("publish", bad, "v1")
    assert refused.code == 2, refused
    assert "secret" not in refused.err


def test_the_login_of_docker_is_used_and_never_printed(
    shell: Shell, locked: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = shell("publish", url(locked), "v1")
    assert refused.code == 12
    assert f"docker login {locked.host}" in refused.err
    home = tmp_path / "home"
    home.mkdir()
    environ(home, logged_in(locked.host))
    monkeypatch.setenv("DOCKER_CONFIG", str(home / ".docker"))
    said = shell.ok("publish", url(locked), "v1")
    assert PASSWORD not in said.out + said.err
    assert requests.get(f"http://{locked.host}/v2/team/helmets/tags/list", auth=(USER, PASSWORD), timeout=10).ok


def test_skopeo_copies_an_artifact_as_it_is(
    shell: Shell, registry: Registry, skopeo: Callable[..., str], tmp_path: Path
) -> None:
    shell.ok("publish", url(registry, "copied"), "main")
    tag = tag_of(shell, "main")
    source = f"docker://{registry.host}/team/copied:{tag}"
    skopeo("copy", "--src-tls-verify=false", source, f"oci:{tmp_path}/layout:{tag}")
    skopeo(
        "copy", "--dest-tls-verify=false", f"oci:{tmp_path}/layout:{tag}", f"docker://{registry.host}/mirror/copied:x"
    )
    image = Image(registry.host, "mirror/copied", "x")
    with distribution.connected(image, {}, shell.repository.approvals) as repository:
        received = repository.manifest("x", media_types.ACCEPT)
    assert received is not None
    assert received.digest == tags(registry, "copied")[tag]


def test_a_version_of_too_many_files_is_refused_before_anything_is_sent(
    shell: Shell, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mvc.registry.oci.model_pack.MAX_BYTES", 1000)
    refused = shell("publish", url(registry, "many"), "v1")
    assert refused.code == 17
    assert "need a manifest of more than" in refused.err
    assert tags(registry, "many") == {}
