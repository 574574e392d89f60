"""prune: dropped bytes are gone from every pack, the record stays, and what is kept is byte-equal."""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mvc import errors
from mvc.model.ids import VersionId, digest
from mvc.model.version import Timestamp
from mvc.porcelain.du import du
from mvc.porcelain.fsck import fsck
from mvc.porcelain.prune import Pruned, prune
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.repository.retention.rules import DAY, Best, Rules
from mvc.storage import usage
from mvc.transport import promises
from tests.cli.shell import MODEL, Shell, begin
from tests.quantised import gguf
from tests.weights import Tensors, network, rounded, safetensors, tuned

WEIGHTS = "w.safetensors"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return begin(tmp_path, monkeypatch)


def _numbers(tensors: Tensors) -> bytes:
    """A file of no known format: a number in front moves each tensor to an odd place."""
    return b"\1" + b"".join(data for _, _, data in tensors.values())


def _quantised(tensors: Tensors) -> bytes:
    """A GGUF file of these weights, quantised."""
    arrays = {name: np.frombuffer(data, "<f4").reshape(shape) for name, (_, shape, data) in tensors.items()}
    return gguf(arrays, "Q8_0")


def _line(shell: Shell, rng: random.Random, count: int, form: Callable[[Tensors], bytes] = safetensors) -> list[bytes]:
    """Commit fine-tunes of one network, each a day after the other; their bytes."""
    tensors: Tensors = network(rng)
    made = []
    for number in range(count):
        made.append(form(tensors))
        shell.write(WEIGHTS, made[-1])
        if not number:
            shell.ok("add", WEIGHTS, "--as", "weights")
        shell.commit(f"v{number + 1}")
        tensors = tuned(tensors, rng)
    return made


def _fresh(folder: Path, monkeypatch: pytest.MonkeyPatch, contents: list[bytes]) -> Shell:
    folder.mkdir()
    shell = begin(folder, monkeypatch)
    for number, data in enumerate(contents):
        shell.write(WEIGHTS, data)
        if not number:
            shell.ok("add", WEIGHTS, "--as", "weights")
        shell.commit(f"fresh {number}")
    return shell


def _bytes(repository: Repository, revision: str) -> bytes:
    version = repository.objects.version(revisions.resolve(Model(repository, MODEL), revision))
    file = repository.objects.tree(version.tree).by_role["weights"].file
    return b"".join(map(bytes, repository.extract.stream(file)))


def _prune(shell: Shell, rules: Rules, *named: str, unpushed: bool = False, dry_run: bool = False) -> Pruned:
    model = Model(shell.repository, MODEL)
    ids = [revisions.resolve(model, each) for each in named]
    return prune(model, rules, shell.actor, named=ids, unpushed=unpushed, dry_run=dry_run)


@pytest.mark.parametrize(
    ("kept", "form"), [(1, safetensors), (2, safetensors), (1, _numbers), (2, _numbers), (2, _quantised)]
)
def test_the_last_versions_take_no_more_than_a_fresh_store_of_them(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch, kept: int, form: Callable[[Tensors], bytes]
) -> None:
    made = _line(shell, rng, 6, form)
    promise = _prune(shell, Rules(last=kept), dry_run=True)
    done = _prune(shell, Rules(last=kept))
    assert abs(promise.freed - done.freed) <= 0.01 * done.freed
    after = usage.on_disk(shell.repository.door)
    for number in range(6 - kept, 6):
        assert _bytes(shell.repository, f"v{number + 1}") == made[number]
    fresh = _fresh(shell.folder / "fresh", monkeypatch, made[-kept:])
    size = usage.on_disk(fresh.repository.door)
    assert after <= 1.05 * size
    assert not fsck(shell.repository, read_data=True).findings


