"""`push --rebase` and `pull --rebase`: each local version's change is made again on the remote's, or nothing happens."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mvc.repository.repository import Repository
from tests.cli.shell import Said, Shell, begin
from tests.remotes.clones import clone

VERBS = ("pull", "push")


def build(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nora's repository with v1 in `top/nora`, the remote `top/origin`, and Bob's clone `top/bob`."""
    (top / "nora").mkdir()
    nora = begin(top / "nora", monkeypatch)
    for name in ("w.pt", "notes.txt", "old.txt"):
        nora.write(name, name.encode() * 9_000)
        nora.ok("add", name, "--as", name.partition(".")[0])
    nora.ok("set", "labelmap.0=a", "parameters.lr=1", "metrics.mAP=0.5")
    nora.ok("set", "model.description=first", "docker.image=acme/yolo", "docker.tag=1")
    nora.commit("one")
    nora.ok("remote", "add", "origin", "../origin")
    nora.ok("push")
    clone(top, monkeypatch, "bob")


class Two:
    """Nora and Bob, each with a clone of v1, and the remote between them."""

    def __init__(self, top: Path, monkeypatch: Any) -> None:
        self.top = top
        self.nora, self.bob = (Shell(top / name, monkeypatch) for name in ("nora", "bob"))
        for shell in (self.nora, self.bob):
            shell.repository.config.set_remote("origin", {"url": str(top / "origin")})

    def diverge(self, hers: Change, his: Change) -> None:
        """Nora commits and pushes one change; Bob commits another."""
        hers(self.nora)
        self.nora.commit("hers")
        self.nora.ok("push")
        his(self.bob)
        self.bob.commit("his")


Change = Callable[[Shell], object]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("rebase")
    with pytest.MonkeyPatch.context() as patch:
        build(top, patch)
    return top


@pytest.fixture
def two(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Two:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    return Two(tmp_path, monkeypatch)


def setting(*assignments: str) -> Change:
    return lambda shell: shell.ok("set", *assignments)


def writing(path: str, text: str) -> Change:
    return lambda shell: shell.write(path, text.encode())


def adding(path: str, role: str) -> Change:
    def change(shell: Shell) -> None:
        shell.write(path, path.encode())
        shell.ok("add", path, "--as", role)

    return change


def both(*changes: Change) -> Change:
    return lambda shell: [change(shell) for change in changes]


def dataset(name: str) -> Change:
    def change(shell: Shell) -> None:
        file = shell.folder / "model.toml"
        file.write_text(f'{file.read_text()}\n[[source.datasets]]\nname = "{name}"\n')

    return change


def moving(old: str, new: str, role: str) -> Change:
    def change(shell: Shell) -> None:
        (shell.folder / old).rename(shell.folder / new)
        shell.ok("set", f"files.{role}={new}")

    return change


def values(shell: Shell) -> Any:
    return shell.ok("get", "--json").json["value"]


def changes(shell: Shell, old: str, new: str) -> Any:
    return shell.ok("diff", old, new, "--json").json["changes"]


def files(shell: Shell) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in shell.folder.iterdir() if p.is_file() and p.name != "model.toml"}


def tip(shell: Shell, revision: str = "HEAD") -> str:
    return shell.ok("log", "--format", "{id}", "-n", "1", revision).out.strip()


def rebase(shell: Shell, verb: str) -> Said:
    return shell(verb, "--rebase")


def everything(two: Two) -> tuple[object, ...]:
    """What a refused command must leave as it was; remote-tracking refs are fetched, as in Git."""
    refs = two.bob.repository.refs
    local = {
        ref.text: refs.target(ref)
        for kind in refs.kinds("helmets")
        if not kind.startswith("remotes/")
        for ref in refs.all("helmets", kind)
    }
    remote = {p.relative_to(two.top): p.read_bytes() for p in (two.top / "origin" / "refs").rglob("*") if p.is_file()}
    worktree = {p.name: p.read_bytes() for p in two.bob.folder.iterdir() if p.is_file()}
    return local, remote, worktree


