"""Weight files that are empty, truncated or not what their name says are found; those that load are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc.formats.fault import fault
from mvc.formats.source import Source
from tests.formats.archives import archive

DATA = Path(__file__).parent / "data"
WEIGHTS = sorted(path.name for path in DATA.iterdir() if path.is_file() and path.suffix not in {".py", ".json"})


def found(data: bytes, name: str) -> str:
    return fault(Source(lambda offset, size: data[offset : offset + size], len(data), name))


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_real_file_is_sound_and_its_first_half_is_not(name: str) -> None:
    data = (DATA / name).read_bytes()
    assert found(data, name) == ""
    assert "it is truncated or " in found(data[: len(data) // 2], name)


@pytest.mark.parametrize("name", ["state.pt", "arrays.npz", "network.keras"])
def test_an_archive_with_bytes_behind_its_end_is_sound_as_torch_loads_it(name: str) -> None:
    assert found((DATA / name).read_bytes() + b"padding" * 100, name) == ""


def test_the_files_of_a_distributed_checkpoint_are_sound() -> None:
    data = (DATA / "state.pt").read_bytes()
    assert found(data + data, "epoch-3/__0_0.distcp") == ""
    assert found(b"", "epoch-3/__1_0.distcp") == ""


@pytest.mark.parametrize("suffix", ["pt", "pth", "ckpt", "bin", "onnx", "safetensors", "gguf", "h5", "npz", "engine"])
def test_a_pointer_or_web_page_is_a_fault(suffix: str) -> None:
    name = f"best.{suffix}"
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    assert found(b"", name) == "it is empty"
    for data in (bytes(1000), bytes(3), pointer):
        assert found(data, name), data[:10]
    assert "Git LFS" in found(pointer, name)
    for page in (
        b"<!DOCTYPE html><html>404</html>",
        b"\xef\xbb\xbf\n<HTML><body>",
        b"<?xml version='1.0'?><Error>Expired</Error>",
    ):
        assert "web page" in found(page, name), page
    assert found(b"", f"notes.{suffix}.txt") == ""


def test_a_name_that_promises_a_format_is_held_to_it() -> None:
    for name in ("a.safetensors", "a.gguf", "a.npz", "a.h5", "a.keras"):
        assert found(b"503 Service Unavailable", name).startswith("it is truncated or not in "), name
    assert found(archive({"a": b"x"}), "data.zip") == ""
    assert found(b"anything at all that is long enough", "old.pt") == ""


@pytest.mark.parametrize("name", ["0_0.distcp", "params.msgpack", "mean.npy", "model.zip"])
def test_pointers_and_web_pages_are_found_where_nothing_else_is(name: str) -> None:
    assert "Git LFS" in found(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n", name)
    assert "web page" in found(b"<html>Not found</html>", name)
    assert found(b"", name) == found(bytes(100), name) == ""
    assert found(b"<html></html>", "page.html") == ""


@pytest.mark.parametrize("size", [512, 1024, 4096])
def test_hdf5_after_a_block_of_the_users_own_is_sound(size: int) -> None:
    data = (DATA / "weights.h5").read_bytes()
    assert found(bytes(size) + data, "network.h5") == ""
    assert found(b"notes".ljust(size) + data, "network.hdf5") == ""
    assert found(bytes(size + 8) + data, "network.h5") == "it begins with zeros"
