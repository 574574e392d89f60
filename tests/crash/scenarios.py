"""The writing verbs, each with a repository prepared for it: what is swept by stopping them before every step."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mvc.model.version import Person, Timestamp
from mvc.repository.record.options import Options
from mvc.repository.record.request import RecordRequest, RequestedFile
from mvc.repository.repository import Repository
from tests.crash.harness import ORIGIN, made_once, mvc
from tests.intake import runs
from tests.older import mark_plain
from tests.quantised import gguf
from tests.signatures.keys import Keys
from tests.weights import rounded, safetensors

SURVEY = ("fsck", "--remote", "origin", "--read-data")
RESULTS = b'{"mAP50": 0.5}'
WEIGHTS = bytes(range(256)) * 300
"""76,800 bytes: more than lies inline in a recipe, so it goes to a pack."""


@dataclass(frozen=True)
class Scenario:
    """`verb` run in what `prepare` made exits with `code`; `again` is what a second run may, once it was done.

    `check` is a command that must succeed after each.
    """

    name: str
    prepare: Callable[[Path], None]
    verb: tuple[str, ...]
    again: tuple[int, ...] = (0,)
    code: int = 0
    check: tuple[str, ...] | None = None


def empty(root: Path) -> None:
    """A folder with weights and no repository."""
    (root / "weights").mkdir()
    (root / "weights" / "best.onnx").write_bytes(WEIGHTS)


@made_once
def tracked(root: Path) -> None:
    """A model with files to commit, and no version yet."""
    empty(root)
    (root / "notes.txt").write_bytes(b"small")
    mvc(root, "init", "--model", "helmets")
    mvc(root, "add", "weights/best.onnx", "--as", "model-latest")
    mvc(root, "add", "notes.txt", "--as", "notes")


@made_once
def untracked(root: Path) -> None:
    """As `tracked`, and a file that is not."""
    tracked(root)
    (root / "more.txt").write_bytes(b"more")


@made_once
def two_versions(root: Path) -> None:
    """v1 and v2 on main; v2 changes one file, removes one, adds one in a folder of its own."""
    tracked(root)
    mvc(root, "commit", "-m", "one")
    (root / "weights" / "best.onnx").write_bytes(WEIGHTS[::-1])
    (root / "notes.txt").unlink()
    (root / "extra").mkdir()
    (root / "extra" / "log.txt").write_bytes(b"more")
    mvc(root, "rm", "notes", "--cached")
    mvc(root, "add", "extra/log.txt", "--as", "log")
    mvc(root, "set", "labelmap.0=helmet", "labelmap.1=head")
    mvc(root, "commit", "-m", "two")


def requested(root: Path) -> None:
    """Two versions, and the request of a recording that failed."""
    two_versions(root)
    files = {"model-latest": RequestedFile.of(root / "weights" / "best.onnx")}
    options = Options("run/1", tags=("night",), aliases=("best",))
    asked = RecordRequest("helmets", files, "night", Person("Ana", "ana@example.org"), Timestamp(0), options=options)
    (root / "mvc-record.json").write_bytes(asked.encode())


@made_once
def edited(root: Path) -> None:
    """Two versions and an edit that is not committed."""
    two_versions(root)
    (root / "weights" / "best.onnx").write_bytes(b"edited" * 10_000)


@made_once
def side(root: Path) -> None:
    """Two versions, a side branch at v1 with a version of its own, a tag and an alias."""
    two_versions(root)
    mvc(root, "switch", "-c", "side", "v1")
    (root / "notes.txt").write_bytes(b"on the side")
    mvc(root, "commit", "-m", "side two", "--tag", "kept", "--alias", "prod")
    mvc(root, "switch", "main")


@made_once
def keyed(root: Path) -> None:
    """As `side`, and an SSH key."""
    side(root)
    Keys(root).make("key")


@made_once
def pushed(root: Path) -> None:
    """As `side`, all of it on a remote beside `.mvc`."""
    side(root)
    Repository(root).config.set_remote("origin", {"url": ORIGIN})
    mvc(root, "push", "origin", "--all")


@made_once
def noted(root: Path) -> None:
    """As `pushed`, with two notes on a version, of which the remote has the first, and an evaluation that it lacks."""
    pushed(root)
    mvc(root, "notes", "add", "v1", "bad in rain", "incident=4711")
    mvc(root, "push")
    mvc(root, "notes", "add", "v1", "good in fog")
    (root / "results.json").write_bytes(RESULTS)
    mvc(root, "eval", "add", "v1", "--dataset", "night@3", "--file", "results.json")


@made_once
def measured(root: Path) -> None:
    """Two versions, and results in a file."""
    two_versions(root)
    (root / "results.json").write_bytes(RESULTS)


@made_once
def merging(root: Path) -> None:
    """As `side`, with a merge of it under way, and its conflict decided: main removed the notes, side changed them."""
    side(root)
    mvc(root, "merge", "side", code=1)
    (root / "notes.txt").write_bytes(b"of both")
    mvc(root, "add", "notes.txt", "--as", "notes")


@made_once
def picking(root: Path) -> None:
    """As `side`, with a cherry-pick of it under way, and its conflict decided."""
    side(root)
    mvc(root, "cherry-pick", "side", code=1)
    (root / "notes.txt").write_bytes(b"of both")
    mvc(root, "add", "notes.txt", "--as", "notes")


@made_once
def stashed(root: Path) -> None:
    """As `edited`, with a file that was deleted and a value; all of it in a stash."""
    edited(root)
    (root / "extra" / "log.txt").unlink()
    mvc(root, "set", "parameters.epochs=3")
    mvc(root, "stash")


@made_once
def moved(root: Path) -> None:
    """As `side`, and the alias was moved once more."""
    side(root)
    mvc(root, "alias", "set", "prod", "v2", "-m", "approved")


@made_once
def tuned(root: Path) -> None:
    """A version with weights that are cut at their tensors, and the next ones, not committed.

    Beside them are new weights in fp32 and their fp16 copy, whose delta bases are in the pack of the same commit.
    """
    mvc(root, "init", "--model", "helmets")
    (root / "best.gguf").write_bytes(_network(0))
    mvc(root, "add", "best.gguf", "--as", "model-latest")
    mvc(root, "commit", "-m", "one")
    (root / "best.gguf").write_bytes(_network(1))
    weights = {"weight": ("F32", (9_000,), np.random.default_rng(2).uniform(-1, 1, 9_000).astype("<f4").tobytes())}
    (root / "half.safetensors").write_bytes(safetensors(rounded(weights, "F16")))
    (root / "whole.safetensors").write_bytes(safetensors(weights))
    mvc(root, "add", "half.safetensors", "whole.safetensors")


@made_once
def tuned_twice(root: Path) -> None:
    """Two versions of such weights, the second stored as what differs."""
    tuned(root)
    mvc(root, "commit", "-m", "two")


@made_once
def tuned_often(root: Path) -> None:
    """Four versions of such weights, the last three stored as what differs, and a large file that changes too."""
    tuned_twice(root)
    for step in (2, 3):
        (root / "best.gguf").write_bytes(_network(step))
        (root / "more.bin").write_bytes(_unknown(step))
        mvc(root, "add", "more.bin", "--as", "more")
        mvc(root, "commit", "-m", f"version {step}")


@made_once
def pushed_often(root: Path) -> None:
    """As `tuned_often`, on a remote beside `.mvc`."""
    tuned_often(root)
    Repository(root).config.set_remote("origin", {"url": ORIGIN})
    mvc(root, "push", "origin", "main")


@made_once
def pruned(root: Path) -> None:
    """As `tuned_often`, with only the bytes of the last version, and a remote that has none of these."""
    tuned_often(root)
    mvc(root, "branch", "empty", "v1")
    Repository(root).config.set_remote("origin", {"url": ORIGIN})
    mvc(root, "push", "origin", "empty")
    mvc(root, "branch", "-D", "empty")
    mvc(root, "prune", "v2", "v3", "--yes")


@made_once
def dropped_there(root: Path) -> None:
    """As `pushed_often`; the remote has dropped the bytes of all versions but the last, and a branch is at one of them."""
    pushed_often(root)
    mvc(root, "prune", "--remote", "origin", "--keep-last", "1", "--yes")
    mvc(root, "branch", "again", "v2")


def _network(step: int) -> bytes:
    """Weights in fp32 and quantised ones, which the next step changes a little."""
    drawn = np.random.default_rng(0).uniform(-1, 1, 40_000).astype(np.float32) + np.float32(step * 1e-4)
    return gguf({"bias": drawn[:6_000], "weight": drawn[:32_768].reshape(32, 1_024)}, "Q8_0")


def _unknown(step: int) -> bytes:
    """Numbers in a file of unknown format, which begin at an odd place."""
    return (
        b"abc"
        + (np.random.default_rng(1).standard_normal(10_000).astype("<f4").view("<u4") + np.uint32(step)).tobytes()
    )


@made_once
def shared(root: Path) -> None:
    """Two versions, of which a remote beside `.mvc` has the first."""
    tracked(root)
    mvc(root, "commit", "-m", "one")
    Repository(root).config.set_remote("origin", {"url": ORIGIN})
    mvc(root, "push")
    (root / "weights" / "best.onnx").write_bytes(WEIGHTS[::-1])
    mvc(root, "commit", "-m", "two")


@made_once
def pushed_before(root: Path) -> None:
    """As `shared`; the remote is one that an mvc of before began."""
    shared(root)
    mark_plain(root / ORIGIN)


@made_once
def behind(root: Path) -> None:
    """One version, and a remote beside `.mvc` to which somebody else has pushed a second, a tag and an alias."""
    shared(root)
    mvc(root, "push")
    mvc(root, "clone", ORIGIN, ".mvc-other")
    (root / ".mvc-other" / "notes.txt").write_bytes(b"hers" * 5_000)
    mvc(root / ".mvc-other", "commit", "-m", "three", "--tag", "hers", "--alias", "best")
    mvc(root / ".mvc-other", "push", "origin", "main", "hers", "best")
    shutil.rmtree(root / ".mvc-other")


@made_once
def diverged(root: Path) -> None:
    """As `behind`, all of it fetched, and two versions of one's own: the first is new, the second changes what is there already."""
    behind(root)
    (root / "weights" / "best.onnx").write_bytes(WEIGHTS[100:])
    mvc(root, "commit", "-m", "ours")
    (root / "notes.txt").write_bytes(b"hers" * 5_000)
    mvc(root, "commit", "-m", "the same as hers", "--alias", "prod")
    mvc(root, "fetch")


