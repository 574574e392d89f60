"""What `add` writes can be committed, and a commit holds exactly what was added; or model.toml stays as it was."""

from __future__ import annotations

import os
import random
import tomllib
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import pytest

from mvc import errors
from mvc.intake.entries import Entry
from mvc.model.version import Person, Timestamp
from mvc.porcelain.add import Added, add
from mvc.porcelain.commit import commit
from mvc.porcelain.edit import remove, set_values
from mvc.porcelain.init import init
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository

MODEL = "m"
ANA = Actor(Person("Ana", "ana@example.org"), Timestamp(1_770_109_200))
NAMES = (
    *("a.pt", "b", "7", "v1", "HEAD", "labelmap.json", "files", "d", "D", "A.pt", "a.onnx", ".metadata", ".env", ".env.yaml"),
    *("-best.bin", "--", "~", "a b.pt", " lead", "trail ", "é.pt", "e\u0301.pt", "ß", "ẞ", "\u202ebidi", "x" * 240 + ".bin"),
    *("y" * 255, "[best].pt", "*", "?", "a:b", "a\\b", "nul.pt", "dot.", "#hash", "!bang", "quo\"te'", "new\nline", "new log"),
    *("x.key", ".git", ".mvc", ".hg", "git~1", "model.toml", ".DS_Store", "__pycache__", ".swp", "z~", "w.tar.gz", "..a", "a=b"),
    *("[" * 90, ".venv", ".aws", "bad\udcff", "日本.pt", "🤖.pt", ".mvcignore", ".gitignore", "con", "a.lock", "a/b"),
)  # fmt: skip
VERSION_CONTROL = {".mvc", ".git", ".hg", ".jj", ".svn"}
DEFAULTS = (".DS_Store", "__pycache__", ".venv", "*.swp", "*~")
CREDENTIALS = (".env", ".env.*", "*.key")


def repository(root: Path) -> Repository:
    init(root, model=MODEL)
    return Repository(root)


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode("utf-8", "surrogateescape"))


def tracked(found: Repository) -> dict[str, str]:
    """The paths of a new version, with their roles."""
    done = commit(Model(found, MODEL), "x", ANA)
    assert done.version is not None
    return {entry.path: entry.role for entry in found.objects.tree(done.version.tree).entries}


# --- any names


def test_what_is_added_can_be_committed_whatever_it_is_called(tmp_path: Path, rng: random.Random, deep: bool) -> None:
    added = 0
    rounds = 600 if deep else 16
    for number in range(rounds):
        root = tmp_path / str(number)
        found = repository(root)
        _scatter(root, rng)
        held: set[str] = set()
        for _ in range(4):
            added += _add_anything(found, root, held, rng)
    assert added > rounds // 4  # often enough there is something that can be added


def _scatter(root: Path, rng: random.Random) -> None:
    """Make files of any names in a few folders, some of them empty, and a link or two."""
    folders = [root]
    for _ in range(rng.randrange(4)):
        name = rng.choice([name for name in NAMES if name not in (".mvc", "model.toml")])
        folder = rng.choice(folders) / name
        if not os.path.lexists(folder):
            folder.mkdir(parents=True)
            folders.append(folder)
    for _ in range(rng.randrange(1, 10)):
        path = rng.choice(folders) / rng.choice(NAMES)
        if not os.path.lexists(path) and path.parent.is_dir():
            path.write_bytes(b"" if rng.random() < 0.2 or path.name.endswith("ignore") else os.fsencode(path.name))
            if path.name == "model.toml":
                path.write_text('[model]\nname = "other"\n', encoding="utf-8")
    if rng.random() < 0.3:
        link = rng.choice(folders) / "link.ckpt"
        if not os.path.lexists(link):
            link.symlink_to(rng.choice(["a.pt", "nowhere", "."]))


def _add_anything(found: Repository, root: Path, held: set[str], rng: random.Random) -> bool:
    """Add what `rng` picks; `held` is what versions hold so far. Whether anything was added."""
    candidates = [root, *(path for path in root.rglob("*") if ".mvc" not in path.parts)]
    given = rng.sample(candidates, min(len(candidates), rng.choice([1, 1, 1, 2])))
    number = rng.randrange(1_000_000)  # a role that another file has would move to this one
    roles = ["", ".x", f"d{number}", f"d{number}/a", f"v{number}", "x" * 200]
    role = rng.choice(roles) if rng.random() < 0.2 and len(given) == 1 else None
    before = (root / "model.toml").read_bytes()
    done, refusal = _tried(found, given, role)
    if done is None:
        assert refusal in (2, 17)
        assert (root / "model.toml").read_bytes() == before
        return False
    wanted = held | {path for each in given for path in _expected(root, each)}
    if not done.entries:
        assert (root / "model.toml").read_bytes() == before
        assert wanted == held
        return False
    held.clear()
    held.update(tracked(found))
    assert held == wanted, (given, role)
    return True


