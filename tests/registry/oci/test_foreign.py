"""Artifacts of other tools, as modctl and KitOps make them, and hostile ones: their files become versions, safely."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mvc.registry.oci import archive_layer
from tests.cli.shell import Shell
from tests.registry.oci.test_import import empty, sound

PREFIX = "application/vnd.cncf.model"
KIT = "application/vnd.kitops.modelkit"


@pytest.fixture
def ben(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return empty(tmp_path / "ben", monkeypatch)


class Layout:
    """A layout folder, written from the specification."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[dict[str, Any]] = []
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', encoding="utf-8")

    def blob(self, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    def layer(self, kind: str, content: bytes, path: str = "", **annotations: str) -> dict[str, Any]:
        notes = {"org.cncf.model.filepath": path} if path else {}
        return {"mediaType": f"{PREFIX}.{kind}", **self.blob(content), "annotations": {**notes, **annotations}}

    def add(
        self, tag: str, layers: Sequence[Mapping[str, Any]], config: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        body = {"descriptor": {}, "config": {}, "modelfs": {"type": "layers", "diffIds": []}, **(config or {})}
        described = {"mediaType": f"{PREFIX}.config.v1+json", **self.blob(json.dumps(body).encode())}
        document = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": f"{PREFIX}.manifest.v1+json",
            "config": described,
            "layers": list(layers),
            **more,
        }
        entry = {"mediaType": document["mediaType"], **self.blob(json.dumps(document).encode())}
        self.entries.append({**entry, "annotations": {"org.opencontainers.image.ref.name": tag}})
        (self.folder / "index.json").write_text(
            json.dumps({"schemaVersion": 2, "manifests": self.entries}), encoding="utf-8"
        )


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "helmet")


