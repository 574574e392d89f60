"""The model.toml of a version that somebody else made may be anything."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.toml import parse
from mvc.repository.model import Model
from mvc.repository.worktree import model_file
from tests.cli.shell import MODEL, begin


def test_one_that_is_too_large_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = begin(tmp_path, monkeypatch)
    shell.write("a.bin", b"a")
    shell.ok("add", "a.bin")
    shell.commit("one")
    model = Model(shell.repository, MODEL)
    repository, current = model.repository, model.current
    assert current is not None
    with repository.writing(), tempfile.TemporaryFile() as file:
        file.truncate(parse.MAX_BYTES + 1)
        ingest = repository.ingest()
        stored = ingest.add(file.fileno(), role="w")
        ingest.close()
        repository.door.barrier()
    version = replace(repository.objects.version(current), model_toml=stored.file)
    with pytest.raises(errors.Damaged, match=f"it is larger than {parse.MAX_BYTES // 2**20} MiB"):
        model_file.of_version(repository, version, MODEL)