def test_a_store_of_before_is_pruned_with_what_came_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its deltas are copied where their base stays, and get the newer encoding where they get another one."""
    shutil.copytree(Path(__file__).resolve().parents[1] / "stores" / "casts", tmp_path / ".mvc")
    shell = Shell(tmp_path, monkeypatch)
    shell.ok("switch", "--force", "main")
    data = bytearray((tmp_path / "weights.safetensors").read_bytes())
    for number in (5, 6):
        data[-10_000 * (number - 4) :: 4] = bytes(byte ^ 1 for byte in data[-10_000 * (number - 4) :: 4])
        shell.write("weights.safetensors", bytes(data))
        shell.commit(f"v{number}")
    roles = ("v1:weights", "v4:weights", "v4:weights-bf16", "v4:weights-fp16", "v6:weights", "v6:weights-bf16")
    made = {role: shell.raw("cat", role) for role in roles}
    before = usage.on_disk(shell.repository.door)
    shell.ok("prune", "--yes", "v2", "v3", "v5")
    assert usage.on_disk(shell.repository.door) < before
    assert {role: shell.raw("cat", role) for role in roles} == made
    assert {code for code, _, _ in made.values()} == {0}
    assert not fsck(shell.repository, read_data=True).findings


def test_the_record_of_a_dropped_version_stays(shell: Shell, rng: random.Random) -> None:
    _line(shell, rng, 4)
    asked = ("log --stat", "show v1", "diff v1 v4", "diff --tensors v1 v2", "ls v2", "log -p")
    before = [shell.ok(*each.split()).out for each in asked]
    shell.ok("prune", "--keep-last", "1", "--yes")
    after = [shell.ok(*each.split()).out for each in asked]
    assert after[0].count("  [1 file dropped]") == 3
    assert "[1 file dropped]  " in next(line for line in after[0].splitlines() if line.startswith("v1 "))
    restored = [each.replace("  expired", "  complete").replace("  [1 file dropped]", "") for each in after]
    assert restored == before
    assert [each["dropped"] for each in shell.ok("log", "--json").json["versions"]] == [0, 1, 1, 1]


def test_reading_dropped_bytes_names_who_dropped_them_and_the_nearest_version(shell: Shell, rng: random.Random) -> None:
    _line(shell, rng, 4)
    shell.ok("prune", "--keep-last", "2", "--yes")
    for command in ("cat v1:weights", "switch v1", "export v1 ../out", "restore --source v1 weights"):
        failed = shell("--json", *command.split())
        assert failed.code == 14, command
        assert json.loads(failed.err)["kind"] == "expired", command
    said = shell("cat", "v1:weights").err
    assert "Ana <ana@example.org> dropped its bytes on 2026-02-07 with `mvc prune --keep-last 2`" in said
    assert "v3" in said
    _damage_tree(shell, "v3")
    assert "that is complete here is v4" in shell("cat", "v1:weights").err


def _damage_tree(shell: Shell, name: str) -> None:
    repository = shell.repository
    tree = repository.objects.version(revisions.resolve(Model(repository, MODEL), name)).tree
    (found,) = (shell.folder / ".mvc/objects").rglob(tree)
    found.chmod(0o644)
    found.write_bytes(b"damaged")


def test_dropped_bytes_come_back_by_the_command_that_the_error_names(shell: Shell, rng: random.Random) -> None:
    made = _line(shell, rng, 4)
    shell.ok("remote", "add", "origin", f"../{shell.folder.name} it's shared")
    shell.ok("push")
    shell.ok("prune", "--keep-last", "2", "--yes")
    said = shell("export", "v1", "../out").err
    assert "`mvc export " in said
    assert "mvc switch" not in said
    said = shell("switch", "v1").err
    command = said[said.index("`mvc download") :].split("`")[1]
    shell.ok(*shlex.split(command.replace(" DIR", f" ../{shell.folder.name}-back"))[1:])
    assert (shell.folder.parent / f"{shell.folder.name}-back" / WEIGHTS).read_bytes() == made[0]


def test_what_refs_and_aliases_of_late_stand_for_is_kept(shell: Shell, rng: random.Random) -> None:
    made = _line(shell, rng, 6)
    shell.ok("tag", "first", "v1")
    shell.ok("alias", "set", "prod", "v2")
    shell.ok("alias", "set", "prod", "v3", "-m", "better")
    shell.ok("branch", "side", "v4")
    done = _prune(shell, Rules(last=0), dry_run=True)
    kept = {each.version.number: each.reason for each in done.versions if each.kept}
    assert kept == {
        1: "tag first", 2: "former alias prod, until 2026-05-10", 3: "alias prod", 4: "tip of side", 6: "checked out",
    }  # fmt: skip
    shell.tick(91 * 86_400)
    _prune(shell, Rules(last=0))
    assert [_bytes(shell.repository, f"v{number}") == made[number - 1] for number in (1, 3, 4, 6)] == [True] * 4
    with pytest.raises(errors.Expired):
        _read(shell, "v2")
    with pytest.raises(errors.AlwaysKept):
        _prune(shell, Rules(), "v4")


def test_the_best_versions_by_a_metric_are_kept_and_those_without_it(shell: Shell, rng: random.Random) -> None:
    tensors: Tensors = network(rng, layers=1)
    for number, accuracy in enumerate((0.5, 0.9, 0.7, 0.8, None, 0.1)):
        tensors = tuned(tensors, rng)
        shell.write(WEIGHTS, safetensors(tensors))
        if not number:
            shell.ok("add", WEIGHTS, "--as", "weights")
        if accuracy is not None:
            shell.set(metrics__acc=accuracy)
        else:
            shell.ok("unset", "metrics.acc")
        shell.commit("next")
    done = _prune(shell, Rules(best=(Best.parse("metrics.acc=2"),)), dry_run=True)
    assert {each.version.number: each.reason for each in done.versions if each.kept} == {
        2: "best 1 of 2 by metrics.acc",
        4: "best 2 of 2 by metrics.acc",
        5: "has no metrics.acc",
        6: "checked out",
    }


def test_versions_younger_than_a_time_are_kept(shell: Shell, rng: random.Random) -> None:
    _line(shell, rng, 5)
    model = Model(shell.repository, MODEL)
    third = shell.repository.objects.version(revisions.resolve(model, "v3")).time.seconds
    later = replace(shell.actor, at=Timestamp(third + 3 * DAY))
    done = prune(model, Rules(within=3 * DAY), later, dry_run=True)
    assert {each.version.number: each.reason for each in done.versions if each.kept} == {
        3: "younger than 3 days",
        4: "younger than 3 days",
        5: "checked out",
    }
    later = replace(shell.actor, at=Timestamp(third + 3 * DAY + 1))
    done = prune(model, Rules(within=3 * DAY), later, dry_run=True)
    assert sorted(each.version.number for each in done.dropped) == [1, 2, 3]


def test_roles_select_what_is_dropped(shell: Shell, rng: random.Random) -> None:
    for number in range(3):
        for role in ("onnx", "checkpoint-1", "checkpoint-2"):
            shell.write(role, rng.randbytes(50_000))
            if not number:
                shell.ok("add", role, "--as", role)
        shell.commit("next")
    shell.ok("prune", "--roles", "checkpoint*", "--yes")
    shell.ok("cat", "v1:onnx", "-o", "out")
    assert [shell("cat", f"v1:{role}", "-o", "out").code for role in ("checkpoint-1", "checkpoint-2")] == [14, 14]
    shell.ok("prune", "v2", "--yes")
    assert shell("cat", "v2:onnx", "-o", "out").code == 14
    shell.ok("cat", "v1:onnx", "-o", "out")
    assert not fsck(shell.repository, read_data=True).findings


def test_versions_on_no_remote_are_kept_unless_named(shell: Shell, rng: random.Random) -> None:
    _line(shell, rng, 3)
    shell.ok("remote", "add", "origin", "origin")
    failed = shell("prune", "--keep-last", "1", "--yes")
    assert (failed.code, "on no remote" in failed.err or "no remote has" in failed.err) == (13, True)
    shell.ok("push", "origin", "main")
    assert shell("prune", "--keep-last", "1").code == 13  # nobody can confirm it
    shell.ok("prune", "--keep-last", "1", "--yes")
    assert shell("prune", "--keep-last", "1", "--yes").code == 1
    shell.write(WEIGHTS, rng.randbytes(50_000))
    shell.commit("four")
    shell.write(WEIGHTS, rng.randbytes(50_000))
    shell.commit("five")
    done = _prune(shell, Rules(), "v4")
    assert [each.version.number for each in done.dropped] == [4]


def test_without_a_rule_nothing_is_dropped_and_settings_are_rules(shell: Shell, rng: random.Random) -> None:
    _line(shell, rng, 3)
    assert shell("prune", "--yes").code == 2
    shell.ok("config", "prune.keep-last", "2")
    shell.ok("config", "prune.keep-best", "metrics.acc=1")
    assert "No version of helmets has metrics.acc" in shell("prune", "-n").err
    shell.set(metrics__acc=0.5)
    shell.commit("v4")
    assert [each["reason"] for each in shell("--json", "prune", "-n").json["versions"]] == [
        "checked out",
        "of the last 2 of main",
        "has no metrics.acc",
        "has no metrics.acc",
    ]
    shell.ok("config", "--unset", "prune.keep-best")
    assert [each["kept"] for each in shell.ok("--json", "prune", "-n").json["versions"]] == [
        True,
        True,
        False,
        False,
    ]


def test_a_new_version_with_the_same_bytes_has_them_and_revives_nothing_else(shell: Shell, rng: random.Random) -> None:
    made = _line(shell, rng, 4)
    shell.ok("prune", "--keep-last", "1", "--yes")
    shell.write(WEIGHTS, made[1])
    shell.commit("as v2")
    assert _bytes(shell.repository, "v5") == _bytes(shell.repository, "v2") == made[1]
    shell.ok("gc", "--grace", "0")
    assert _bytes(shell.repository, "v2") == made[1]
    with pytest.raises(errors.Expired):
        _read(shell, "v3")
    assert not fsck(shell.repository, read_data=True).findings


def test_fsck_finds_chunks_that_only_dropped_files_use(shell: Shell, rng: random.Random) -> None:
    _line(shell, rng, 4)
    packs = shell.folder / ".mvc" / "packs"
    shutil.copytree(packs, shell.folder / "saved")
    shell.ok("prune", "--keep-last", "1", "--yes")
    assert not fsck(shell.repository).findings
    shutil.copytree(shell.folder / "saved", packs, dirs_exist_ok=True)
    for path in packs.rglob("*.pack"):
        os.utime(path, (1_000_000_000,) * 2)
    found = fsck(shell.repository)
    assert ({each.kind for each in found.findings}, found.pruning) == ({"expired"}, 0)
    (shell.folder / ".mvc" / "pruned").unlink()  # as if the prune had broken off before it removed them
    assert "An interrupted `mvc prune` left " in shell.ok("fsck").out
    shell.ok("gc")
    found = fsck(shell.repository, read_data=True)
    assert (found.findings, found.pruning) == ((), 0)


def _read(shell: Shell, revision: str) -> None:
    """Fetch the bytes of a version, as every reading verb does."""
    model = Model(shell.repository, MODEL)
    promises.ensure_version_present(shell.repository, revisions.resolve(model, revision))


@pytest.mark.parametrize("number", [1, 2])
def test_du_estimates_what_dropping_a_version_frees(shell: Shell, rng: random.Random, number: int) -> None:
    _line(shell, rng, 5)
    shell.write("own.bin", rng.randbytes(300_000))
    shell.ok("add", "own.bin", "--as", "own")
    shell.commit("six")
    shell.commit("seven", "--allow-empty")
    promised = {each.version.number: each.freed for each in du(Model(shell.repository, MODEL)).versions}
    done = _prune(shell, Rules(), f"v{number}")
    assert abs(promised[number] - done.freed) <= 0.06 * done.freed
    assert promised[6] == promised[7] == 0  # both have all that either has


def test_random_histories_keep_what_the_rules_keep_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random, deep: bool
) -> None:
    for number in range(20 if deep else 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        _history(begin(folder, monkeypatch), rng, monkeypatch)


def _history(shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grow branches, merge them, prune now and then; compare each kept version, and the store with a fresh one."""
    tensors: dict[str, Tensors] = {"main": network(rng, layers=3)}
    contents: dict[str, dict[str, bytes]] = {}
    branch = "main"
    dropped: set[str] = set()
    for step in range(rng.randint(7, 10)):
        if step > 1 and rng.random() < 0.3:
            branch = rng.choice([*tensors, f"b{step}"])
            base = rng.choice(list(tensors))
            if branch not in tensors:
                shell.ok("switch", base)
                shell.ok("switch", "-c", branch)
                tensors[branch] = tensors[base]
            else:
                shell.ok("switch", branch)
        if step and rng.random() < 0.8:
            tensors[branch] = tuned(tensors[branch], rng)
        shell.write(WEIGHTS, safetensors(tensors[branch]))
        shell.write("half.safetensors", safetensors(rounded(tensors[branch], "BF16")))
        if not step:
            shell.ok("add", WEIGHTS, "--as", "weights")
            shell.ok("add", "half.safetensors", "--as", "half")
        id_ = shell.commit(f"step {step}", "--allow-empty")
        contents[id_] = {
            "weights": safetensors(tensors[branch]),
            "half": (shell.folder / "half.safetensors").read_bytes(),
        }
        if rng.random() < 0.2:
            shell.ok("tag", f"t{step}")
        if step > 3 and rng.random() < 0.3:
            dropped |= _pruned(shell, rng)
    dropped |= _pruned(shell, rng)
    assert not fsck(shell.repository, read_data=True).findings
    used = {digest(data) for id_ in contents.keys() - dropped for data in contents[id_].values()}
    for id_, files in contents.items():
        for role, data in files.items():
            if id_ not in dropped:
                assert _content(shell.repository, id_, role) == data
            elif digest(data) not in used:
                with pytest.raises(errors.Missing):
                    _content(shell.repository, id_, role)
    _assert_no_larger_than_fresh(shell, [contents[id_] for id_ in contents if id_ not in dropped], monkeypatch)


