"""Archives of weights: the tensors of each member by its own format, and directories that are malformed refused."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

import pytest

from mvc.formats.archives import tar
from mvc.formats.archives import zip as zip_archive
from mvc.formats.sniff import read_header
from mvc.formats.source import Source
from tests.formats.archives import ENTRY, archive
from tests.formats.headers import DATA, header_of, refusal, segments, source

STATE = (DATA / "state.pt").read_bytes()
LONG = "long" * 30
FORMS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def tarball(members: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive of these members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as file:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


def named(data: bytes, name: str = "") -> dict[str, bytes]:
    """The bytes of each tensor by its name."""
    return {segment.name: data[segment.offset : segment.end] for segment in header_of(data, name).segments}


@pytest.mark.parametrize("file", ["bundle.nemo", "bundle.mar"])
def test_tensors_are_those_of_the_members(file: str) -> None:
    data = (DATA / file).read_bytes()
    tensors = named(data, file)
    for member, path in (("state.pt", "model_weights.ckpt"), ("everything.onnx", f"{LONG}/export.onnx")):
        alone = named((DATA / member).read_bytes(), member)
        assert {f"{path}/{name}": value for name, value in alone.items() if name}.items() <= tensors.items()
    kinds = segments(file)
    assert kinds["model_weights.ckpt/embedding.weight"].shape == segments("state.pt")["embedding.weight"].shape


def test_an_archive_in_an_archive_is_read_and_a_third_is_opaque() -> None:
    tensors = named((DATA / "bundle.nemo").read_bytes())
    assert {f"inner.zip/quantized.gguf/{name}" for name in segments("quantized.gguf")} <= tensors.keys()
    deep = archive({"b.tar": tarball({"c.zip": archive({"state.pt": STATE}), "state.pt": STATE})})
    assert {name.rpartition("/")[0] for name in named(deep)} == {"b.tar/state.pt"}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_tar_gives_the_same_tensors(form: int) -> None:
    folder = "a" * 60
    path = f"{folder}/{folder}/state.pt"
    assert named(tarball({path: STATE}, form)) == named(tarball({path: STATE}))
    assert next(iter(named(tarball({path: STATE}, form)))).startswith(path)


def test_sizes_in_binary_and_in_pax_headers_are_read() -> None:
    plain = tarball({"state.pt": STATE}, tarfile.USTAR_FORMAT)
    block = bytearray(plain[:512])
    block[124:136] = b"\x80" + len(STATE).to_bytes(11, "big")
    assert named(_summed(block) + plain[512:]) == named(plain)
    info = tarfile.TarInfo("state.pt")
    info.size, info.pax_headers = len(STATE), {"size": str(len(STATE))}
    header = bytearray(info.tobuf(tarfile.PAX_FORMAT))
    header[-512 + 124 : -512 + 136] = b"0" * 11 + b"\0"
    last = _summed(bytearray(header[-512:]))
    assert named(bytes(header[:-512]) + last + plain[512:]) == named(plain)


def test_external_tensors_are_those_of_the_member_beside() -> None:
    onnx = (DATA / "external.onnx").read_bytes()
    others = header_of(onnx, "external.onnx").external
    weights = bytes(range(256)) * 40
    data = tarball({"export/model.onnx": onnx} | {f"export/{location}": weights for location in others})
    expected = {
        f"export/{location}/{segment.name}": weights[segment.offset : segment.end]
        for location, tensors in others.items()
        for segment in tensors
    }
    assert expected
    assert expected.items() <= named(data).items()


def test_other_archives_have_no_tensors() -> None:
    assert header_of(archive({"a.txt": b"x" * 50}), "dataset.zip").segments == ()
    assert header_of(tarball({"a.jpg": b"x" * 50}), "dataset.tar").segments == ()
    assert read_header(source(archive({"a.txt": STATE}), "shard.distcp")) is None


def test_a_malformed_member_is_named() -> None:
    broken = archive({"weights/a.onnx": b"\x08\x07" + b"\xff" * 40})
    assert refusal(zip_archive.read, broken).startswith("weights/a.onnx: ")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({0: b"other"}, "checksum"),
        ({124: b"77777777777\0"}, "beyond the end"),
        ({124: b"\x80" + b"\xff" * 11}, "beyond the end"),
        ({124: b"00000000009\0"}, "not octal"),
        ({156: b"S"}, "sparse"),
    ],
    ids=str,
)
def test_refuses(change: dict[int, bytes], reason: str) -> None:
    data = tarball({"a.txt": b"first", "state.pt": STATE}, tarfile.USTAR_FORMAT)
    block = bytearray(data[1024:1536])
    for place, value in change.items():
        block[place : place + len(value)] = value
    block = block if reason == "checksum" else bytearray(_summed(block))
    assert reason in refusal(tar.read, data[:1024] + bytes(block) + data[1536:])


@pytest.mark.parametrize(
    "records", [b"99 path=a\n", b"0 path=a\n", b"x path=a\n", b"7 path\n", b"9 size=-1\n"], ids=str
)
def test_refuses_records_of_a_pax_header(records: bytes) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, len(records)
    data = info.tobuf(tarfile.USTAR_FORMAT) + records.ljust(512, b"\0") + tarball({"state.pt": STATE})
    assert "pax header" in refusal(tar.read, data)


def test_names_that_would_fill_memory_are_refused() -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    assert "beyond the end" in refusal(tar.read, info.tobuf(tarfile.GNU_FORMAT))
    info.size = 1 << 20
    assert "longer than" in refusal(tar.read, info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))


def test_a_member_at_the_place_of_another_is_refused() -> None:
    data = bytearray(archive({"a.pt": STATE, "b.pt": STATE}))
    last = data.rindex(ENTRY)
    data[last + 42 : last + 46] = bytes(4)
    assert "does not match the directory" in refusal(zip_archive.read, bytes(data))


def test_an_archive_of_more_members_than_are_read_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    members = {"a.pt": STATE, "b.pt": STATE}
    monkeypatch.setattr("mvc.formats.syntax.tar_directory.MAX_MEMBERS", 1)
    assert {name.partition("/")[0] for name in named(tarball(members, tarfile.USTAR_FORMAT))} == {"a.pt"}
    monkeypatch.setattr("mvc.formats.syntax.zip_directory.MAX_MEMBERS", 1)
    assert header_of(archive(members), "pictures.zip").segments == ()


def test_an_archive_with_many_hdf5_members_starts_few_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[object] = []

    def run(inner: Source, _: str) -> list[object]:
        starts.append(inner)
        return []

    monkeypatch.setattr("mvc.formats.hdf5._run", run)
    weights = (DATA / "weights.h5").read_bytes()
    data = archive({f"{number}.h5": weights for number in range(100)})
    assert zip_archive.read(source(data)).segments == ()
    assert 0 < len(starts) < 40


def _summed(block: bytearray) -> bytes:
    """A header with its checksum."""
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)
