"""What an export of the page must not do: run or leak what a store has, or touch what is not its own."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from mvc.model.ids import digest
from tests.cli.shell import Shell
from tests.site.documents import documents, files, of_schema, read

NOT_OURS = ("../precious.js", "data/../../precious.js", "data/../x.js", "CNAME", "data/mine.txt", "/etc/passwd")
HOSTILE = "</script><img src=x onerror=pwn()>&amp;'\\\"\u202e\u2028 ${pwn()} `"


def _out(shell: Shell) -> Path:
    return shell.folder.parent / "out"


def test_texts_of_a_hostile_store_stay_texts(shell: Shell) -> None:
    text = json.dumps(HOSTILE, ensure_ascii=False)
    toml = (shell.folder / "model.toml").read_text(encoding="utf-8")
    head = toml.partition("[labelmap]")[0]
    shell.write(
        "model.toml", f"{head}\n[labelmap]\n0 = {text}\n1 = 'b'\n[metrics]\n{text} = 1\n__proto__ = 2\n".encode()
    )
    shell.ok("set", "parameters.__proto__.pwn=true", "parameters.constructor=1", f"docker.env.A={HOSTILE}")
    id_ = shell.commit(HOSTILE)
    shell.ok("notes", "add", "HEAD", "-m", HOSTILE)
    shell.ok("alias", "set", "prod", "HEAD", "-m", HOSTILE)
    shell.ok("ui", "--export", "../out")
    shell.ok("ui", "--single", "../page.html")
    found = read(_out(shell))
    [version] = [each for each in of_schema(found, "version") if each["id"] == id_]
    assert version["message"] == HOSTILE
    assert version["values"]["metrics"] == {HOSTILE: 1, "__proto__": 2}
    assert version["values"]["parameters"]["__proto__"] == {"pwn": True}
    for name, data in files(_out(shell)).items():
        if name.startswith("data/"):
            assert not set(data) & set(b"<>&"), name
            assert "\u2028" not in data.decode(), name
    page = (shell.folder.parent / "page.html").read_text(encoding="utf-8")
    inline = page.rpartition("<script>")[2].partition("</script>")[0]
    assert documents(inline) == found
    assert page.count("<script>") == page.count("</script>") == 2


def test_the_title_is_markup_for_nobody(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = os.fsdecode(b"<b onclick=pwn()>\xff")
    shutil.copytree(made, tmp_path / name)
    Shell(tmp_path / name, monkeypatch).ok("ui", "--export", "../out")
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<title>&lt;b onclick=pwn()&gt;?</title>" in index
    [overview] = of_schema(read(tmp_path / "out"), "site")
    assert overview["title"] == "<b onclick=pwn()>?"


def test_a_page_loads_nothing_from_elsewhere(shell: Shell) -> None:
    shell.ok("ui", "--export", "../out")
    shell.ok("ui", "--single", "../page.html")
    index = (_out(shell) / "index.html").read_text(encoding="utf-8")
    single = (shell.folder.parent / "page.html").read_text(encoding="utf-8")
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in index
    assert "default-src 'none'; script-src 'sha256-" in single
    for page in (index, single):
        assert page.index("Content-Security-Policy") < page.index("<script")
        assert "unsafe" not in page.partition("</title>")[0]
        assert 'href="http' not in page
        assert 'src="http' not in page
        assert 'src="/' not in page


def test_credentials_are_in_no_file(shell: Shell) -> None:
    """What `mvc commit` refuses is in no version; tokens of the user and of remotes are in no document."""
    token = "ghp_" + "a1B2c3D4e5" * 4
    shell.ok("remote", "add", "origin", "s3://bucket/models", "-o", "profile=acme-secret-profile")
    said = shell("set", f"parameters.token={token}")
    assert said.code or shell("commit", "-m", "Leaks").code
    shell.ok("ui", "--export", "../out")
    shell.ok("ui", "--single", "../page.html")
    page = b"".join([*files(_out(shell)).values(), (shell.folder.parent / "page.html").read_bytes()])
    assert token.encode() not in page
    assert b"acme-secret-profile" not in page
    assert os.fsencode(shell.folder.parent) not in page


@pytest.mark.parametrize("place", [".mvc/page", "../blocker/page"])
def test_a_folder_that_cannot_be_written_is_refused(shell: Shell, place: str) -> None:
    shell.write("../blocker", b"a file")
    before = files(shell.folder.parent)
    said = shell("ui", "--export", place)
    assert said.code not in (0, 1)
    assert "Traceback" not in said.err
    assert files(shell.folder.parent).items() >= before.items()
    assert not (shell.folder / ".mvc" / "page").exists()


@pytest.mark.parametrize("content", [{"mine.txt": b"x"}, {"index.html": b"<meta name=generator>"}, {"data/a.js": b""}])
def test_a_folder_with_something_else_is_refused(shell: Shell, content: dict[str, bytes]) -> None:
    for name, data in content.items():
        shell.write(f"../out/{name}", data)
    assert shell("ui", "--export", "../out").code == 16
    assert files(_out(shell)) == content


def test_files_of_others_in_an_export_stay(shell: Shell) -> None:
    """A listing may come from anybody: it removes only names that an export gives, inside the folder."""
    shell.ok("ui", "--export", "../out")
    shell.write("../out/CNAME", b"models.example.org")
    shell.write("../out/data/mine.txt", b"mine")
    shell.write("../precious.js", b"mine")
    listing = "\n".join(NOT_OURS).encode()
    shell.write(f"../out/files-{_digest(listing)}.txt", listing)
    shell.set(metrics__mAP50=0.8)
    shell.commit("More")
    shell.ok("ui", "--export", "../out")
    found = files(_out(shell))
    assert (found["CNAME"], found["data/mine.txt"]) == (b"models.example.org", b"mine")
    assert (shell.folder.parent / "precious.js").read_bytes() == b"mine"
    assert len([name for name in found if name.startswith("files-")]) == 1


def _digest(data: bytes) -> str:
    return digest(data)[:16]


@pytest.mark.parametrize("link", ["data", "index.html", "data/models"])
def test_links_in_an_export_are_not_followed(shell: Shell, link: str) -> None:
    shell.ok("ui", "--export", "../out")
    place = _out(shell) / link
    place.rename(shell.folder.parent / "elsewhere")
    place.symlink_to(shell.folder.parent / "elsewhere")
    kept = {path: path.read_bytes() for path in (shell.folder.parent / "elsewhere").rglob("*") if path.is_file()}
    shell.ok("notes", "add", "v1", "changed")
    said = shell("ui", "--export", "../out")
    assert said.code not in (0, 1)
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_damaged_version_is_named_and_the_rest_is_exported(shell: Shell) -> None:
    shown = shell.ok("show", "side", "--json").json
    path = shell.folder / ".mvc" / "objects" / shown["manifest_id"][:2] / shown["manifest_id"]
    path.chmod(0o644)
    path.write_bytes(b"{}")
    said = shell.ok("ui", "--export", "../out")
    found = read(_out(shell))
    [model] = of_schema(found, "model")
    damaged = dict(zip(model["versions"]["id"], model["versions"]["damaged"], strict=True))
    assert {id_ for id_, reason in damaged.items() if reason} == {shown["id"]}
    assert f"1 damaged version without details: {shown['id'][:10]}" in said.err
    assert len(of_schema(found, "version")) == 2


def test_a_partial_clone_fetches_nothing_and_says_what_is_not_here(shell: Shell) -> None:
    shell.write("large.bin", os.urandom(60_000))
    shell.ok("add", "large.bin", "--as", "large")
    shell.commit("Large")
    shell.ok("remote", "add", "origin", "../remote")
    shell.ok("push")
    shell.ok("clone", "--meta", "../remote", "../clone")
    (shell.folder.parent / "remote").rename(shell.folder.parent / "gone")
    shell.folder = shell.folder.parent / "clone"
    shell.ok("ui", "--export", "../out")
    found = read(_out(shell))
    states = {file["path"]: file["state"] for each in of_schema(found, "version") for file in each["files"]}
    assert states["large.bin"] == "promised"
    assert of_schema(found, "storage")[0]["by"] == []
    (shell.folder.parent / "gone").rename(shell.folder.parent / "remote")
    shell.ok("restore", ".")
    shell.ok("ui", "--export", "../out")
    states = {file["path"]: file["state"] for each in of_schema(read(_out(shell)), "version") for file in each["files"]}
    assert states["large.bin"] == "complete"
