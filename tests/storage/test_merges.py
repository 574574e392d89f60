"""The record of a merge in progress: read back as it was written, damage found, and what it names kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId, digest
from mvc.repository import reachable
from mvc.repository.repository import Repository
from mvc.storage import fsck
from mvc.storage.fsck import Sound
from mvc.storage.records import merges
from mvc.storage.records.merges import MergeState
from tests.crash.harness import mvc
from tests.crash.scenarios import merging, side

BASE, OURS, THEIRS = (VersionId(digest(text)) for text in (b"base", b"ours", b"theirs"))
STATE = MergeState("Night/Shift", BASE, OURS, THEIRS, "Merge", {"labelmap.3": "theirs"})


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    side(tmp_path)
    return Repository(tmp_path)


def test_a_record_comes_back(repository: Repository) -> None:
    merges.record(repository.door, STATE)
    assert merges.models(repository.door) == ["Night/Shift"]
    assert merges.recorded(repository.door, "Night/Shift") == STATE
    merges.end(repository.door, "Night/Shift")
    merges.end(repository.door, "Night/Shift")
    assert merges.recorded(repository.door, "Night/Shift") is None


def test_every_flipped_bit_is_found(repository: Repository) -> None:
    merges.record(repository.door, STATE)
    path = repository.door.path(merges.path(STATE.model))
    data = path.read_bytes()
    for at in range(0, len(data), 7):
        path.chmod(0o644)
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(errors.Damaged):
            merges.recorded(repository.door, STATE.model)
        assert "merge" in {finding.kind for finding in fsck.check(repository.door, Sound())}


@pytest.mark.parametrize("change", [{"v": 2}, {"ours": "x"}, {"takes": {"a": "mine"}}, {"more": 1}, {"message": None}])
def test_a_record_of_another_shape_is_damage(change: dict[str, object]) -> None:
    with pytest.raises(errors.Damaged):
        MergeState.from_json({**STATE.to_json(), **change})


def test_what_is_being_merged_is_kept_when_its_branch_is_gone(tmp_path: Path) -> None:
    merging(tmp_path)
    repository = Repository(tmp_path)
    state = merges.recorded(repository.door, "helmets")
    assert state is not None
    mvc(tmp_path, "branch", "-D", "side")
    mvc(tmp_path, "tag", "-d", "kept")
    mvc(tmp_path, "alias", "rm", "prod")
    assert state.theirs in reachable.reachable(Repository(tmp_path), since=1 << 40)
    mvc(tmp_path, "models", "rename", "helmets", "hats")
    mvc(tmp_path, "merge", "--continue")
    assert state.theirs in reachable.reachable(Repository(tmp_path), since=1 << 40)