def _tried(found: Repository, given: list[Path], role: str | None) -> tuple[Added | None, int]:
    """What `add` did, or None and the exit code of its refusal."""
    try:
        return add(Model(found, MODEL), given, role=role), 0
    except errors.MvcError as error:
        return None, error.exit_code


def _expected(root: Path, given: Path) -> set[str]:
    """The files that a person who adds `given` means."""
    if not given.is_dir():
        return {given.relative_to(root).as_posix()}
    found = set()
    for folder, folders, files in os.walk(given):
        below = PurePosixPath(Path(folder).relative_to(root).as_posix())
        folders[:] = [
            name for name in folders
            if name.lower() not in VERSION_CONTROL and not _matches(name, DEFAULTS)
            and not (Path(folder) / name / "model.toml").is_file() and name != ".aws"
        ]  # fmt: skip
        for name in files:
            left_out = (*DEFAULTS, *CREDENTIALS, *VERSION_CONTROL)
            if not _matches(name, left_out) and not (folder == os.fspath(root) and name == "model.toml"):
                found.add((below / name).as_posix().removeprefix("./"))
    return found


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


# --- roles


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("best.onnx", "best"),
        ("w.tar.gz", "w"),
        (".metadata", "metadata"),
        (".env.yaml", "env"),
        ("-best.bin", "best"),
        ("a b.pt", "a b"),
        ("é.pt", "é"),
        ("\u202ex.pt", "_x"),
        ("7", "7"),
        ("v1.pt", "v1"),
        ("n" * 240 + ".bin", "n" * 192),
        ("deep/best.onnx", "best"),
    ],
)
def test_a_role_is_derived_that_a_version_may_have(tmp_path: Path, name: str, role: str) -> None:
    write(tmp_path, name)
    found = repository(tmp_path)
    (entry,) = add(Model(found, MODEL), [tmp_path / name]).entries
    assert entry.role == role
    assert tracked(found) == {name: role}


def test_a_name_with_a_wildcard_in_it_is_that_file_alone(tmp_path: Path) -> None:
    write(tmp_path, "[best].pt", "best.pt", "b.pt", "w[1]/a.pt", "w1/a.pt")
    found = repository(tmp_path)
    add(Model(found, MODEL), [tmp_path / "[best].pt", tmp_path / "w[1]"])
    assert tracked(found) == {"[best].pt": "[best]/[best].pt", "w[1]/a.pt": "w[1]/w[1]/a.pt"}
    write(tmp_path, "[x].pt", "deep/[x].pt")
    with pytest.raises(errors.BadPattern, match=r"also matches deep/\[x\].pt"):
        add(Model(found, MODEL), [tmp_path / "[x].pt"])


def test_a_name_that_is_no_text_is_refused_for_that(tmp_path: Path) -> None:
    write(tmp_path, "bad\udcff.pt", "d\udcff/a.pt")
    found = repository(tmp_path)
    for name in ("bad\udcff.pt", "d\udcff/a.pt", "d\udcff"):
        with pytest.raises(errors.UnportablePath, match="is not UTF-8"):
            add(Model(found, MODEL), [tmp_path / name])
    with pytest.raises(errors.NoSuchFile):
        add(Model(found, MODEL), [tmp_path / "none\udcff.pt"])


def test_a_role_that_is_taken_gives_way_to_the_paths_own_and_then_to_a_number(tmp_path: Path) -> None:
    names = ["a.pt", "a.onnx", "x/a.pt", "x-a/pt.bin", "x-a-pt", "x-a.pt"]
    write(tmp_path, *names)
    found = repository(tmp_path)
    set_values(Model(found, MODEL), ["files.x-a-pt=x-a-pt"])
    roles = [entry.role for entry in add(Model(found, MODEL), [tmp_path / name for name in names]).entries]
    assert roles == ["a", "a-onnx", "a-2", "pt", "x-a"]
    assert len(tracked(found)) == len(names)


def test_a_role_that_would_meet_those_of_a_glob_is_not_taken(tmp_path: Path) -> None:
    write(tmp_path, "g/a", "g.pt", "deep/g/b")
    found = repository(tmp_path)
    add(Model(found, MODEL), [tmp_path / "g", tmp_path / "g.pt", tmp_path / "deep/g"])
    assert tracked(found) == {"g/a": "g/a", "g.pt": "g-pt", "deep/g/b": "deep-g/b"}
    write(tmp_path, "x/a", "b")
    set_values(Model(found, MODEL), ['files."x/a"=b'])
    (entry,) = add(Model(found, MODEL), [tmp_path / "x"]).entries
    assert entry.role == "x-2"
    assert tracked(found)["x/a"] == "x-2/a"


