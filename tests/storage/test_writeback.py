"""Write-back: its errors are raised, nothing is closed before it ends, and the bytes are the same."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from mvc import errors
from mvc.storage.disk import writeback
from mvc.storage.disk.door import StoreDoor


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoreDoor:
    monkeypatch.setattr(writeback, "STRETCH", 100)
    (tmp_path / ".mvc").mkdir()
    return StoreDoor(tmp_path / ".mvc")


def test_what_goes_wrong_behind_is_told_at_the_latest_by_close(
    door: StoreDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(writeback, "_send", full)
    temporary = door.temporary()
    temporary.write(bytes(100))
    with pytest.raises(errors.DiskFailed, match="Input/output error"):
        temporary.close()
    temporary.discard()
    assert door.names("tmp") == []


def test_a_file_is_not_closed_while_it_is_being_sent(door: StoreDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    sent: list[tuple[int, list[int]]] = []
    began, ended, close = threading.Event(), threading.Event(), os.close

    def slow(fd: int) -> None:
        began.set()
        ended.wait(timeout=10)
        sent.append((fd, list(closed)))

    def noted(fd: int) -> None:
        closed.append(fd)
        close(fd)

    monkeypatch.setattr(writeback, "_send", slow)
    monkeypatch.setattr(os, "close", noted)
    temporary = door.temporary()
    temporary.write(bytes(100))
    assert began.wait(timeout=10)
    waiting = threading.Thread(target=temporary.discard)
    waiting.start()
    ended.set()
    waiting.join()
    ((fd, before),) = sent
    assert fd not in before
    assert fd in closed


def test_it_is_sent_stretch_by_stretch(door: StoreDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(writeback, "_send", lambda fd: sizes.append(os.fstat(fd).st_size))
    temporary = door.temporary()
    temporary.write(bytes(99))
    assert sizes == []
    for _ in range(50):
        temporary.write(bytes(60), bytes(40))
    temporary.close()
    assert sizes
    assert all(size >= 100 for size in sizes)
    assert temporary.path.read_bytes() == bytes(99 + 50 * 100)


def test_parts_arrive_whole_and_in_order_though_the_system_takes_few_bytes_at_once(
    door: StoreDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "writev", lambda fd, parts: os.write(fd, b"".join(parts)[:7]))
    temporary = door.temporary()
    temporary.write(b"", b"to be", b"", b" or not to be, that", b" is", b"")
    temporary.close()
    assert temporary.path.read_bytes() == b"to be or not to be, that is"