@made_once
def littered(root: Path) -> None:
    """Versions that nothing leads to, beside those that something does: a pack is dead, one is mostly.

    The last has weights that are stored as what differs.
    """
    side(root)
    mvc(root, "config", "gc.reflog-expire", "0")
    (root / "best.gguf").write_bytes(_network(0))
    mvc(root, "add", "best.gguf", "--as", "tuned")
    mvc(root, "commit", "-m", "more weights")
    (root / "best.gguf").write_bytes(_network(1))
    (root / "weights" / "best.onnx").write_bytes(WEIGHTS[::-1] + bytes(range(255, 0, -1)) * 400)
    (root / "more.bin").write_bytes(random.Random(1).randbytes(60_000))
    mvc(root, "add", "more.bin", "--as", "more")
    mvc(root, "commit", "-m", "three")
    mvc(root, "rm", "more", "--cached")
    mvc(root, "commit", "--amend", "-m", "three, without more")
    mvc(root, "branch", "-D", "side")
    mvc(root, "tag", "-d", "kept")
    mvc(root, "alias", "rm", "prod")


@made_once
def trained(root: Path) -> None:
    """A version with the files of a run, and the next run."""
    mvc(root, "init", "--model", "helmets")
    for step, name in enumerate(("exp1", "exp2")):
        runs.ultralytics(root / "runs" / name, step=step)
    mvc(root, "add", "--run", "runs/exp1")
    mvc(root, "commit", "-m", "one")