def test_the_role_of_the_labels_is_not_given_to_another_file(tmp_path: Path) -> None:
    write(tmp_path, "labels.json", "labelmap.json")
    (tmp_path / "labels.json").write_text('["helmet"]', encoding="utf-8")
    found = repository(tmp_path)
    set_values(Model(found, MODEL), ["labelmap.path=labels.json"])
    assert add(Model(found, MODEL), [tmp_path / "labels.json"]).tracked == (("labels.json", "labelmap"),)
    add(Model(found, MODEL), [tmp_path / "labelmap.json"])
    assert tracked(found) == {"labels.json": "labelmap", "labelmap.json": "labelmap-json"}


# --- roles that move


def files(root: Path) -> dict[str, str]:
    found: dict[str, str] = tomllib.loads((root / "model.toml").read_text(encoding="utf-8"))["files"]
    return found


def test_a_role_that_is_asked_for_moves_and_comments_stay(tmp_path: Path) -> None:
    write(tmp_path, "runs/exp2/weights/best.pt", "runs/exp3/weights/best.pt", "log.txt")
    found = repository(tmp_path)
    add(Model(found, MODEL), [tmp_path / "runs/exp2/weights/best.pt"], role="model-latest")
    add(Model(found, MODEL), [tmp_path / "log.txt"])
    text = (tmp_path / "model.toml").read_text(encoding="utf-8").replace('best.pt"', 'best.pt"  # the best epoch')
    (tmp_path / "model.toml").write_text(text, encoding="utf-8")
    (entry,) = add(Model(found, MODEL), [tmp_path / "runs/exp3/weights/best.pt"], role="model-latest").entries
    assert entry.to_json() == {
        "role": "model-latest",
        "path": "runs/exp3/weights/best.pt",
        "files": 1,
        "bytes_total": 25,
        "old": "runs/exp2/weights/best.pt",
    }
    assert (tmp_path / "model.toml").read_text(encoding="utf-8") == text.replace("exp2", "exp3")
    assert tracked(found) == {"runs/exp3/weights/best.pt": "model-latest", "log.txt": "log"}


def test_a_role_moves_from_a_file_that_is_gone(tmp_path: Path) -> None:
    write(tmp_path, "a.pt", "b.pt")
    found = repository(tmp_path)
    add(Model(found, MODEL), [tmp_path / "a.pt"])
    (tmp_path / "a.pt").unlink()
    assert add(Model(found, MODEL), [tmp_path / "b.pt"], role="a").entries[0].old == "a.pt"
    assert tracked(found) == {"b.pt": "a"}


def test_the_role_of_a_folder_moves_to_another_folder_and_takes_its_files_from_wider_globs(tmp_path: Path) -> None:
    write(tmp_path, "exp2/a.pt", "exp2/b.pt", "exp3/a.pt", "exp3/plots/p.png")
    found = repository(tmp_path)
    add(Model(found, MODEL), [tmp_path / "exp2"], role="run")
    (entry,) = add(Model(found, MODEL), [tmp_path / "exp3"], role="run").entries
    assert (entry.old, entry.path, entry.files) == ("exp2/**", "exp3/**", 2)
    assert tracked(found) == {"exp3/a.pt": "run/a.pt", "exp3/plots/p.png": "run/plots/p.png"}
    add(Model(found, MODEL), [tmp_path])
    add(Model(found, MODEL), [tmp_path / "exp2"], role="run")
    now = tracked(found)
    assert (now["exp2/a.pt"], now["exp3/a.pt"]) == ("run/a.pt", "files/exp3/a.pt")


def test_the_role_of_the_labels_moves_with_labelmap_path(tmp_path: Path) -> None:
    for name in ("a.json", "b.json", "c.json"):
        (tmp_path / name).write_text('["helmet"]', encoding="utf-8")
    found = repository(tmp_path)
    set_values(Model(found, MODEL), ["labelmap.path=a.json"])
    (entry,) = add(Model(found, MODEL), [tmp_path / "b.json"], role="labelmap").entries
    assert (entry.old, entry.path) == ("a.json", "b.json")
    assert tracked(found) == {"b.json": "labelmap"}
    set_values(Model(found, MODEL), ["files.labelmap=b.json"])
    add(Model(found, MODEL), [tmp_path / "c.json"], role="labelmap")
    assert tracked(found) == {"c.json": "labelmap"}


