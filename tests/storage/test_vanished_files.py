"""A listing leaves out what is removed meanwhile, and has what follows."""

from __future__ import annotations

import os
from pathlib import Path

from mvc.storage.disk import confined


def test_files_that_vanish_while_they_are_listed(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / str(number)).write_bytes(bytes(number))
    first, *gone, last = os.listdir(tmp_path)  # the order in which the system lists them
    listing = confined.files(tmp_path, "top")
    found = [next(listing)]
    for name in gone:
        (tmp_path / name).unlink()
    found += listing
    assert [(name, stat.size) for name, stat in found] == [(f"top/{each}", int(each)) for each in (first, last)]