@made_once
def discarded(root: Path) -> None:
    """As `edited`, and the edit was discarded by a reset to v1."""
    edited(root)
    mvc(root, "reset", "--hard", "v1")


@made_once
def relocated(root: Path) -> None:
    """As `edited`, and the folder with the edit has another name."""
    edited(root)
    mvc(root, "mv", "weights", "nets")


@made_once
def undone(root: Path) -> None:
    """As `discarded`, and undone again."""
    discarded(root)
    mvc(root, "undo")


@made_once
def committed(root: Path) -> None:
    """As `side`, and a version, a tag and a switch since: operations of each kind."""
    side(root)
    (root / "weights" / "best.onnx").write_bytes(WEIGHTS[1:])
    mvc(root, "commit", "-m", "three", "--tag", "mine")
    mvc(root, "switch", "side")


@made_once
def logged(root: Path) -> None:
    """A model whose parameters are also in a file."""
    tracked(root)
    mvc(root, "set", "parameters.epochs=3")
    (root / "args.yaml").write_bytes(b"epochs: 5\n")


@made_once
def renamed(root: Path) -> None:
    """Two versions, the second of which has another file in the role of the weights."""
    tracked(root)
    mvc(root, "commit", "-m", "one")
    (root / "weights" / "best.onnx").rename(root / "weights" / "last.onnx")
    mvc(root, "set", "files.model-latest=weights/last.onnx")
    mvc(root, "commit", "-m", "two")