def _pruned(shell: Shell, rng: random.Random) -> set[str]:
    rules = Rules(last=rng.randint(0, 3), keep_roles=())
    try:
        return {each.id for each in _prune(shell, rules).dropped}
    except errors.NothingToPrune:
        return set()


def _content(repository: Repository, id_: str, role: str) -> bytes:
    file = repository.objects.tree(repository.objects.version(VersionId(id_)).tree).by_role[role].file
    return b"".join(map(bytes, repository.extract.stream(file)))


def _assert_no_larger_than_fresh(
    shell: Shell, contents: list[dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (shell.folder / "fresh").mkdir()
    fresh = begin(shell.folder / "fresh", monkeypatch)
    for number, files in enumerate(contents):
        fresh.write(WEIGHTS, files["weights"])
        fresh.write("half.safetensors", files["half"])
        if not number:
            fresh.ok("add", WEIGHTS, "--as", "weights")
            fresh.ok("add", "half.safetensors", "--as", "half")
        fresh.commit(str(number), "--allow-empty")
    sizes = [
        sum(path.stat().st_size for path in (each.folder / ".mvc" / "packs").rglob("*.pack")) for each in (shell, fresh)
    ]
    assert sizes[0] <= 1.05 * sizes[1], sizes


def test_a_prune_is_listed_and_what_undo_keeps_stays(shell: Shell, rng: random.Random) -> None:
    made = _line(shell, rng, 3)
    shell.write(WEIGHTS, made[0])
    shell.ok("restore", WEIGHTS)  # an edit with the bytes of v1, which undo restores
    shell.ok("prune", "--keep-last", "1", "--yes")
    assert not fsck(shell.repository, read_data=True).findings
    assert "prune" in shell.ok("op", "log").out
    with pytest.raises(errors.Expired):
        _read(shell, "v2")
    shell.ok("undo", "--op", _operation(shell, "restore"))
    assert (shell.folder / WEIGHTS).read_bytes() == made[0]


def test_files_that_stay_name_the_kept_version_first_and_the_version_of_an_undo(
    shell: Shell, rng: random.Random
) -> None:
    made = [rng.randbytes(40_000) for _ in range(3)]
    shell.write(WEIGHTS, made[0])
    shell.ok("add", WEIGHTS, "--as", "weights")
    shell.commit("v1")
    for number in (1, 2):
        shell.write(WEIGHTS, made[number])
        shell.commit(f"v{number + 1}")
    shell.write(WEIGHTS, made[0])
    hidden = shell.commit("hidden")
    shell.ok("undo")
    shell.commit("back to v1")
    shell.write(WEIGHTS, made[1])
    shell.ok("restore", WEIGHTS)
    said = shell.ok("prune", "--keep-last", "1", "-n")
    first = next(line for line in said.lines if line.startswith("v1 "))
    assert f"(also used by v4 {shell.ok('rev-parse', 'HEAD').lines[0][:10]}, kept: checked out)" in first
    assert hidden[:10] not in said.out
    assert "1 file of v2 stays, since `mvc undo` restores it." in said.out


def _operation(shell: Shell, verb: str) -> str:
    """The number of the newest operation of a verb."""
    listed = shell.ok("--json", "op", "log").json["operations"]
    return str(next(each["number"] for each in listed if each["verb"] == verb))


def test_a_row_counts_only_what_goes_and_names_what_keeps_the_rest(shell: Shell, rng: random.Random) -> None:
    old, both = rng.randbytes(40_000), rng.randbytes(50_000)
    shell.write("a.bin", old)
    shell.write("b.bin", both)
    shell.ok("add", "a.bin", "b.bin")
    shell.commit("one")
    shell.write("a.bin", rng.randbytes(60_000))
    shell.commit("two")
    shell.write("a.bin", rng.randbytes(70_000))
    hidden = shell.commit("three")
    shell.ok("undo")
    shell.commit("three again")
    shell.write("a.bin", rng.randbytes(80_000))
    shell.commit("four")
    plan = shell.ok("--json", "prune", "--keep-last", "1", "-n").json
    rows = {each["number"]: each for each in plan["versions"]}
    assert [each["id"] for each in rows[3]["also_used_by"]] == [hidden]
    assert rows[3]["also_used_by"][0]["cause"] == "the reflog of main"
    assert rows[3]["bytes_freed"] == 0
    assert 40_000 <= rows[1]["bytes_freed"] < 41_000
    assert plan["files"] == 2
    assert f"; {hidden[:10]}, which the reflog of main keeps until 2026-" in shell.ok("prune", "v3", "-n").out
    freed = {each["number"]: each["bytes_freed"] for each in shell.ok("--json", "du").json["versions"]}
    assert freed[3] == 0
    shell.ok("prune", "v3", "--yes")
    assert shell("cat", "v3:a", "-o", "out").code == 0
    assert shell.ok("--json", "prune", hidden, "--yes").json["bytes_freed"] > 69_000
    assert shell("cat", "v3:a", "-o", "out").code == 14


def test_du_tells_dropped_files_from_those_that_were_not_fetched(shell: Shell, rng: random.Random) -> None:
    _line(shell, rng, 2)
    shell.ok("prune", "v1", "--yes")
    assert "(1 file dropped)" in shell.ok("du").out
    newest, oldest = shell.ok("--json", "du").json["versions"]
    assert (newest["absent"], newest["dropped"]) == (0, 0)
    assert (oldest["absent"], oldest["dropped"], oldest["bytes_freed"]) == (1, 1, 0)


def test_a_discarded_copy_of_a_file_outlives_the_versions_of_that_file(shell: Shell, rng: random.Random) -> None:
    data = rng.randbytes(40_000)
    shell.write("a.bin", data)
    shell.write("b.bin", rng.randbytes(40_000))
    shell.ok("add", "a.bin", "b.bin")
    shell.commit("one")
    shell.write("b.bin", data)
    shell.ok("restore", "b.bin")
    shell.write("a.bin", rng.randbytes(40_000))
    shell.commit("two")
    restore, commit = (str(each["number"]) for each in shell.ok("op", "log", "--json").json["operations"][1::-1])
    assert "1 file of v1 stays, since `mvc undo` restores it." in shell.ok("prune", "v1", "--yes").out
    shell.ok("gc", "--grace", "0")
    shell.ok("undo", "--op", commit)
    shell.ok("undo", "--op", restore)
    assert (shell.folder / "b.bin").read_bytes() == data


def test_a_damaged_record_of_dropped_versions_is_found(shell: Shell, rng: random.Random) -> None:
    _line(shell, rng, 2)
    shell.ok("prune", "v1", "--yes")
    record = shell.folder / ".mvc" / "expired" / "0000000001"
    record.chmod(0o644)
    record.write_bytes(record.read_bytes()[:-9])
    found = json.loads(shell("--json", "fsck").out)["findings"]
    assert {"log", "missing"} <= {each["kind"] for each in found}


def test_the_only_copy_of_a_dropped_file_is_kept_when_it_is_overwritten(shell: Shell, rng: random.Random) -> None:
    """A redo may make a dropped version current again, whose bytes only the working tree has."""
    made = _line(shell, rng, 2)
    dropped = shell.ok("--json", "log", "-1").json["versions"][0]["id"]
    shell.ok("undo")
    shell.ok("prune", dropped, "--yes")
    shell.ok("redo")
    assert shell("switch", "--detach", "v1").code == 16
    shell.ok("reset", "--hard", "v1")
    shell.ok("gc", "--grace", "0")
    assert (shell.folder / WEIGHTS).read_bytes() == made[0]
    shell.ok("undo")
    assert (shell.folder / WEIGHTS).read_bytes() == made[1]
    assert not fsck(shell.repository, read_data=True).findings
