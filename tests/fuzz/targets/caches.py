"""Caches and records beside a store, which come with a copied `.mvc`: an invalid one is read as an absent one."""

from __future__ import annotations

import json

from mvc import errors
from mvc.model.ids import VersionId, digest
from mvc.repository.query.evaluated import _FORMAT as EVALUATED
from mvc.repository.query.evaluated import _Stored
from mvc.storage.caches import page, scans, tips
from mvc.storage.caches.tips import Tip
from mvc.storage.records import checksums, import_notes, querycache, statcache
from tests.fuzz import store
from tests.fuzz.target import Target


def _checksums(data: bytes) -> None:
    store.put(checksums.NAME, checksums._FORMAT + checksums._digest(data) + b"\n" + data)
    found = checksums.Checksums(store.door())
    for algorithm in ("sha256", "md5", "git-sha1"):
        found.digests(algorithm)
        found.file(algorithm, "ab" * 32)


def _stats(data: bytes) -> None:
    statcache._rows(data)


def _query(data: bytes) -> None:
    store.put(querycache.name("helmet"), querycache._FORMAT + digest(data).encode() + b"\n" + data)
    table = querycache.load(store.door(), "helmet")
    for number in range(2):
        for name in ("metrics", "parameters"):
            table.section(number, name)


def _evaluated(data: bytes) -> None:
    stored = _Stored(EVALUATED + digest(data).encode() + b"\n" + data)
    for key in [*stored.keys, "metrics.loss"]:
        for id_ in [*stored.at, VersionId("ab" * 32)]:
            stored.answer(id_, 0, key)


def _tips(data: bytes) -> None:
    body = data
    store.put(tips.NAME, f"{tips._FORMAT} {digest(body)}\n".encode() + body)
    list(tips.TipsCache(store.door()).tips("refs/helmet/heads", lambda _, __: Tip(None)))
    tips._sound(_value(data))


def _page(data: bytes) -> None:
    store.put(page._name("helmet"), f"{page._FORMAT} {digest(data)}\n".encode() + data)
    page.load(store.door(), "helmet")


def _note(data: bytes) -> None:
    store.put(import_notes.path("picsellia", "0197"), data)
    import_notes.read(store.door(), "picsellia", "0197")


def _value(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _scans(data: bytes) -> None:
    """Read the reports of scans that are kept for the user, with the rules of this mvc."""
    body = data.replace(b"RULES", scans.rules().encode())
    cache = scans.ScanCache(lambda _: None, store.folder(), store.folder())
    assert cache._path is not None
    cache._path.parent.mkdir(exist_ok=True)
    cache._path.write_bytes(scans._FORMAT + digest(body).encode() + b"\n" + body)
    for key in [*cache._loaded(), "a"]:
        cache.get(key)


def _small(data: bytes) -> None:
    """Read the same bytes as each of the smaller caches."""
    _checksums(data)
    _stats(data)
    _tips(data)
    _page(data)


TARGETS = (
    Target("caches", _small),
    Target("cache-scans", _scans),
    Target("cache-query", _query),
    Target("cache-evaluations", _evaluated),
    Target("import-note", _note, (errors.Damaged,)),
)
