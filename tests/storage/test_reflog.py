"""Refs as numbered logs."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import VersionId, digest
from mvc.model.version import Timestamp
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import reflog, sealed
from mvc.storage.records.reflog import HEADS, TAGS, Move, RefEntry, RefLogs, RefName, Seen

A, B, C = (VersionId(letter * 64) for letter in "abc")
MAIN = RefName("Night/Shift", HEADS, "release/Main")


def move(number: int) -> Move:
    return Move("Ana <a@b>", Timestamp(1_770_000_000 + number, 60), f"move {number}", f"{number:032x}")


@pytest.fixture
def logs(tmp_path: Path) -> RefLogs:
    return RefLogs(StoreDoor(tmp_path))


def test_the_tip_is_the_newest_entry_and_each_names_the_one_before(logs: RefLogs) -> None:
    first = logs.append(MAIN, None, A, move(1))
    second = logs.append(MAIN, first, B, move(2))
    assert logs.tip(MAIN) == second
    assert [entry.new for entry in logs.entries(MAIN)] == [A, B]
    assert second.old == A
    assert second.prev is not None


def test_of_two_who_move_from_the_same_tip_the_second_is_told_who_won(logs: RefLogs) -> None:
    first = logs.append(MAIN, None, A, move(1))
    logs.append(MAIN, first, B, move(2))
    with pytest.raises(errors.RefMoved, match=r"Ana.*move 2"):
        logs.append(MAIN, first, C, move(3))
    assert logs.target(MAIN) == B


def test_creating_the_same_entry_again_is_fine(logs: RefLogs) -> None:
    entry = RefEntry.after(MAIN, None, A, move(1))
    logs.create(MAIN, entry)
    logs.create(MAIN, entry)
    assert logs.numbers(MAIN) == [1]


def test_a_removed_name_is_gone_but_its_log_stays(logs: RefLogs) -> None:
    tip = logs.append(MAIN, None, A, move(1))
    logs.append(MAIN, tip, None, move(2))
    assert logs.names("Night/Shift", HEADS) == []
    assert logs.all("Night/Shift", HEADS) == [MAIN]


def test_an_entry_under_another_name_or_number_is_damage(logs: RefLogs, tmp_path: Path) -> None:
    logs.append(MAIN, None, A, move(1))
    tag = RefName("Night/Shift", TAGS, "x")
    for path in (tag.path(1), MAIN.path(2)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((tmp_path / MAIN.path(1)).read_bytes())
    for ref in (tag, MAIN):
        with pytest.raises(errors.Damaged):
            logs.tip(ref)


def test_names_that_differ_in_case_or_slashes_never_share_a_path() -> None:
    names = ["main", "Main", "a/b", "a", "a%2fb", "%61"]
    paths = {RefName("m", HEADS, name).folder.casefold() for name in names}
    assert len(paths) == len(names)
    assert all(path.count("/") == 3 for path in paths)


def test_what_was_seen_of_a_remote_keeps_the_remote_s_entry(logs: RefLogs) -> None:
    seen = MAIN.tracking_ref("origin")
    entry = logs.append(seen, None, A, move(1), Seen(42, B))
    assert logs.tip(seen) == entry
    assert entry.seen == (42, B)


@pytest.mark.parametrize("seen", [Seen(0, B), Seen(1, VersionId("x"))])
def test_an_entry_that_saw_what_no_remote_has_is_damage(logs: RefLogs, seen: Seen) -> None:
    logs.append(MAIN.tracking_ref("origin"), None, A, move(1), seen)
    with pytest.raises(errors.Damaged):
        logs.tip(MAIN.tracking_ref("origin"))


def test_only_names_of_remotes_have_seen_anything(logs: RefLogs) -> None:
    logs.append(MAIN, None, A, move(1), Seen(1, B))
    with pytest.raises(errors.Damaged):
        logs.tip(MAIN)


def test_the_moves_are_those_of_the_entries(logs: RefLogs) -> None:
    tip = None
    for number, version in enumerate([A, B, None, C], 1):
        tip = logs.append(MAIN, tip, version, move(number))
    expected = [(entry.seq, entry.old, entry.new, entry.move.at.seconds) for entry in logs.entries(MAIN)]
    assert logs.moves(MAIN) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"seq":2', b'"seq":3'),
        (b'"new":"bb', b'"new":"BB'),
        (b'"seconds":17', b'"seconds":18'),
        (b'"v":1', b'"v":9'),
        (b"move 2", b"move 3"),
        (b"heads/", b"Heads/"),
    ],
)
@pytest.mark.parametrize("sealed_again", [True, False])
def test_moves_of_a_damaged_entry_are_refused(
    logs: RefLogs, tmp_path: Path, old: bytes, new: bytes, *, sealed_again: bool
) -> None:
    logs.append(MAIN, logs.append(MAIN, None, A, move(1)), B, move(2))
    path = tmp_path / MAIN.path(2)
    data = path.read_bytes()
    assert old in data
    wrong = data.replace(old, new)
    path.write_bytes(sealed.seal(canonical.decode(wrong)) if sealed_again else wrong)
    if sealed_again and old in (b'"seconds":17', b"move 2"):  # another entry, but a sound one
        assert len(logs.moves(MAIN)) == 2
        return
    with pytest.raises(errors.Damaged):
        logs.moves(MAIN)


def test_moves_of_a_lost_entry_are_refused(logs: RefLogs, tmp_path: Path) -> None:
    logs.append(MAIN, None, A, move(1))
    names = logs.numbers(MAIN)
    (tmp_path / MAIN.path(1)).unlink()
    logs.numbers = lambda ref: names  # type: ignore[method-assign]
    with pytest.raises(errors.Missing):
        logs.moves(MAIN)


@pytest.mark.parametrize("reason", ["commit: More", 'a "quote"', "é\n", ""])
@pytest.mark.parametrize("seen", [None, Seen(3, "c" * 64)])
def test_entries_of_a_long_log_are_decoded_like_those_of_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, seen: Seen | None
) -> None:
    ref = MAIN if seen is None else MAIN.tracking_ref("origin")
    logs = RefLogs(StoreDoor(tmp_path))
    tip = None
    for number, version in enumerate([A, None, B], 1):
        tip = logs.append(ref, tip, version, dataclasses.replace(move(number), reason=reason), seen)
    monkeypatch.setattr(reflog, "_FEW", 0)
    assert RefLogs(StoreDoor(tmp_path)).entries(ref) == logs.entries(ref)
    assert logs.entries(ref)[-1] == tip


def _long_log(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[RefLogs, Path, bytes]:
    """Return a log that is read as one of many entries, the path of its newest entry, and the bytes of that."""
    logs = RefLogs(StoreDoor(folder))
    logs.append(MAIN, logs.append(MAIN, None, A, move(1)), B, move(2))
    monkeypatch.setattr(reflog, "_FEW", 0)
    path = folder / MAIN.path(2)
    return logs, path, path.read_bytes()


def test_any_changed_byte_of_a_long_log_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deep: bool) -> None:
    logs, path, data = _long_log(tmp_path, monkeypatch)
    for at in range(0, len(data), 1 if deep else 5):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        for read in (logs.entries, logs.moves):
            with pytest.raises(errors.Damaged):
                read(MAIN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"offset":60', b'"offset":841'),
        (b'"seconds":17', b'"seconds":9917'),
        (b"heads/", b"published/"),
        (b'"seq":2', b'"seq":0'),
        (b'"new":"b', b'"new":"B'),
        (b'"nonce":"0', b'"nonce":"x'),
    ],
)
def test_an_invalid_entry_of_a_long_log_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes, new: bytes
) -> None:
    logs, path, data = _long_log(tmp_path, monkeypatch)
    assert data.count(old) == 1
    path.write_bytes(sealed.seal(canonical.decode(data.replace(old, new))))
    with pytest.raises(errors.Damaged):
        logs.entries(MAIN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"seq":2', b'"seq":02'),
        (b'"offset":60', b'"offset":060'),
        (b'"reason":"', b'"reason":"\x00'),
        (b'"reason":"', b'"reason":"\\u0061'),
        (b'"by":"', b'"by":"\x1f'),
    ],
)
def test_an_entry_of_a_long_log_in_another_spelling_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes, new: bytes
) -> None:
    logs, path, data = _long_log(tmp_path, monkeypatch)
    assert data.count(old) == 1
    before, checksum, after = re.split(b',"sum":"([0-9a-f]{64})"', data.replace(old, new))
    path.write_bytes(before + b',"sum":"%s"' % digest(before + after).encode() + after)
    assert checksum not in path.read_bytes()
    with pytest.raises(errors.Damaged):
        logs.entries(MAIN)


def test_a_log_may_have_hundreds_of_entries(logs: RefLogs, tmp_path: Path) -> None:
    tip = None
    for number in range(260):
        tip = logs.append(MAIN, tip, (A, B)[number % 2], move(number))
    fresh = RefLogs(StoreDoor(tmp_path))
    assert fresh.tip(MAIN) == tip
    assert len(fresh.entries(MAIN)) == 260
