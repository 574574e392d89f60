"""A repository in which each verb that moves a name has something to do, and a policy that all of it breaks.

v1 (alias staging, tag 1.0, branch old) ─ v2 ─ v3 (main, alias prod)      a stash on v3
 └ v2' (side)                                  origin has v1, v2 and a v3' of Ben's on main
"""

from __future__ import annotations

import pickle
import random
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from mvc.repository.policy.gate import NAME
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS
from tests.cli.shell import MODEL, Said, Shell, begin
from tests.remotes.clones import clone

WEIGHTS = "w.pt"
CONTENT = ("formats", "scan", "max-file", "max-version", "licenses.allow", "licenses.deny", "ready-for")
POLICY = """
[[rule]]
on = ["commit", "branch:*", "tag:*", "alias:*", "push:origin", "publish:*"]
formats = ["onnx"]
scan = "plain"
max-file = 10
max-version = "1kB"
licenses.allow = ["MIT"]
ready-for = ["deployment"]

[[rule]]
on = ["commit", "branch:*", "tag:*", "alias:*", "push:origin", "publish:*"]
licenses.deny = ["AGPL-*"]

[[rule]]
on = ["branch:*", "tag:*", "alias:*"]
from = "alias:never"
roll-back = false
signed-by = ["ana@example.org"]

[[rule]]
on = ["tag:*", "alias:*"]
reason = "required"
"""


def build(folder: Path, patch: Any) -> None:
    """Make the world in a folder: `ana`, `origin` and `other`."""
    rng = random.Random(7)
    (folder / "ana").mkdir()
    shell = begin(folder / "ana", patch)
    _train(shell, rng)
    shell.ok("add", WEIGHTS, "--as", "model-latest")
    shell.set(model__license="AGPL-3.0-only", parameters__epochs=1)
    shell.commit("first", "--tag", "1.0", "--alias", "staging")
    shell.ok("alias", "set", "prod", "-m", "first")
    shell.ok("branch", "old")
    shell.ok("switch", "-c", "side")
    shell.set(parameters__lr=0.5)
    shell.commit("side")
    shell.ok("switch", "main")
    shell.set(parameters__epochs=2)
    shell.commit("second")
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push", "-u", "origin", "main")
    ben = clone(folder, patch, "ben")
    ben.set(parameters__momentum=0.9)
    ben.commit("by Ben")
    ben.ok("push")
    shutil.rmtree(folder / "ben")
    shell = Shell(folder / "ana", patch)
    _train(shell, rng)
    shell.commit("third")
    shell.ok("alias", "set", "prod", "-m", "better")
    shell.set(parameters__batch=8)
    shell.ok("stash", "push", "-m", "batch")
    shutil.copytree(folder / "ana", folder / "other")


def _train(shell: Shell, rng: random.Random) -> None:
    """Write weights whose loader needs a class of data besides numbers and texts."""
    shell.write(WEIGHTS, pickle.dumps({"from": PurePosixPath("runs/1"), "weights": rng.randbytes(2_000).hex()}, 2))


def names(shell: Shell) -> dict[str, str | None]:
    """Where each branch, tag and alias points."""
    refs = shell.repository.refs
    return {
        f"{model} {ref.text}": target
        for model in refs.models()
        for kind in (HEADS, TAGS, ALIASES)
        for ref, target in refs.targets(model, kind).items()
    }


def files(folder: Path, *, but: tuple[str, ...] = ()) -> dict[str, bytes]:
    """All files of a folder but those that carry no data, and those below `but`."""
    skipped = (".mvc/cache", ".mvc/tmp", ".mvc/lock", *but)
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in found.items()
        if not any(f"{name}/".startswith(f"{each}/") for each in skipped)
    }


class Row(NamedTuple):
    """A command that moves names: what prepares it, and the keys of the policy that it breaks.

    `fetches`: objects are stored before its refusal, so only names, files and operations are compared. `edit`: the files
    are edited before. `fresh`: it runs in a repository without versions.
    """

    command: tuple[str, ...]
    breaks: tuple[str, ...]
    prepare: tuple[tuple[str, ...], ...] = ()
    fetches: bool = False
    edit: bool = False
    fresh: bool = False


