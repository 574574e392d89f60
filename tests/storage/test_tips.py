"""The cache of tips: a tip that was read is not read again, and the listing of the logs decides."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId, digest
from mvc.model.version import Timestamp
from mvc.storage.caches import tips
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.reflog import HEADS, TAGS, Move, RefEntry, RefLogs, RefName

A, B = (VersionId(letter * 64) for letter in "ab")
MANY = tips.LEAST + 8


class Repository:
    """The logs of a store, as a new process reads them."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.cache = root / tips.NAME
        self.read: list[str] = []
        entry = RefLogs.entry

        def counted(logs: RefLogs, ref: RefName, seq: int) -> RefEntry:
            self.read.append(f"{ref.name} {seq}")
            return entry(logs, ref, seq)

        patch.setattr(RefLogs, "entry", counted)

    def move(self, name: str, new: VersionId | None, kind: str = TAGS, reason: str = "moved") -> None:
        logs, ref = RefLogs(StoreDoor(self.root)), RefName("Helmet", kind, name)
        tip = logs.tip(ref)
        logs.append(ref, tip, new, Move("Ana <a@b>", Timestamp(1), reason, f"{(tip.seq if tip else 0):032x}"))

    def targets(self, kind: str = TAGS) -> dict[str, VersionId | None]:
        """Return the targets by the cache, which are those of the logs; `read` has the entries read for it."""
        logs = RefLogs(StoreDoor(self.root))
        self.read.clear()
        found = logs.targets("Helmet", kind)
        read = list(self.read)
        assert found == {ref: logs.target(ref) for ref in logs.all("Helmet", kind)}
        self.read[:] = read
        return {ref.name: target for ref, target in found.items()}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path, monkeypatch)
    for number in range(MANY):
        made.move(f"Run/{number}x", A)
    return made


def test_a_tip_is_read_once(store: Repository) -> None:
    assert len(store.targets()) == MANY
    assert len(store.read) == MANY
    store.targets()
    assert store.read == []


def test_only_the_tips_that_moved_are_read_again(store: Repository) -> None:
    store.targets()
    store.move("Run/3x", B)
    store.move("Run/4x", None)
    store.move("new", B)
    found = store.targets()
    assert sorted(store.read) == ["Run/3x 2", "Run/4x 2", "new 1"]
    assert (found["Run/3x"], found["Run/4x"], found["new"]) == (B, None, B)


def test_the_message_of_a_tag_is_read_once_unless_it_is_long(store: Repository) -> None:
    long = "x" * (tips.MAX_REASON + 1)
    store.move("Run/3x", B, reason="approved")
    store.move("Run/4x", B, reason=long)
    for number in range(MANY):
        store.move(f"Run/{number}x", B, HEADS)
    store.targets()
    store.targets(HEADS)
    store.read.clear()
    logs = RefLogs(StoreDoor(store.root))
    found = {ref.name: tip.reason for ref, tip in logs.tips("Helmet", TAGS).items()}
    assert (found["Run/2x"], found["Run/3x"], found["Run/4x"]) == ("moved", "approved", None)
    assert {tip.reason for tip in logs.tips("Helmet", HEADS).values()} == {None}
    assert store.read == []


def test_few_refs_are_not_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Repository(tmp_path, monkeypatch)
    for number in range(tips.LEAST - 1):
        store.move(f"run-{number}x", A)
    store.targets()
    assert not store.cache.exists()


def test_kinds_have_rows_of_their_own(store: Repository) -> None:
    for number in range(MANY):
        store.move(f"Run/{number}x", B, HEADS)
    assert set(store.targets().values()) == {A}
    assert set(store.targets(HEADS).values()) == {B}
    store.targets()
    assert store.read == []


def test_a_log_that_was_made_anew_is_read(store: Repository) -> None:
    """As after `mvc remote remove` and `add`: the number is the same, and the file another one."""
    store.targets()
    shutil.rmtree(store.root / RefName("Helmet", TAGS, "Run/3x").folder)
    store.move("Run/3x", B)
    assert store.targets()["Run/3x"] == B
    assert store.read == ["Run/3x 1"]


def test_an_entry_that_was_damaged_since_is_damage(store: Repository) -> None:
    store.targets()
    path = store.root / RefName("Helmet", TAGS, "Run/3x").path(1)
    path.write_bytes(path.read_bytes().replace(b"moved", b"moveD"))
    with pytest.raises(errors.Damaged, match="Run/3x"):
        RefLogs(StoreDoor(store.root)).targets("Helmet", TAGS)


def _sealed(content: object) -> bytes:
    body = json.dumps(content).encode()
    return f"2 {digest(body)}\n".encode() + body


FOLDER = "refs/%48elmet/tags"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1 " + b"0" * 64 + b"\n{}",
        _sealed([]),
        _sealed({FOLDER: []}),
        _sealed({FOLDER: {"%52un%2f3x": "x"}}),
        _sealed({FOLDER: {"%52un%2f3x": ["0000000001", 1, 1, 1, 1, "", 7]}}),
        _sealed({FOLDER: {"%52un%2f3x": ["0000000001", 1, 1, 1, 1, "", "../x"]}}),
        _sealed({FOLDER: {"%52un%2f3x": [["x"], {}, None, 1.5, "a", "", B]}}),
        _sealed({FOLDER: {"%52un%2f3x": []}}),
        _sealed({FOLDER: {"%52un%2f3x": ["0000000001", 1, 1, 1, 1, 7, B]}}),
        _sealed({FOLDER: {"%52un%2f3x": ["0000000009", 1, 1, 1, 1, "", B]}}),
        b"2 " + b"0" * 64 + b"\n{}",
        _sealed({})[:-1] + b"[" * 100_000,
    ],
)
def test_a_wrong_cache_changes_nothing(store: Repository, content: bytes) -> None:
    store.cache.parent.mkdir(exist_ok=True)
    store.cache.write_bytes(content)
    assert set(store.targets().values()) == {A}


def test_a_link_in_place_of_a_log_is_refused(store: Repository) -> None:
    store.targets()
    folder = store.root / RefName("Helmet", TAGS, "Run/3x").folder
    folder.rename(store.root / "elsewhere")
    folder.symlink_to(store.root / "elsewhere")
    with pytest.raises(errors.IrregularFile):
        RefLogs(StoreDoor(store.root)).targets("Helmet", TAGS)


def test_what_is_no_log_has_no_target(store: Repository) -> None:
    top = store.root / FOLDER
    (top / "stray").write_bytes(b"")
    (top / "empty").mkdir()
    (top / "%52un%2f3x" / "x.tmp").write_bytes(b"")
    found = store.targets()
    assert (found["stray"], found["empty"], found["Run/3x"]) == (None, None, A)


def test_whatever_moves_the_cache_agrees_with_the_logs(store: Repository, rng: random.Random, deep: bool) -> None:
    for _ in range(200 if deep else 8):
        for _ in range(rng.randrange(4)):
            name = rng.choice([f"Run/{rng.randrange(MANY)}x", f"other-{rng.randrange(9)}x"])
            store.move(name, rng.choice([A, B, None]))
        if rng.random() < 0.2:
            os.truncate(
                store.cache, rng.randrange(max(1, store.cache.stat().st_size))
            ) if store.cache.exists() else None
        store.targets()  # compares
