"""A folder that one process at a time holds, and that it may remove while others wait for it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.storage.disk import lock
from mvc.storage.disk.outside import held_folder, remove_folder


def test_a_folder_that_was_removed_meanwhile_is_made_again(tmp_path: Path, monkeypatch: Any) -> None:
    path, waiting, seen = tmp_path / "state", threading.Event(), list[bool]()
    take = lock.take

    def announced(fd: int, place: Path, timeout: float) -> None:
        if threading.current_thread() is not threading.main_thread():
            waiting.set()
        take(fd, place, timeout)

    def second() -> None:
        with held_folder(path, 30):
            seen.append((path / "lock").exists())

    monkeypatch.setattr(lock, "take", announced)
    thread = threading.Thread(target=second)
    with held_folder(path, 30):
        thread.start()
        assert waiting.wait(30)
        remove_folder(path)
    thread.join(30)
    assert seen == [True]


def test_who_waits_too_long_is_refused(tmp_path: Path) -> None:
    with (
        held_folder(tmp_path / "state", 1),
        pytest.raises(errors.LockTimeout),
        held_folder(tmp_path / "state", 0),
    ):
        pass


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "away")
    with pytest.raises(errors.IrregularFile), held_folder(tmp_path / "state", 1):
        pass
    assert not list((tmp_path / "away").iterdir())


def test_others_are_present_while_they_are(tmp_path: Path) -> None:
    with lock.Presence([tmp_path]) as one:
        assert not one.others()
        with lock.Presence([tmp_path]):
            assert one.others()
        assert not one.others()


def test_a_lock_that_is_left_has_no_owner(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_bytes(b"process 1")
    with path.open("r+b") as file:
        lock.leave(file.fileno())
    assert path.read_bytes() == b""
