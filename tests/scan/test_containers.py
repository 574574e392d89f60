"""Archives, checkpoints, arrays and streams: what is inside of them is found, and what they hide."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pytest

from mvc.scan import known
from mvc.scan.archives import streams, tar
from mvc.scan.archives import zip as zips
from mvc.scan.pickles import npy, torch
from mvc.scan.scan import scan_file
from mvc.scan.verdict import Rule, Verdict
from tests.formats.pickles import checkpoint, storage, tensor
from tests.scan import containers, readers
from tests.scan.cases import Case, source

CASES = [*containers.cases(), *readers.cases()]
RULES = [rule for module in (zips, tar, streams, npy, torch) for rule in module.RULES]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_what_a_container_holds_is_found(case: Case) -> None:
    report = scan_file(source(case.data))
    assert report.verdict >= Verdict.UNREADABLE
    assert case.rule in {finding.rule for finding in report.findings}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_finds_what_the_others_do_not(rule: Rule) -> None:
    content = source({**containers.ALONE, **readers.ALONE}[rule.id])
    assert scan_file(content).verdict is rule.verdict
    assert scan_file(content, disabled=[rule.id]).verdict < rule.verdict


@pytest.mark.parametrize(
    ("name", "data"),
    [*containers.honest(), *readers.honest()],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_honest_containers_are_plain(name: str, data: bytes) -> None:
    report = scan_file(source(data))
    assert (report.verdict, report.findings) == (Verdict.PLAIN, ())


def test_arrays_that_only_pytorch_passes_over_are_found_under_the_name_of_numpy() -> None:
    hidden = containers.objects("'|O'")
    hidden += bytes(-len(hidden) % 4)
    weights = tensor(storage("0", len(hidden) // 4), 0, (4,), (1,))
    data = checkpoint(weights, {"0": hidden})
    assert scan_file(source(data, "weights.pt")).verdict is Verdict.PLAIN
    assert scan_file(source(data, "weights.npz")).verdict is Verdict.HOSTILE


def test_a_stream_of_lzma_without_magic_bytes_is_known_by_its_name() -> None:
    for name in ("best.pkl.lzma", "best.pkl.xz"):
        assert scan_file(source(readers.LZMA, name)).verdict is Verdict.HOSTILE
    for data in (b"]\0\0\0" * 50, b"]\0" + bytes(range(200)), bytes(100)):
        assert scan_file(source(data, "best.dat")).verdict is Verdict.UNKNOWN
        assert scan_file(source(data, "best.xz")).verdict <= Verdict.DAMAGED


@pytest.mark.parametrize("name", containers.CLOSED)
def test_streams_that_cannot_be_unfolded_are_named(name: str) -> None:
    report = scan_file(source(containers.CLOSED[name]))
    assert report.verdict is Verdict.UNREADABLE
    assert name in report.findings[0].message


def test_a_stream_that_unfolds_to_far_more_is_unreadable() -> None:
    data = gzip.compress(gzip.compress(bytes(1 << 24)) + bytes(1 << 24))
    report = scan_file(source(data))
    assert (report.verdict, report.findings[0].rule) == (Verdict.UNREADABLE, "too-long")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_an_encrypted_member_is_closed_and_not_damaged(method: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("a.txt", b"text " * 100)
    data = bytearray(out.getvalue())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    begin = 30 + len("a.txt")
    data[begin : begin + 8] = b"\xff" * 8  # no stream, and not the bytes of the checksum
    report = scan_file(source(bytes(data), "a.zip"))
    assert {finding.rule for finding in report.findings} == {"zip-closed"}


def test_containers_larger_than_the_budget_of_headers_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checksums and streams take whole members: a limit that is meant for headers would refuse every large archive."""
    monkeypatch.setattr("mvc.formats.source.BUDGET", 1 << 18)
    arrays = [np.random.default_rng(seed).bytes(1 << 17) for seed in range(4)]
    stored, folded, members = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.savez(stored, *arrays)
    np.savez_compressed(folded, a=np.frombuffer(b"".join(arrays), "u1"))
    with tarfile.open(fileobj=members, mode="w:gz", compresslevel=0) as archive:
        for name, data in {"a.npy": stored.getvalue(), "data.pkl": containers.HOSTILE}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    for out in (stored, folded):
        report = scan_file(source(out.getvalue(), "w.npz"))
        assert (report.verdict, report.findings) == (Verdict.PLAIN, ())
    assert "pickle-call" in {finding.rule for finding in scan_file(source(members.getvalue())).findings}


def test_a_truncated_container_is_damaged() -> None:
    for data in (
        containers.PLAIN[:-30],
        gzip.compress(bytes(1000))[:-4],
        containers.legacy()[:-4],
        containers.objects("'|O'")[:-1],
        containers.objects("'<f8'", bytes(7)),
    ):
        assert scan_file(source(data)).verdict in (Verdict.DAMAGED, Verdict.HOSTILE)
    assert "zip" in {scanner.name for scanner in known.SCANNERS}