@made_once
def beside_runs(root: Path) -> None:
    """A repository without a model, and two files of weights beside it."""
    mvc(root, "init")
    (root / ".mvc-runs").mkdir()
    for number, name in enumerate(("best.pt", "best2.pt")):
        (root / ".mvc-runs" / name).write_bytes(WEIGHTS[number:])


@made_once
def beside_remote(root: Path) -> None:
    """A repository without a model, and a remote beside it with one version, a tag and an alias."""
    mvc(root, "init", "--model", "helmets")
    (root / "best.pt").write_bytes(WEIGHTS)
    mvc(root, "add", "best.pt", "--as", "model-latest")
    mvc(root, "commit", "-m", "one", "--tag", "first", "--alias", "prod")
    Repository(root).config.set_remote("origin", {"url": ORIGIN})
    mvc(root, "push", "origin", "--all", "--tags")
    remote = (root / ORIGIN).rename(root.with_name(f"{root.name}-remote"))
    shutil.rmtree(root)
    root.mkdir()
    remote.rename(root / ORIGIN)
    mvc(root, "init")


@made_once
def carried(root: Path) -> None:
    """An OCI layout with a version whose parent it lacks, and a repository without either."""
    (root / ".mvc-other").mkdir()
    two_versions(root / ".mvc-other")
    mvc(root / ".mvc-other", "export", "--oci", "v2", "../layout")
    shutil.rmtree(root / ".mvc-other")
    mvc(root, "init")