LAST = "the operation before the last"
BRANCH = (*CONTENT, "from", "signed-by")
NAMED = (*BRANCH, "reason")
BACK = ("roll-back",)
TABLE: Mapping[str, Row] = {
    "commit": Row(("commit", "-m", "x"), BRANCH, edit=True),
    "commit --amend": Row(("commit", "--amend", "-m", "x"), (*BRANCH, *BACK), (("alias", "rm", "prod"),)),
    "commit --tag --alias": Row(("commit", "-m", "x", "--tag", "t", "--alias", "edge"), NAMED, edit=True),
    "branch": Row(("branch", "new"), BRANCH),
    "branch -D": Row(("branch", "-D", "side"), BACK),
    "branch -m": Row(("branch", "-m", "side", "other"), (*BRANCH, *BACK)),
    "tag": Row(("tag", "2.0"), NAMED),
    "tag -d": Row(("tag", "-d", "1.0"), BACK),
    "alias set": Row(("alias", "set", "staging"), NAMED),
    "alias set back": Row(("alias", "set", "prod", "v1"), (*NAMED, *BACK)),
    "alias rollback": Row(("alias", "rollback", "prod"), (*NAMED, *BACK)),
    "alias rm": Row(("alias", "rm", "prod"), BACK),
    "reset": Row(("reset", "v1"), (*BRANCH, *BACK)),
    "reset --hard": Row(("reset", "--hard", "v1"), (*BRANCH, *BACK)),
    "switch -c": Row(("switch", "-c", "new"), BRANCH),
    "checkout -b": Row(("checkout", "-b", "new"), BRANCH),
    "merge": Row(("merge", "side"), BRANCH),
    "merge, fast-forward": Row(("merge", "main"), BRANCH, (("switch", "old"),)),
    "merge --continue": Row(
        ("merge", "--continue"),
        BRANCH,
        (
            ("switch", "side"),
            ("set", "parameters.epochs=9"),
            ("commit", "-m", "y"),
            ("switch", "main"),
            ("merge", "side"),
            ("set", "parameters.epochs=5"),
        ),
    ),
    "revert": Row(("revert", "HEAD"), BRANCH),
    "cherry-pick": Row(("cherry-pick", "side"), BRANCH),
    "pull": Row(("pull",), BRANCH, (("reset", "--hard", "v2"),), fetches=True),
    "pull --rebase": Row(("pull", "--rebase"), (*BRANCH, *BACK), (("alias", "rm", "prod"),), fetches=True),
    "stash branch": Row(("stash", "branch", "new"), BRANCH),
    "undo": Row(("undo",), (*BRANCH, *BACK), (("commit", "--allow-empty", "-m", "x"),)),
    "undo of a stash branch": Row(("undo",), BACK, (("stash", "branch", "new"),)),
    "redo": Row(("redo",), BRANCH, (("commit", "--allow-empty", "-m", "x"), ("undo",))),
    "op restore": Row(("op", "restore", LAST), BACK, (("tag", "new"),)),
    "record": Row(("record", "--file", f"model-latest={WEIGHTS}", "--branch", "run/a", "-m", "x"), BRANCH),
    "record --alias": Row(
        ("record", "--file", f"model-latest={WEIGHTS}", "--branch", "run/a", "--alias", "edge", "-m", "x"), NAMED
    ),
    "import": Row(("import", f"../other#{MODEL}"), BRANCH, (("branch", "-D", "side"),), fetches=True),
    "import, new model": Row(("import", f"../other#{MODEL}"), NAMED, fetches=True, fresh=True),
    "import --folders": Row(
        ("import", "--folders", "../run"),
        tuple(key for key in BRANCH if key != "licenses.deny"),
        fetches=True,
        fresh=True,
    ),  # it has no license
    "push": Row(("push", "origin", "side"), BRANCH),
    "push --force": Row(("push", "--force-with-lease", "origin", "main"), (*BRANCH, *BACK), (("fetch",),)),
    "push --delete": Row(("push", "origin", "--delete", "side"), BACK, (("push", "origin", "side"),)),
    "push alias": Row(("push", "origin", "staging"), NAMED),
}
"""Each command that moves a branch, tag or alias."""


def standing(folder: Path, patch: Any, row: Row) -> Shell:
    """Ana's repository in a world, ready for the command of a row."""
    if row.fresh:
        shutil.rmtree(folder / "ana")
        (folder / "ana").mkdir()
        begin(folder / "ana", patch)
    shell = Shell(folder / "ana", patch)
    shell.repository.config.set_remote("origin", {"url": str(folder / "origin")})
    for command in row.prepare:
        said = shell(*command)
        assert said.code in (0, 1), (command, said)
    if row.edit:
        shell.set(parameters__epochs=3)
        _train(shell, random.Random(9))
    if "--folders" in row.command:
        (folder / "run" / "weights").mkdir(parents=True)
        shutil.copy(folder / "other" / WEIGHTS, folder / "run" / "weights" / "best.pt")
    return shell


def picture(folder: Path, shell: Shell, row: Row) -> tuple[Any, ...]:
    """What a refused command leaves as it is."""
    remote = files(folder / "origin", but=("intents", "probe"))
    if not row.fetches:
        return files(folder / "ana", but=(NAME,)), remote
    return names(shell), files(folder / "ana", but=(NAME, ".mvc")), files(folder / "ana/.mvc/operations"), remote


def run(shell: Shell, row: Row) -> Said:
    """Run the command of a row."""
    last = max((int(path.name) for path in (shell.folder / ".mvc/operations").glob("*")), default=0)
    return shell(*(str(last - 1) if word == LAST else word for word in row.command))


def refused(folder: Path, shell: Shell, row: Row, policy: str = POLICY) -> Said:
    """Run the command of a row under a policy; it must be refused for exactly these keys, and change nothing."""
    (shell.folder / NAME).write_text(policy, encoding="utf-8")
    before = picture(folder, shell, row)
    said = run(shell, row)
    assert said.code == 17, said
    assert {key for key in (*BRANCH, "roll-back", "reason") if f"  {key}: " in said.err} == set(row.breaks), said
    after = picture(folder, shell, row)
    assert after == before
    return said