KINDS: dict[str, tuple[Change, Change, Change]] = {
    "parameters": (setting("parameters.lr=2"), setting("parameters.epochs=9"), setting("parameters.lr=3")),
    "metrics": (setting("metrics.mAP=0.9"), setting("metrics.recall=0.7"), setting("metrics.mAP=0.8")),
    "labelmap": (setting("labelmap.1=b"), setting("labelmap.0=z"), setting("labelmap.1=d")),
    "files": (writing("w.pt", "hers"), writing("notes.txt", "his"), writing("w.pt", "his")),
    "roles": (moving("w.pt", "v.pt", "w"), adding("new.txt", "new"), moving("w.pt", "u.pt", "w")),
    "new files": (adding("new.txt", "new"), adding("more.txt", "more"), both(adding("new.txt", "new"), writing("new.txt", "x"))),
    "removed": (lambda s: s.ok("rm", "old"), writing("w.pt", "his"), writing("old.txt", "his")),
    "about": (setting("model.description=hers"), setting("model.license=MIT"), setting("model.description=his")),
    "docker": (setting("docker.tag=2"), setting("docker.image=acme/other"), setting("docker.tag=3")),
    "datasets": (dataset("hers"), setting("source.experiment.name=e"), dataset("his")),
}  # fmt: skip
"""Of each kind: a change of hers, one of his beside it, and one of his that conflicts."""


@pytest.mark.parametrize("kind", KINDS)
def test_both_changes_survive(two: Two, kind: str) -> None:
    hers, his, _ = KINDS[kind]
    verb = VERBS[sorted(KINDS).index(kind) % 2]
    two.diverge(hers, his)
    nora, bob = tip(two.nora), tip(two.bob)
    two.bob.ok("branch", "before", "HEAD")
    assert rebase(two.bob, verb).code == 0
    assert tip(two.bob, "HEAD~1") == nora
    assert tip(two.bob) != bob
    assert two.bob.ok("status", "--exit-code").code == 0
    assert two.bob("fsck").code == 0
    assert changes(two.bob, "HEAD~1", "HEAD").keys() == changes(two.bob, "v1", "before").keys()
    assert changes(two.bob, "before", "HEAD").keys() == changes(two.bob, "v1", "HEAD~1").keys()
    if verb == "pull":
        two.bob.ok("push")
    two.nora.ok("pull")
    assert (values(two.nora), files(two.nora)) == (values(two.bob), files(two.bob))
    two.bob.ok("switch", "before")
    two.bob.ok("merge", nora)
    assert (values(two.nora), files(two.nora)) == (values(two.bob), files(two.bob))


@pytest.mark.parametrize("kind", KINDS)
def test_a_conflict_is_refused_and_changes_nothing(two: Two, kind: str) -> None:
    hers, _, his = KINDS[kind]
    two.diverge(hers, his)
    before = everything(two)
    for verb in VERBS:
        said = rebase(two.bob, verb)
        assert said.code == 13, said
        assert "mvc merge origin/main" in said.err
        field = {"files": "files.w", "roles": "files.w", "new files": "files.new", "removed": "files.old"}.get(kind)
        assert f"  {field or {'about': 'model', 'datasets': 'source'}.get(kind, kind)}" in said.err
        assert everything(two) == before
    two.bob("merge", "origin/main", "--ours")
    two.bob.ok("push")
    assert tip(two.bob) == tip(two.bob, "origin/main")


def test_a_note_of_his_undoes_nothing_of_hers(two: Two) -> None:
    two.diverge(
        both(writing("w.pt", "NORA"), setting("metrics.mAP=0.9", "labelmap.1=b")), setting("parameters.note=hello")
    )
    said = two.bob.ok("push", "--rebase")
    assert "Rebased 1 time." in said.out
    note = {"parameters": [{"key": "note", "old": None, "new": "hello"}]}
    assert changes(two.bob, "HEAD~1", "HEAD") == note
    assert (two.bob.folder / "w.pt").read_bytes() == b"NORA"
    two.nora.ok("pull")
    assert values(two.nora)["metrics"] == {"mAP": 0.9}
    assert values(two.nora)["labelmap"] == {"0": "a", "1": "b"}
    assert values(two.nora)["parameters"] == {"lr": 1, "note": "hello"}
    assert (two.nora.folder / "w.pt").read_bytes() == b"NORA"
    assert "rebase: onto origin/main" in two.bob.ok("reflog", "main").out