SCENARIOS = (
    Scenario("init", empty, ("init", "--model", "helmets")),
    Scenario("add", untracked, ("add", "more.txt", "--as", "readme")),
    Scenario("add that moves a role", untracked, ("add", "more.txt", "--as", "notes")),
    Scenario("add --run", trained, ("add", "--run", "runs/exp2")),
    Scenario("rm", two_versions, ("rm", "log"), (0, 2)),
    Scenario("mv of a folder", edited, ("mv", "weights", "nets"), (0, 2)),
    Scenario("mv of a file", edited, ("mv", "log", "weights/deep/log.txt"), (0, 16)),
    Scenario("set", tracked, ("set", "labelmap.0=helmet", "parameters.epochs=3")),
    Scenario("set of a value file", logged, ("set", "from.parameters=args.yaml")),
    Scenario("unset", two_versions, ("unset", "labelmap.1"), (0, 1)),
    Scenario("config", tracked, ("config", "user.name", "Ana")),
    Scenario("first commit", tracked, ("commit", "-m", "one"), (0, 1)),
    Scenario("commit", edited, ("commit", "-m", "three"), (0, 1)),
    Scenario("commit with names", edited, ("commit", "-m", "three", "--tag", "t", "--alias", "prod"), (0, 1)),
    Scenario("commit of tuned weights", tuned, ("commit", "-m", "two"), (0, 1)),
    Scenario(
        "record",
        edited,
        ("record", "-m", "three", "--branch", "run/1", "--parent", "v2", "--file", "model-latest=weights/best.onnx"),
        (0, 13),
    ),
    Scenario("record --resume", requested, ("record", "--resume", "mvc-record.json")),
    Scenario("switch to tuned weights", tuned_twice, ("switch", "v1")),
    Scenario("amend", two_versions, ("commit", "--amend", "-m", "two, better")),
    Scenario("switch", two_versions, ("switch", "v1")),
    Scenario("switch to a branch", side, ("switch", "side")),
    Scenario("switch -c", two_versions, ("switch", "-c", "other"), (0, 13)),
    Scenario("switch --force", edited, ("switch", "--force", "v1")),
    Scenario("restore", edited, ("restore", "model-latest")),
    Scenario("restore from", two_versions, ("restore", "--source", "v1", "model-latest")),
    Scenario("restore of a moved role", renamed, ("restore", "--source", "v1", "model-latest")),
    Scenario("reset", two_versions, ("reset", "v1")),
    Scenario("reset --keep", two_versions, ("reset", "--keep", "v1")),
    Scenario("reset --hard", edited, ("reset", "--hard", "v1")),
    Scenario("undo", discarded, ("undo", "--op", "8"), (0, 13)),
    Scenario("undo of mv", relocated, ("undo", "--op", "8"), (0, 13)),
    Scenario("undo of a commit", committed, ("undo", "--op", "13"), (0, 13)),
    Scenario("redo", undone, ("redo",), (0, 1)),
    Scenario("op restore", committed, ("op", "restore", "6"), (0, 1)),
    Scenario("branch", two_versions, ("branch", "other"), (0, 13)),
    Scenario("branch -D", side, ("branch", "-D", "side"), (0, 2)),
    Scenario("branch -m", side, ("branch", "-m", "side", "other"), (0, 2, 13)),
    Scenario("merge", side, ("merge", "side", "--theirs")),
    Scenario("merge with conflicts", side, ("merge", "side"), (1, 13), 1),
    Scenario("merge --continue", merging, ("merge", "--continue"), (0, 2)),
    Scenario("merge --abort", merging, ("merge", "--abort"), (0, 2)),
    Scenario("revert", two_versions, ("revert", "v2"), (0, 1)),
    Scenario("revert -n", two_versions, ("revert", "-n", "v2")),
    Scenario("cherry-pick with conflicts", side, ("cherry-pick", "side"), (1, 13), 1),
    Scenario("cherry-pick --continue", picking, ("cherry-pick", "--continue"), (0, 2)),
    Scenario("stash", edited, ("stash",)),
    Scenario("stash pop", stashed, ("stash", "pop"), (0, 2)),
    Scenario("stash branch", stashed, ("stash", "branch", "other"), (0, 2)),
    Scenario("stash drop", stashed, ("stash", "drop"), (0, 2)),
    Scenario("tag", two_versions, ("tag", "kept"), (0, 13)),
    Scenario("tag -d", side, ("tag", "-d", "kept"), (0, 2)),
    Scenario("alias set", side, ("alias", "set", "prod", "v2", "-m", "approved")),
    Scenario("alias set again, with a reason", moved, ("alias", "set", "prod", "v2", "-m", "approved by QA")),
    Scenario("sign", keyed, ("sign", "--key", "key", "prod")),
    Scenario("notes add", two_versions, ("notes", "add", "v1", "bad in rain", "incident=4711")),
    Scenario("notes rm", noted, ("notes", "rm", "v1", "1"), (0, 2)),
    Scenario("push of notes and evaluations", noted, ("push",), check=SURVEY),
    Scenario("eval add", measured, ("eval", "add", "v1", "--dataset", "night@3", "--file", "results.json")),
    Scenario("alias rollback", moved, ("alias", "rollback", "prod"), (0, 13)),
    Scenario("alias rm", side, ("alias", "rm", "prod"), (0, 2)),
    Scenario("models rename", noted, ("models", "rename", "helmets", "Hard Hats"), (0, 2)),
    Scenario("gc", littered, ("gc", "--grace", "0")),
    Scenario("prune", tuned_often, ("prune", "--keep-last", "2", "--yes"), (0, 1)),
    Scenario(
        "prune --remote",
        pushed_often,
        ("prune", "--remote", "origin", "--keep-last", "2", "--yes"),
        (0, 1),
        check=SURVEY,
    ),
    Scenario("push of dropped versions", pruned, ("push", "origin", "main"), check=SURVEY),
    Scenario("push --revive", dropped_there, ("push", "origin", "again", "--revive"), check=SURVEY),
    Scenario("push", shared, ("push",), check=SURVEY),
    Scenario("push of a removal", shared, ("push", "origin", "--delete", "main"), (0, 2), check=SURVEY),
    Scenario("remote upgrade", pushed_before, ("remote", "upgrade", "origin"), check=SURVEY),
    Scenario("fetch", behind, ("fetch",), check=SURVEY),
    Scenario("pull", behind, ("pull",), check=SURVEY),
    Scenario("pull --rebase", diverged, ("pull", "--rebase"), check=SURVEY),
    Scenario("push --rebase", diverged, ("push", "--rebase"), check=SURVEY),
    Scenario("import --folders", beside_runs, ("import", "--folders", ".mvc-runs/best.pt", ".mvc-runs/best2.pt")),
    Scenario("import of a remote", beside_remote, ("import", f"{ORIGIN}#helmets")),
    Scenario("archive", two_versions, ("archive", "v1", "-o", "out.tar.gz")),
    Scenario("ui", two_versions, ("ui", "--export", "out")),
    Scenario("export", two_versions, ("export", "v1", "out"), (0, 16)),
    Scenario("export --link", two_versions, ("export", "--link=hard", "v1", "out"), (0, 16)),
    Scenario("import of a layout", carried, ("import", "layout")),
    Scenario("export --oci", two_versions, ("export", "--oci", "v1", "out"), (0, 16)),
)