def packed(files: Mapping[str, bytes], **types: bytes) -> bytes:
    """A tar of these files; of another type where `types` names it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.type = len(content), types.get(path, tarfile.REGTYPE)
            info.linkname = "/etc/passwd"
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def roles(shell: Shell, revision: str = "main") -> dict[str, str]:
    return {row["path"]: row["role"] for row in shell.ok("ls", revision, "--json").json["files"]}


def test_a_hostile_file_is_refused_before_it_is_stored(ben: Shell, layout: Layout) -> None:
    hostile = b"cos\nsystem\n(S'true'\ntR."
    layout.add("1", [layout.layer("weight.v1.raw", hostile, "best.pt")])
    layout.add("2", [layout.layer("weight.v1.tar", packed({"in/best.pt": hostile}))])
    said = ben("import", str(layout.folder))
    assert (said.code, "best.pt is hostile" in said.err) == (17, True), said
    assert ben("log", "--all").code != 0
    said = ben.ok("import", str(layout.folder), "--allow-unsafe")
    assert "best.pt is hostile" in said.err


def test_raw_layers_become_the_files_of_a_version(ben: Shell, layout: Layout) -> None:
    layers = [
        layout.layer("weight.v1.raw", b"weights" * 100, "model/weights-2.safetensors"),
        layout.layer("weight.v1.raw", b"weights", "model/weights-1.safetensors"),
        layout.layer("weight.config.v1.raw", b"{}", "config.json"),
        layout.layer("doc.v1.raw", b"# Helmet", "README.md"),
        layout.layer("code.v1.raw", b"print()", "./run.py", **{"org.cncf.model.file.metadata+json": '{"mode": 493}'}),
    ]
    config = {
        "descriptor": {
            "name": "Helmet", "version": "1.2", "authors": ["Ana <ana@example.org>"], "licenses": ["Apache-2.0"],
            "createdAt": "2026-01-02T03:04:05Z", "description": "Finds helmets.",
        },
        "config": {"architecture": "yolo", "format": "onnx", "paramSize": "2.6m"},
    }  # fmt: skip
    layout.add("1.2", layers, config)
    ben.ok("import", str(layout.folder))
    assert roles(ben) == {
        "README.md": "README",
        "config.json": "config",
        "model/weights-1.safetensors": "weights-1",
        "model/weights-2.safetensors": "model-latest",
        "run.py": "run",
    }
    shown = ben.ok("show", "main", "--json").json
    assert shown["author"] == {"name": "Ana", "email": "ana@example.org"}
    assert shown["message"].startswith("Helmet 1.2\n\nFinds helmets.")
    assert shown["time"].startswith("2026-01-02T03:04:05")
    text = ben.ok("cat", "main:model.toml").out
    assert 'license = "Apache-2.0"' in text
    assert 'framework = "ONNX"' in text
    assert 'architecture = "yolo"' in text
    assert (ben.folder / "run.py").stat().st_mode & 0o111
    sound(ben)


@pytest.mark.parametrize("compression", ["", "+gzip", "+zstd"])
def test_archives_are_taken_apart(ben: Shell, layout: Layout, compression: str) -> None:
    content = packed({"weights/best.pt": b"w" * 100_000, "notes/./a.md": b"a", "empty": b""})
    layout.add("x", [layout.layer(f"weight.v1.tar{compression}", compressed(content, compression))])
    ben.ok("import", str(layout.folder))
    assert set(roles(ben)) == {"empty", "notes/a.md", "weights/best.pt"}
    assert ben.raw("cat", "main:weights/best.pt")[1] == b"w" * 100_000
    sound(ben)


def compressed(content: bytes, compression: str) -> bytes:
    if compression == "+gzip":
        return gzip.compress(content[:5000]) + gzip.compress(content[5000:])  # two members, as pigz makes them
    if compression == "+zstd":
        from mvc.storage.chunks import zstd  # noqa: PLC0415 - with Python 3.14 from elsewhere

        return zstd.compress(content)
    return content


def test_a_modelkit_is_read_too(ben: Shell, layout: Layout) -> None:
    model = {**layout.blob(packed({"model.onnx": b"weights"})), "mediaType": f"{KIT}.model.v1.tar"}
    docs = {**layout.blob(packed({"README.md": b"docs"})), "mediaType": f"{KIT}.docs.v1.tar"}
    config = {"mediaType": f"{KIT}.config.v1+json", **layout.blob(b'{"manifestVersion": "1.0"}')}
    layout.add("latest", [model, docs], config=None)
    layout.entries.clear()
    layout.add("latest", [model, docs], artifactType="", config=config)
    ben.ok("import", str(layout.folder))
    assert roles(ben) == {"README.md": "README", "model.onnx": "model-latest"}


def test_artifacts_follow_each_other_in_the_order_of_their_times(ben: Shell, layout: Layout, tmp_path: Path) -> None:
    for tag, day in (("late", 3), ("early", 1), ("middle", 2)):
        config = {"descriptor": {"name": tag, "createdAt": f"2026-01-0{day}T00:00:00Z"}}
        layout.add(tag, [layout.layer("weight.v1.raw", tag.encode(), "best.pt")], config)
    ben.ok("import", str(layout.folder))
    messages = [version["message"] for version in ben.ok("log", "--json").json["versions"]]
    assert messages == ["late", "middle", "early"]
    assert {row["name"] for row in ben.ok("alias", "--json").json["aliases"]} == {"late", "middle", "early"}
    assert "Nothing new." in ben.ok("import", str(layout.folder)).out
    carl = empty(tmp_path / "carl", ben._patch)
    carl._patch.setenv("MVC_AUTHOR_NAME", "Carl")
    carl.ok("import", str(layout.folder))
    assert carl.ok("log", "--json").json["versions"][0]["id"] == ben.ok("log", "--json").json["versions"][0]["id"]


def test_links_and_devices_of_an_archive_are_left_out(ben: Shell, layout: Layout) -> None:
    content = packed(
        {"best.pt": b"weights", "link.pt": b"", "hard.pt": b"", "pipe": b""},
        **{"link.pt": tarfile.SYMTYPE, "hard.pt": tarfile.LNKTYPE, "pipe": tarfile.FIFOTYPE},
    )
    layout.add("x", [layout.layer("weight.v1.tar", content)])
    said = ben.ok("import", str(layout.folder))
    assert set(roles(ben)) == {"best.pt"}
    assert said.err.count("was left out: it is not a regular file") == 3


@pytest.mark.parametrize(
    "path", ["../best.pt", "/etc/passwd", "a/../../b", ".mvc/config.toml", "model.toml", "con.pt", "a\0b", "x" * 5000]
)
@pytest.mark.parametrize("form", ["raw", "tar"])
def test_a_hostile_path_gives_no_version(ben: Shell, layout: Layout, path: str, form: str) -> None:
    if form == "raw":
        layers = [layout.layer("weight.v1.raw", b"weights", path)]
    elif "\0" in path:
        pytest.skip("tar ends a name there")
    else:
        layers = [layout.layer("weight.v1.tar", packed({path: b"weights"}))]
    layout.add("x", layers)
    said = ben("import", str(layout.folder))
    assert said.code in {3, 17}, said
    assert ben.ok("models", "--json").json["models"] == []
    assert not (ben.folder.parent / "best.pt").exists()


def test_two_layers_with_one_path_give_no_version(ben: Shell, layout: Layout) -> None:
    layout.add("x", [layout.layer("weight.v1.raw", content, "best.pt") for content in (b"one", b"two")])
    assert ben("import", str(layout.folder)).code == 3


def bomb(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(archive_layer, "FLOOR", 1 << 20)
    return gzip.compress(packed({"best.pt": bytes(30 << 20)}))


def huge_header() -> bytes:
    """A tar whose extended header claims to be as large as its rest."""
    out = io.BytesIO()
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 4 << 20
    out.write(info.tobuf(tarfile.USTAR_FORMAT))
    out.write(b"30 comment=" + bytes(4 << 20))
    return out.getvalue()


def damaged(damage: str, whole: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, str]:
    match damage:
        case "bomb":
            return bomb(monkeypatch), "tar+gzip"
        case "header":
            return huge_header(), "tar"
        case "truncated":
            return whole[:3000], "tar"
        case "gzip":
            return gzip.compress(whole)[:-20], "tar+gzip"
        case "zstd":
            return compressed(whole, "+zstd")[:-5], "tar+zstd"
        case _:
            return b"noise" * 1000, "tar+gzip"


@pytest.mark.parametrize("damage", ["bomb", "header", "truncated", "gzip", "zstd", "noise"])
def test_a_damaged_archive_gives_no_version(
    ben: Shell, layout: Layout, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, form = damaged(damage, packed({"best.pt": b"weights" * 1000}), monkeypatch)
    layout.add("x", [layout.layer(f"weight.v1.{form}", content)])
    said = ben("import", str(layout.folder))
    assert said.code == 17, said
    assert "x was left out" in said.err
    assert damage != "header" or "a header of an archive is larger than 1 MiB" in said.err
    assert ben.ok("models", "--json").json["models"] == []
    assert not [path for path in (ben.folder / ".mvc" / "tmp").glob("*") if path.stat().st_size]


@pytest.mark.parametrize("part", ["config", "archive", "file"])
def test_a_blob_with_another_byte_is_refused(ben: Shell, layout: Layout, part: str) -> None:
    archive = layout.layer("weight.v1.tar", packed({"best.pt": b"weights"}))
    file = layout.layer("doc.v1.raw", b"weights of another", "README.md")
    layout.add("x", [archive, file], {"descriptor": {"name": "weights"}})
    for path in (layout.folder / "blobs" / "sha256").iterdir():
        content = path.read_bytes()
        is_chosen = {"config": b'"descriptor"', "archive": b"ustar", "file": b"of another"}[part] in content
        if is_chosen and b'"layers"' not in content[:60]:
            path.write_bytes(content.replace(b"weights", b"Weights"))
    assert ben("import", str(layout.folder)).code in {3, 17}
    assert ben.ok("models", "--json").json["models"] == []


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b"{" * 5000, b'{"schemaVersion":2,"config":{"digest":"../../etc"},"layers":[]}',
     b'{"schemaVersion":2,"config":[],"layers":{}}', b'{"schemaVersion":2,"layers":[{"size":-1}]}'],
)  # fmt: skip
def test_an_invalid_manifest_is_left_out(ben: Shell, layout: Layout, document: bytes) -> None:
    layout.add("x", [layout.layer("weight.v1.raw", b"weights", "best.pt")])
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", **layout.blob(document)}
    (layout.folder / "index.json").write_text(json.dumps({"manifests": [entry]}), encoding="utf-8")
    assert ben("import", str(layout.folder)).code == 17


def test_a_link_in_the_place_of_a_blob_is_not_followed(ben: Shell, layout: Layout, tmp_path: Path) -> None:
    layer = layout.layer("weight.v1.raw", b"weights", "best.pt")
    layout.add("x", [layer])
    stored = layout.folder / "blobs" / layer["digest"].replace(":", "/")
    stored.rename(tmp_path / "elsewhere")
    stored.symlink_to(tmp_path / "elsewhere")
    assert ben("import", str(layout.folder)).code == 3
    assert ben.ok("models", "--json").json["models"] == []


def test_texts_of_a_config_are_bounded_and_printable(ben: Shell, layout: Layout) -> None:
    config = {
        "descriptor": {
            "name": "\x1b[31mred", "version": 7, "authors": [["x"]], "createdAt": "yesterday", "licenses": "MIT",
            "description": "d" * 100_000,
        },
        "config": {"architecture": ["x"], "paramSize": "1b" * 10_000},
    }  # fmt: skip
    layout.add("x", [layout.layer("weight.v1.raw", b"weights", "best.pt")], config)
    ben.ok("import", str(layout.folder))
    assert "\x1b" not in ben.ok("log").out
    assert len(ben.ok("cat", "main:model.toml").out) < 20_000