def test_a_dry_run_changes_nothing_and_refuses_what_add_would(tmp_path: Path) -> None:
    write(tmp_path, "a.pt", "b.pt", "d/.env")
    found = repository(tmp_path)
    add(Model(found, MODEL), [tmp_path / "a.pt"])
    before = (tmp_path / "model.toml").read_bytes(), (tmp_path / "model.toml").stat().st_mtime_ns
    assert add(Model(found, MODEL), [tmp_path / "b.pt"], role="a", dry_run=True).entries == (
        Entry("a", "b.pt", 1, 4, "a.pt"),
    )
    assert add(Model(found, MODEL), [tmp_path / "b.pt"], dry_run=True).entries == (Entry("b", "b.pt", 1, 4),)
    with pytest.raises(errors.NothingToTrack):
        add(Model(found, MODEL), [tmp_path / "d"], role="a", dry_run=True)
    assert ((tmp_path / "model.toml").read_bytes(), (tmp_path / "model.toml").stat().st_mtime_ns) == before


def test_a_file_of_the_same_name_gets_another_role_and_a_hint(tmp_path: Path) -> None:
    write(tmp_path, "exp2/best.pt", "exp3/best.pt", "best.onnx")
    found = repository(tmp_path)
    add(Model(found, MODEL), [tmp_path / "exp2/best.pt"])
    done = add(Model(found, MODEL), [tmp_path / "exp3/best.pt", tmp_path / "best.onnx"])
    assert done.namesakes == (("best", "exp2/best.pt", "exp3-best-pt", "exp3/best.pt"),)


# --- what is there already


def test_what_is_tracked_is_said_and_only_the_rest_is_added(tmp_path: Path) -> None:
    write(tmp_path, "d/a.pt", "e/b.pt", "c.txt")
    found = repository(tmp_path)
    add(Model(found, MODEL), [tmp_path / "d/a.pt"])
    for given in (tmp_path / "d", tmp_path / "*.pt", tmp_path / "d/a.pt"):
        if given.name != "*.pt":
            assert add(Model(found, MODEL), [given]).tracked == (("d/a.pt", "a"),)
    assert [entry.files for entry in add(Model(found, MODEL), [tmp_path / "e"]).entries] == [1]
    assert add(Model(found, MODEL), [tmp_path / "*.pt"]).entries == ()
    done = add(Model(found, MODEL), [tmp_path])
    assert [(entry.role, entry.path, entry.files) for entry in done.entries] == [("files", "**", 1)]
    assert dict(done.tracked) == {"d/a.pt": "a", "e/b.pt": "e/b.pt"}
    assert tracked(found) == {"d/a.pt": "a", "e/b.pt": "e/b.pt", "c.txt": "files/c.txt"}


def test_a_path_of_its_own_takes_a_file_out_of_a_glob(tmp_path: Path) -> None:
    write(tmp_path, "d/a.pt", "d/b.pt")
    found = repository(tmp_path)
    add(Model(found, MODEL), [tmp_path / "d"])
    assert add(Model(found, MODEL), [tmp_path / "d/a.pt"]).tracked == (("d/a.pt", "d/a.pt"),)
    add(Model(found, MODEL), [tmp_path / "d/a.pt"], role="best")
    assert tracked(found) == {"d/a.pt": "best", "d/b.pt": "d/b.pt"}


def test_what_was_wrong_before_is_no_reason_to_refuse(tmp_path: Path) -> None:
    write(tmp_path, "a.pt", "b.pt")
    found = repository(tmp_path)
    add(Model(found, MODEL), [tmp_path / "a.pt"])
    (tmp_path / "a.pt").unlink()
    add(Model(found, MODEL), [tmp_path / "b.pt"])
    remove(Model(found, MODEL), ["a"], cached=True)
    assert tracked(found) == {"b.pt": "b"}


def test_more_files_than_anybody_looks_through_are_a_question(tmp_path: Path) -> None:
    write(tmp_path, *(f"d/{number}" for number in range(201)))
    found = repository(tmp_path)
    with pytest.raises(errors.ManyFiles, match=r"201 new files, .* 201 in d/"):
        add(Model(found, MODEL), [tmp_path])
    (entry,) = add(Model(found, MODEL), [tmp_path], yes=True).entries
    assert entry.files == 201
    write(tmp_path, "e")
    assert add(Model(found, MODEL), [tmp_path / "d"]).entries == ()  # a folder that is named is meant


def test_many_paths_are_added_with_one_reading_of_model_toml(tmp_path: Path) -> None:
    names = [f"{number}.pt" for number in range(50)]
    write(tmp_path, *names)
    found = repository(tmp_path)
    assert len(add(Model(found, MODEL), [tmp_path / name for name in names]).entries) == len(names)
    assert len(tracked(found)) == len(names)
