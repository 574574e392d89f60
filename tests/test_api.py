"""The Python API: every public name is there, typed, and does what the verb of that name does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mvc


def test_every_public_name_is_there_and_documented() -> None:
    assert sorted(mvc.__all__) == sorted(mvc._HOMES)
    for name in mvc.__all__:
        found = getattr(mvc, name)
        assert found.__doc__, name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = mvc.nonsense


def test_importing_it_loads_next_to_nothing() -> None:
    code = "import sys, mvc; print(sorted(m for m in sys.modules if m.startswith(('mvc', 'click', 'blake3', 'json'))))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "['mvc', 'mvc.lazy']"


def test_a_version_goes_in_and_comes_back(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    weights = bytes(range(256)) * 1000
    (tmp_path / "best.onnx").write_bytes(weights)
    mvc.init(tmp_path, model="helmets", model_type="OBJECT_DETECTION")
    repository = mvc.open(tmp_path)
    actor = mvc.Actor(mvc.Person("Ana", "ana@example.org"), mvc.Timestamp.parse("2026-02-03T10:00:00+01:00"))
    mvc.add(repository, "helmets", [tmp_path / "best.onnx"], role="model-latest")
    mvc.set_values(repository, "helmets", ["labelmap.0=helmet", "parameters.epochs=3"])
    made = mvc.commit(repository, "helmets", "First", actor)
    assert made.id is not None
    assert mvc.status(repository, "helmets").clean
    (tmp_path / "best.onnx").write_bytes(weights[::-1])
    assert [change.kind for change in mvc.diff(repository, "helmets", made.id).difference.files] == ["M"]
    mvc.restore(repository, "helmets", ["model-latest"])
    assert (tmp_path / "best.onnx").read_bytes() == weights
    assert b"".join(map(bytes, mvc.cat(repository, "helmets", "v1:model-latest").pieces)) == weights
    assert [entry.id for entry in mvc.log(repository, "helmets")] == [made.id]
    assert not mvc.fsck(repository, read_data=True).findings
    assert capfd.readouterr() == ("", "")


def test_errors_say_what_and_what_next(tmp_path: Path) -> None:
    with pytest.raises(mvc.errors.NoRepository) as caught:
        mvc.open(tmp_path)
    assert caught.value.exit_code == 10
    assert "mvc init" in caught.value.hint
