"""Every verb, for files that are here, promised, read but not checked out, or gone: it works, fetching what it needs, or changes nothing.

A row says how many files each verb fetches in each kind of clone (see `tests.porcelain.presence`). Where it is none, the verb
works without the remote as well; where it is some, and the remote is gone or has lost them, it refuses, and not a byte of the
repository or the working tree is another one than before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from mvc.model.compare.files import DELETED
from mvc.porcelain.fsck import fsck
from mvc.porcelain.status import status
from mvc.repository.model import Model
from tests.cli.shell import MODEL, Said
from tests.porcelain import presence
from tests.porcelain.presence import LARGE, PRESENCES, Place


@dataclass(frozen=True)
class Row:
    """A command, what is done before it, and the files that it fetches in each kind of clone.

    `asks`: it talks to the remote in any case. `code` is what it ends with where it works.
    """

    command: str
    fetches: tuple[int, int, int, int] = (0, 0, 0, 0)
    before: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    asks: bool = False
    code: int = 0
    deletes: bool = False


EDIT = ("set parameters.lr=3",)
NEW = "runs/new.bin"
ROWS = (
    # --- reading                                    full only meta read
    Row("status"),
    Row("ls -l"),
    Row("ls --tensors v1"),
    Row("show"),
    Row("log --stat"),
    Row("log --graph"),
    Row("reflog"),
    Row("du"),
    Row("get parameters.lr"),
    Row("source show"),
    Row("diff"),
    Row("diff v1"),
    Row("diff v1 v2"),
    Row("compare v1 v2"),
    Row("log --where file.cfg.size>1"),
    Row("blame"),
    Row("blame weights cfg"),
    Row("describe --always"),
    Row("diff v1 v2 --tensors"),
    Row("diff v1 v2 --tensors=deep", (1, 1, 2, 1)),
    Row("check", code=1),
    Row("check v1", code=1),
    Row("fsck"),
    Row("fsck --read-data"),
    Row("cat HEAD:cfg"),
    Row("cat HEAD:model.toml"),
    Row("cat HEAD:weights -o ../out", (0, 0, 1, 0)),
    Row("cat HEAD:./runs/a.bin -o ../out", (0, 1, 1, 0)),
    Row("cat v1:weights -o ../out", (1, 1, 1, 1)),
    Row("mv cfg.yaml conf/cfg.yaml"),
    Row("export HEAD ../out", (0, 2, 3, 0)),
    Row("archive HEAD -o ../out.zip", (0, 2, 3, 0)),
    Row("bom --read-data", (0, 2, 3, 0)),
    Row("card"),
    Row("ls --licenses"),
    Row("archive v1 tool -o ../out.tar", (0, 1, 1, 0)),
    Row("export v1 ../out", (1, 3, 3, 1)),
    # --- the next version
    Row("set parameters.lr=3"),
    Row("add new.bin", write=("new.bin",)),
    Row("add new.bin --as weights", write=("new.bin",)),
    Row("add --run exp1", write=("exp1/best.pt",)),
    Row("import --model runs --folders exp1", write=("exp1/best.pt",)),
    Row("rm weights", deletes=True),
    Row("rm --cached runs", deletes=True),
    Row("commit -m x", before=EDIT),
    Row("commit -m x --dry-run", before=EDIT),
    Row("commit -m x", write=("weights.bin",)),
    Row("commit -m x", write=("runs/a.bin",)),
    Row("commit -m x", write=(NEW,)),
    Row("commit -m x --amend", before=("commit -m y --allow-empty", *EDIT)),
    Row("commit -m x", before=("rm runs",)),
    Row("commit -m x", code=1),
    Row("record -m x --file weights=new.bin --branch run", write=("new.bin",)),
    Row("run --branch run -- cp new.bin new.pt", write=("new.bin",)),
    Row("record -m x --file weights=new.bin --branch run -n", write=("new.bin",)),
    # --- names
    Row("tag t"),
    Row("alias set prod HEAD"),
    Row("notes add v1 text"),
    Row("notes show v1", before=("notes add v1 text",)),
    Row("branch b v1"),
    Row("models rename helmets hats"),
    Row("gc --grace 0"),
    Row("prune v1 --yes", before=("cat v1:weights -o ../out",)),
    # --- the working tree
    Row("restore cfg"),
    Row("restore model.toml", before=EDIT),
    Row("restore weights", (0, 0, 1, 0)),
    Row("restore runs", (0, 1, 1, 0)),
    Row("restore .", (0, 2, 3, 0)),
    Row("restore -s v1 weights", (1, 1, 1, 1)),
    Row("checkout -- tool.sh", (0, 1, 1, 0)),
    Row("switch -c here"),
    Row("switch main"),
    Row("switch --detach v1", (1, 3, 3, 1)),
    Row("switch side", (2, 3, 3, 2)),
    Row("switch -f main", (0, 2, 3, 0), before=EDIT),
    Row("reset v1"),
    Row("undo", before=("reset v1",)),
    Row("undo", before=(*EDIT, "reset --hard HEAD")),
    Row("redo", before=("reset v1", "undo")),
    Row("op", before=("reset v1",)),
    Row("op restore 1", before=("reset v1", "tag t")),
    Row("reset --hard HEAD", before=EDIT),
    Row("reset --keep v1", (1, 1, 1, 1)),
    Row("revert HEAD", (1, 1, 1, 1)),
    Row("revert -n HEAD", (1, 1, 1, 1)),
    Row("revert HEAD", before=(*EDIT, "commit -m x")),
    Row("cherry-pick origin/side", (1, 1, 1, 1)),
    Row("cherry-pick origin/clash", code=1),
    Row("cherry-pick --continue --theirs", (1, 1, 1, 1), before=("cherry-pick origin/clash",)),
    Row("stash", before=EDIT),
    Row("stash", write=("cfg.yaml",)),
    Row("stash", (0, 0, 1, 0), write=("weights.bin",)),
    Row("stash", (0, 1, 1, 0), write=("runs/a.bin",)),
    Row("stash pop", before=(*EDIT, "stash")),
    Row("stash apply", write=("cfg.yaml",), before=("stash",), deletes=False),
    Row("stash branch b", before=(*EDIT, "stash")),
    Row("merge origin/main"),
    Row("merge origin/side", (1, 1, 1, 1)),
    Row("merge origin/clash", code=1),
    Row("merge origin/clash --ours"),
    Row("merge origin/clash --theirs", (1, 1, 1, 1)),
    Row("merge --continue --ours", before=("merge origin/clash",)),
    Row("merge --continue --theirs", (1, 1, 1, 1), before=("merge origin/clash",)),
    Row("merge --abort", before=("merge origin/clash",)),
    # --- remotes
    Row("fetch", asks=True),
    Row("pull", (0, 2, 3, 0), asks=True),
    Row("pull --meta", asks=True),
    Row("pull --only tool", (0, 1, 1, 0), asks=True),
    Row("push", before=(*EDIT, "commit -m x"), asks=True),
    Row("push", write=("weights.bin",), before=("commit -m x",), asks=True),
    Row("fsck --remote origin", asks=True),
    Row("remote rename origin upstream"),
)


def run(here: Place, row: Row) -> Said:
    """Do what comes before, and then the command; errors come as JSON."""
    return here.shell("--json", *row.command.split())


def prepare(here: Place, row: Row) -> None:
    for path in row.write:
        here.shell.write(path, path.encode() * 5_000)
    for command in row.before:
        here.shell(*command.split())


def check_sound(here: Place, row: Row, where: str) -> None:
    """No finding, and no file that counts as deleted though nobody deleted one."""
    repository = here.repository
    assert fsck(repository).findings == (), where
    model = "hats" if "hats" in row.command else MODEL
    found = status(Model(repository, model))
    assert row.deletes or not [change for change in found.difference.files if change.kind == DELETED], where
    assert not found.problems, where


REFUSALS = {"gone": "fetch-failed", "lost": "promise-lost", "removed": "no-promisor"}
"""What a verb refuses with that needs bytes of a remote: it is not there, it has lost them, it was removed from the settings."""


def name(row: Row) -> str:
    return " ".join((row.command, *row.write))


@pytest.mark.parametrize("row", [row for row in ROWS if row.asks or any(row.fetches)], ids=name)
def test_with_the_remote_it_fetches_what_it_needs(
    row: Row, clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, wanted in zip(PRESENCES, row.fetches, strict=True):
        if wanted or row.asks:
            here = presence.place(clones, tmp_path, monkeypatch, kind)
            prepare(here, row)
            promised = here.promised()
            said = run(here, row)
            where = f"{kind}: {said}"
            assert said.code == row.code, where
            assert len(promised - here.promised()) == wanted, where
            check_sound(here, row, where)


@pytest.mark.parametrize("row", [row for row in ROWS if not row.asks], ids=name)
def test_without_the_remote_it_works_when_it_needs_nothing_of_it(
    row: Row, clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, wanted in zip(PRESENCES, row.fetches, strict=True):
        if not wanted:
            here = presence.place(clones, tmp_path, monkeypatch, kind)
            prepare(here, row)
            here.away()
            said = run(here, row)
            assert said.code == row.code, f"{kind}: {said}"
            check_sound(here, row, f"{kind}: {said}")


@pytest.mark.parametrize("loss", REFUSALS)
@pytest.mark.parametrize("row", [row for row in ROWS if row.asks or any(row.fetches)], ids=name)
def test_without_what_it_needs_it_changes_nothing(
    row: Row, loss: str, clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, wanted in zip(PRESENCES, row.fetches, strict=True):
        if not wanted and not (row.asks and loss == "gone"):
            continue
        here = presence.place(clones, tmp_path, monkeypatch, kind)
        prepare(here, row)
        {"gone": here.away, "lost": here.lose, "removed": here.forget}[loss]()
        before = here.bytes()
        said = run(here, row)
        where = f"{kind}: {said}"
        error = json.loads(said.err.splitlines()[-1])
        if row.asks and loss != "lost":
            assert error["kind"] == ("remote-vanished" if loss == "gone" else "no-such-remote"), where
        else:
            assert error["kind"] == REFUSALS[loss], where
            assert "origin" in error["message"], where
            assert any(each in error["message"] for each in LARGE), where
        assert here.bytes() == before, where