def test_a_replayed_version_keeps_all_but_its_parent(two: Two) -> None:
    two.diverge(setting("parameters.lr=2"), setting("parameters.epochs=9"))
    repository = Repository(two.bob.folder)
    old = repository.objects.version(tip(two.bob))  # type: ignore[arg-type]
    two.bob.tick()
    two.bob.ok("pull", "--rebase")
    new = repository.objects.version(tip(two.bob))  # type: ignore[arg-type]
    kept = ("author", "time", "message", "code", "ext")
    assert [getattr(new, name) for name in kept] == [getattr(old, name) for name in kept]
    assert (new.number, new.parents) == (3, (tip(two.nora),))


def test_several_versions_are_replayed_one_by_one(two: Two) -> None:
    two.diverge(setting("parameters.lr=2"), setting("parameters.epochs=9"))
    two.bob.write("w.pt", b"his")
    two.bob.commit("weights")
    two.bob.ok("set", "parameters.epochs=10")
    two.bob.commit("longer")
    done = two.bob.ok("pull", "--rebase", "--json").json
    assert done["rebased"]
    assert len(done["rebase"]["replayed"]) == 3
    assert two.bob.ok("log", "--format", "{subject}").lines == ["longer", "weights", "his", "hers", "one"]
    assert values(two.bob)["parameters"] == {"lr": 2, "epochs": 10}
    assert two.bob.ok("get", "parameters", "--json").json["value"]["epochs"] == 10
    assert two.bob.ok("show", "HEAD~2", "--json").json["number"] == 3
    assert two.bob.ok("cat", "HEAD~2:w").out == "w.pt" * 9_000
    assert two.bob.ok("cat", "HEAD~1:w").out == "his"


def test_a_conflict_in_a_later_version_changes_nothing_either(two: Two) -> None:
    two.diverge(setting("parameters.lr=2"), setting("parameters.epochs=9"))
    two.bob.ok("set", "parameters.lr=7")
    last = two.bob.commit("clash")
    before = everything(two)
    for verb in VERBS:
        said = rebase(two.bob, verb)
        assert said.code == 13
        assert last[:10] in said.err
        assert everything(two) == before


def test_a_version_whose_change_is_there_already_is_dropped(two: Two) -> None:
    two.diverge(setting("parameters.lr=2"), setting("parameters.lr=2"))
    twin = tip(two.bob)
    two.bob.ok("commit", "--allow-empty", "-m", "empty on purpose")
    done = two.bob.ok("push", "--rebase", "--json").json
    assert done["rebases"][0]["dropped"] == [twin]
    assert two.bob.ok("log", "--format", "{subject}").lines == ["empty on purpose", "hers", "one"]
    two.nora.ok("pull")
    two.nora.ok("set", "parameters.lr=4")
    hers = two.nora.commit("more")
    two.nora.ok("push")
    two.bob.ok("set", "parameters.lr=4")
    twin = two.bob.commit("the same")
    said = two.bob.ok("push", "--rebase").out
    assert f"dropped versions whose changes the remote has already: {twin[:10]}" in said
    assert tip(two.bob) == hers
    assert two.bob.ok("status", "--exit-code").code == 0


def test_without_new_versions_nothing_is_replayed(two: Two) -> None:
    two.nora.ok("set", "parameters.lr=2")
    hers = two.nora.commit("hers")
    two.nora.ok("push")
    two.bob.ok("push", "--rebase")
    assert tip(two.bob) == hers
    assert two.bob.ok("status", "--exit-code").code == 0
    ahead = two.bob.ok("commit", "--allow-empty", "-m", "ahead")
    assert ahead.code == 0
    mine = tip(two.bob)
    two.bob.ok("pull", "--rebase")
    two.bob.ok("push", "--rebase")
    assert tip(two.bob) == mine


