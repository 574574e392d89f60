"""The scan cache: a version is scanned once by each user, and no answer comes from a repository."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest

from mvc.formats.source import Source
from mvc.model.ids import FileId, digest
from mvc.model.tree import TreeEntry
from mvc.repository.policy.gate import NAME
from mvc.scan import scan as scans
from mvc.scan.verdict import Finding, Report, Verdict
from mvc.storage.caches import scans as scan_cache
from mvc.storage.caches.scans import ScanCache
from mvc.storage.chunks.recipes import Recipe
from tests.cli.shell import Shell, begin

HOSTILE = b"cos\nsystem\n(S'true'\ntR."


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of the user."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def shell(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A version of a hostile file and a plain one."""
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("best.pt", HOSTILE)
    shell.write("large.pkl", pickle.dumps([{"a": number} for number in range(9_000)], 2))
    for name in ("best.pt", "large.pkl"):
        shell.ok("add", name, "--as", name.partition(".")[0])
    shell.ok("commit", "-m", "x", "--allow-unsafe")
    return shell


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read by the scan."""
    names: list[str] = []
    original = scans.scan_file

    def scan_file(source: Source, **options: object) -> Report:
        names.append(source.name)
        return original(source, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(scans, "scan_file", scan_file)
    return names


def cache(home: Path) -> Path:
    (path,) = (home / ".cache" / "mvc" / "scan").iterdir()
    return path


def test_a_version_is_scanned_once(shell: Shell, home: Path, scanned: list[str]) -> None:
    first = shell("scan", "v1", "--json").out
    assert sorted(scanned) == ["best.pt", "large.pkl"]
    scanned.clear()
    assert shell("scan", "v1", "--json").out == first
    assert json.loads(first)["verdict"] == "hostile"
    (shell.folder / NAME).write_text('[[rule]]\non = ["tag:*"]\nscan = "code"\n', encoding="utf-8")
    assert shell("tag", "t").code == 17
    assert scanned == []
    assert os.stat(cache(home)).st_mode & 0o777 == 0o600
    cache(home).unlink()
    assert shell("tag", "t").code == 17
    assert sorted(scanned) == ["best.pt", "large.pkl"]
    assert not list((shell.folder / ".mvc").rglob("*scan*"))


def test_the_working_tree_is_scanned_each_time(shell: Shell, scanned: list[str]) -> None:
    for _ in range(2):
        scanned.clear()
        shell("scan")
        assert sorted(scanned) == ["best.pt", "large.pkl"]


def test_a_copied_repository_has_no_answers(
    shell: Shell, tmp_path: Path, scanned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("scan", "v1")
    shutil.copytree(shell.folder, tmp_path / "copy")
    scanned.clear()
    assert Shell(tmp_path / "copy", monkeypatch)("scan", "v1").code == 1
    assert sorted(scanned) == ["best.pt", "large.pkl"]


def test_what_is_damaged_or_of_somebody_else_is_scanned_again(shell: Shell, home: Path, scanned: list[str]) -> None:
    shell("scan", "v1")
    path = cache(home)
    sound = path.read_bytes()
    body = json.loads(sound.split(b"\n", 1)[1])
    for key in body["reports"]:
        body["reports"][key] = [0, [], [], False]

    def signed(content: object) -> bytes:
        text = json.dumps(content, separators=(",", ":")).encode()
        return b"1 " + digest(text).encode() + b"\n" + text

    wrong = [
        b"", sound[:-1], sound[:-30] + bytes([sound[-30] ^ 1]) + sound[-29:], sound[:80], b"2" + sound[1:], b"\xff" * 200,
        signed([]), signed({"rules": body["rules"], "reports": {key: [0] for key in body["reports"]}}),
        signed({**body, "rules": body["rules"] + "x"}), signed({"rules": body["rules"], "reports": [1]}),
    ]  # fmt: skip
    for data in wrong:
        path.write_bytes(data)
        scanned.clear()
        assert shell("scan", "v1").code == 1, data[:80]
        assert len(scanned) == 2, data[:80]
    path.write_bytes(signed(body))
    path.chmod(0o666)
    assert shell("scan", "v1").code == 1
    path.unlink()
    path.symlink_to(shell.folder / "best.pt")
    assert shell("scan", "v1").code == 1
    shutil.rmtree(home / ".cache")
    (home / ".cache").write_bytes(b"a file in the way")
    assert shell("scan", "v1").code == 1


def _cache(folder: Path, recipe: Recipe) -> ScanCache:
    return ScanCache(lambda _: recipe, folder, folder)


def test_an_answer_is_for_a_path_and_for_the_chunks_that_were_read(tmp_path: Path) -> None:
    file = FileId("a" * 64)
    entry = TreeEntry("best.pt", "latest", 3, file)
    recipes = [Recipe(file, 3, {}, inline=data) for data in (b"abc", b"xyz")]
    hostile = Report(Verdict.HOSTILE, ("pickle",), (Finding("r", Verdict.HOSTILE, "p", 3, "m", ("a.b",), ("a.b(1)",)),))
    one, other = (_cache(tmp_path, recipe) for recipe in recipes)
    key = one.key(entry)
    assert key is not None
    one.add(key, hostile)
    one.save()
    assert _cache(tmp_path, recipes[0]).get(key) == hostile
    different = [other.key(entry), one.key(entry._replace(path="best.txt"))]
    assert key not in different
    assert [_cache(tmp_path, recipes[0]).get(each or "") for each in different] == [None, None]
    assert ScanCache(lambda _: recipes[0], tmp_path, None).key(entry) is None


def test_a_file_that_could_not_be_read_is_asked_about_again(tmp_path: Path) -> None:
    made = _cache(tmp_path, Recipe(FileId("a" * 64), 3, {}, inline=b"abc"))
    failed = Finding("scan-failed", Verdict.UNREADABLE, "", -1, "m")
    for verdict in (Verdict.UNREADABLE, Verdict.HOSTILE):
        made.add("k", Report(verdict, (), (failed,)))
        assert made.get("k") is None


def test_caches_that_were_not_used_for_long_are_removed_by_one_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(FileId("a" * 64), 3, {}, inline=b"abc")
    names = [f"repository-{number}" for number in range(6)]

    def use(name: str, *, new: bool) -> None:
        made = ScanCache(lambda _: recipe, tmp_path / name, tmp_path)
        made.add("k", Report(Verdict.PLAIN, (), ())) if new else made.get("k")
        made.save()

    def path(name: str) -> Path:
        return tmp_path / "scan" / digest(os.fsencode(os.path.realpath(tmp_path / name)))

    for name in names[:5]:
        use(name, new=True)
    for number, name in enumerate(names[:5]):
        time = path(name).stat().st_mtime - scan_cache.MAX_AGE - 2_500 + 1_000 * number
        os.utime(path(name), (time, time))
    (tmp_path / "scan" / "notes.txt").write_bytes(b"of somebody else")
    os.utime(tmp_path / "scan" / "notes.txt", (0, 0))
    use(names[0], new=False)  # it has an answer, so that it is not old
    assert all(path(name).exists() for name in names[:5])
    use(names[5], new=True)
    assert [path(name).exists() for name in names] == [True, False, False, True, True, True]
    monkeypatch.setattr(scan_cache, "MAX_FILES", 2)
    use(names[5], new=True)
    assert [name for name in names if path(name).exists()] == [names[0], names[5]]
    assert (tmp_path / "scan" / "notes.txt").exists()