def test_an_unrelated_history_is_refused(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    (two.top / "other").mkdir()
    other = begin(two.top / "other", monkeypatch)
    other.write("w.pt", b"other")
    other.ok("add", "w.pt", "--as", "w")
    mine = other.commit("unrelated")
    other.ok("remote", "add", "origin", "../origin")
    for command in (("push", "--rebase"), ("pull", "--rebase"), ("pull",)):
        said = other(*command)
        assert said.code == 13
        assert "no common ancestor" in said.err
        assert tip(other) == mine
    said = other("push")
    assert said.code == 13
    assert "unrelated history" in said.err
    assert "--rebase" not in said.err
    other.ok("push", "origin", "main:other")


def test_a_merge_among_the_local_versions_is_refused_with_the_reason(two: Two) -> None:
    two.diverge(setting("parameters.lr=2"), setting("parameters.epochs=9"))
    two.bob.ok("switch", "-c", "side", "v1")
    two.bob.ok("set", "metrics.recall=0.5")
    two.bob.commit("side")
    two.bob.ok("switch", "main")
    two.bob.ok("merge", "side")
    merge = tip(two.bob)
    before = everything(two)
    for verb in VERBS:
        said = rebase(two.bob, verb)
        assert said.code == 13
        assert f"{merge[:10]} is a merge" in said.err
        assert everything(two) == before


@pytest.mark.parametrize("verb", VERBS)
def test_edits_are_in_the_way_and_untracked_files_stay(two: Two, verb: str) -> None:
    two.diverge(adding("new.txt", "new"), setting("parameters.epochs=9"))
    for path in ("w.pt", "new.txt", "model.toml"):
        committed = (two.bob.folder / path).read_bytes() if path != "new.txt" else b""
        two.bob.write(path, committed + b"# edited")
        before = everything(two)
        said = rebase(two.bob, verb)
        assert said.code == 16
        assert path in said.err
        assert everything(two) == before
        two.bob.write(path, committed)
    (two.bob.folder / "new.txt").unlink()
    two.bob.write("untracked.txt", b"untracked")
    assert rebase(two.bob, verb).code == 0
    assert files(two.bob) == {**files(two.nora), "untracked.txt": b"untracked"}
    assert two.bob.ok("status", "--exit-code").code == 0


def test_tags_and_aliases_stay_and_are_named(two: Two) -> None:
    two.diverge(setting("parameters.lr=2"), setting("parameters.epochs=9"))
    old = tip(two.bob)
    two.bob.ok("tag", "best")
    two.bob.ok("alias", "set", "prod", "HEAD")
    two.bob.ok("tag", "first", "v1")
    said = two.bob.ok("pull", "--rebase").out
    assert "tag best still points to the version before the rebase" in said
    assert "alias prod still points to the version before the rebase" in said
    assert "first" not in said
    assert [tip(two.bob, name) for name in ("best", "prod")] == [old, old]


def test_a_branch_that_is_not_checked_out_is_rebased_without_its_files(two: Two) -> None:
    two.diverge(writing("w.pt", "hers"), setting("parameters.epochs=9"))
    two.bob.ok("switch", "-c", "other", "v1")
    two.bob.ok("push", "origin", "main", "--rebase")
    assert (two.bob.folder / "w.pt").read_bytes() == b"w.pt" * 9_000
    assert two.bob.ok("status", "--exit-code").code == 0
    two.bob.ok("switch", "main")
    assert (two.bob.folder / "w.pt").read_bytes() == b"hers"
    assert values(two.bob)["parameters"]["epochs"] == 9


def test_of_several_branches_one_conflict_rejects_only_its_own(two: Two) -> None:
    for branch in ("side", "free"):
        two.nora.ok("branch", branch)
    two.nora.ok("push", "--all")
    two.bob.ok("fetch")
    for branch in ("main", "side"):
        two.nora.ok("switch", branch)
        two.nora.ok("set", "parameters.lr=2")
        two.nora.commit(f"hers on {branch}")
    two.nora.ok("push", "--all")
    for branch, value in (("main", "epochs=9"), ("side", "lr=3"), ("free", "epochs=1")):
        two.bob.ok("switch", branch)
        two.bob.ok("set", f"parameters.{value}")
        two.bob.commit(f"his on {branch}")
    mine = tip(two.bob, "side")
    said = two.bob("push", "origin", "--all", "--rebase", "--json")
    assert said.code == 13
    assert {ref["ref"]: ref["flag"] for ref in said.json["refs"]} == {
        "heads/main": " ",
        "heads/side": "!",
        "heads/free": " ",
    }
    assert "parameters.lr" in next(ref["reason"] for ref in said.json["refs"] if ref["flag"] == "!")
    assert tip(two.bob, "side") == mine


def test_a_version_without_a_local_branch_is_rejected_at_once(two: Two) -> None:
    two.diverge(setting("parameters.lr=2"), setting("parameters.epochs=9"))
    assert two.bob("push", "origin", "HEAD~0:main", "--rebase").code == 13


def test_comments_of_both_survive(two: Two) -> None:
    def commented(text: str, value: str) -> Change:
        def change(shell: Shell) -> None:
            file = shell.folder / "model.toml"
            file.write_text(file.read_text().replace(text, f"# {value}\n{text}"))
            shell.ok("set", f"parameters.{value}=1")

        return change

    two.diverge(commented("[model]", "hers"), commented("[docker]", "his"))
    two.bob.ok("pull", "--rebase")
    text = (two.bob.folder / "model.toml").read_text()
    assert "# hers\n[model]" in text
    assert "# his\n[docker]" in text
    assert values(two.bob)["parameters"] == {"lr": 1, "hers": 1, "his": 1}
    assert two.bob.ok("status", "--exit-code").code == 0


def test_in_a_clone_without_files_nothing_is_fetched_but_what_is_checked_out(
    two: Two, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    before, after = (rng.randbytes(40_000) for _ in range(2))
    two.nora.write("w.pt", before)
    two.nora.commit("large")
    two.nora.ok("push")
    two.bob.ok("pull")
    meta = clone(two.top, monkeypatch, "meta", "--meta")
    two.diverge(lambda shell: shell.write("w.pt", after), setting("parameters.epochs=9"))
    meta.ok("set", "parameters.momentum=1")
    meta.commit("without files")
    meta.ok("push", "--rebase")
    assert not (meta.folder / "w.pt").exists()
    assert meta.ok("status", "--exit-code").code == 0
    two.bob.ok("pull", "--rebase")
    assert (two.bob.folder / "w.pt").read_bytes() == after
    assert values(two.bob)["parameters"] == {"lr": 1, "epochs": 9, "momentum": 1}


ASSIGNMENTS = [f"{key}={value}" for key in ("parameters.a", "parameters.b", "metrics.c", "labelmap.0", "labelmap.1")
               for value in (1, 2)]  # fmt: skip


def random_change(shell: Shell, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.6:
            key, _, value = rng.choice(ASSIGNMENTS).partition("=")
            shell.ok("set", f"{key}={'abc'[int(value)] if key.startswith('labelmap') else value}")
        else:
            path = rng.choice(["w.pt", "notes.txt", "old.txt"])
            shell.write(path, rng.choice([b"1", b"2", b"3"]))


def test_a_rebase_of_one_version_is_the_merge_of_the_two_tips(two: Two, rng: random.Random) -> None:
    clean = 0
    for _ in range(6):
        shells = [two.nora, two.bob]
        for shell in shells:
            random_change(shell, rng)
            if shell("commit", "-m", "random", "--allow-empty").code:  # two classes of one name
                shell.ok("reset", "--hard", "HEAD")
        two.nora.ok("push")
        two.bob.ok("fetch")
        merged = two.top / "merged"
        shutil.copytree(two.bob.folder, merged)
        there = Shell(merged, pytest.MonkeyPatch())
        code = there("merge", "origin/main").code
        said = rebase(two.bob, rng.choice(VERBS))
        assert said.code == (13 if code == 1 else 0), said
        if said.code == 0:
            clean += 1
            versions = [shell.repository.objects.version(tip(shell)) for shell in (there, two.bob)]  # type: ignore[arg-type]
            assert versions[0].manifest == versions[1].manifest
            assert versions[0].tree == versions[1].tree
            two.bob("push")
            two.nora.ok("pull")
        else:
            two.bob.ok("reset", "--hard", "origin/main")
        shutil.rmtree(merged)
    assert clean
