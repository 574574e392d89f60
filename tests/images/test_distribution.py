"""Manifests, blobs and tags of a real registry: sent once, resumed, checked, with the rights that docker's login gives."""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc import errors
from mvc.images import blobs, distribution
from mvc.images.blobs import Blob
from mvc.images.digests import digest_of
from mvc.images.distribution import Repository
from mvc.model import hosts
from mvc.model.hosts import Approvals
from mvc.model.image import Image
from tests.images.conftest import environ, logged_in
from tests.servers.forgetful import forgetful
from tests.servers.proxy import AnyFault, Fault, HttpProxy, RegistryFault, Request, http_proxy
from tests.servers.registry import Registry
from tests.servers.scripted import Asked, Reply, scripted

INDEX = "application/vnd.oci.image.index.v1+json"
TRUSTED = Approvals({}, hosts.of_text("127.0.0.1:*"))


@contextlib.contextmanager
def opened(
    home: Path, host: str, name: str, config: object | None = None, *, writes: bool = True
) -> Iterator[Repository]:
    with distribution.connected(
        Image(host, name, "latest"), environ(home, config), TRUSTED, writes=writes
    ) as repository:
        repository._session.sleep = lambda _: None
        yield repository


def blob(content: bytes) -> Blob:
    return Blob(digest_of(content), len(content), lambda offset: iter([content[offset:]]))


def content_of(repository: Repository, sent: Blob) -> bytes:
    received = bytearray()
    repository.download(sent.digest, sent.size, received.extend)
    return bytes(received)


def random_bytes(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(blobs, "PIECE", 1000)
    return 1000


@pytest.fixture
def proxy(registry: Registry) -> Iterator[HttpProxy]:
    with http_proxy(int(registry.host.rpartition(":")[2])) as running:
        yield running


def host_of(proxy: HttpProxy) -> str:
    return proxy.url.removeprefix("http://")


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 3500])
def test_a_blob_is_sent_once_and_read_back(home: Path, registry: Registry, small_pieces: int, size: int) -> None:
    sent = blob(random_bytes(size, size))
    with opened(home, registry.host, "team/sizes") as repository:
        assert repository.upload(sent) == size
        assert repository.upload(sent) == 0
        assert content_of(repository, sent) == random_bytes(size, size)


def test_a_manifest_is_found_by_tag_and_by_digest_and_its_tags_are_listed(home: Path, registry: Registry) -> None:
    body = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
    with opened(home, registry.host, "team/tags") as repository:
        assert repository.tags() == []
        assert repository.manifest("v1", INDEX) is None
        digest = repository.put_manifest("v1", INDEX, body)
        repository.put_manifest("prod", INDEX, body)
        for reference in ("v1", "prod", digest):
            assert repository.manifest(reference, INDEX) == (digest, INDEX, body)
        assert repository.tags() == ["prod", "v1"]


def test_a_blob_of_another_repository_is_mounted_instead_of_sent(home: Path, proxy: HttpProxy) -> None:
    sent = blob(random_bytes(2000))
    with opened(home, host_of(proxy), "team/first") as first:
        first.upload(sent)
    proxy.well()
    with opened(home, host_of(proxy), "team/second") as second:
        assert second.upload(sent, ("team/unknown", "team/first")) == 0
        assert content_of(second, sent) == random_bytes(2000)
    assert not [request for request in proxy.asked if request.method in {"PUT", "PATCH"}]


def test_a_token_is_for_both_repositories_of_a_mount(home: Path, guarded: Registry) -> None:
    config, sent = logged_in(guarded.host), blob(random_bytes(2000, 2))
    with opened(home, guarded.host, "team/first", config) as first:
        first.upload(sent)
    with opened(home, guarded.host, "team/second", config) as second:
        assert second.upload(sent, ("team/first",)) == 0
        assert content_of(second, sent) == random_bytes(2000, 2)


@pytest.mark.parametrize("kind", ["locked", "guarded"])
def test_without_a_login_nothing_is_sent(home: Path, kind: str, request: pytest.FixtureRequest) -> None:
    registry: Registry = request.getfixturevalue(kind)
    with opened(home, registry.host, "team/private") as repository, pytest.raises(errors.ImageDenied) as caught:
        repository.upload(blob(b"secret weights"))
    assert f"docker login {registry.host}" in caught.value.hint


def test_a_login_that_may_only_read_cannot_send(home: Path, guarded: Registry) -> None:
    guarded.push("open/models", "latest", b"layer")
    with opened(home, guarded.host, "open/models", writes=False) as repository:
        assert repository.tags() == ["latest"]
        with pytest.raises(errors.ImageDenied):
            repository.upload(blob(b"weights"))


def test_an_expired_token_is_renewed_between_pieces(home: Path, guarded: Registry, small_pieces: int) -> None:
    content = random_bytes(3500, 3)
    with opened(home, guarded.host, "team/expired", logged_in(guarded.host)) as repository:

        def read(offset: int) -> Iterator[bytes]:
            yield content[offset : offset + 1500]
            repository._session._authorization = "Bearer of-yesterday"
            yield content[offset + 1500 :]

        sent = Blob(digest_of(content), len(content), read)
        assert repository.upload(sent) == 3500
        assert content_of(repository, sent) == content


@pytest.mark.parametrize("fault", [*Fault, *RegistryFault])
def test_an_upload_survives_one_fault_at_any_request(
    home: Path, proxy: HttpProxy, small_pieces: int, fault: AnyFault, rng: random.Random, deep: bool
) -> None:
    if fault is Fault.LATE:
        pytest.skip("the client's own timeout decides")
    for size in (700, 3300):
        for number in range(1, 9) if deep else rng.sample(range(1, 9), 3):
            sent = blob(rng.randbytes(size))
            with opened(home, host_of(proxy), "team/faults") as repository:
                proxy.at(number, fault)
                with contextlib.suppress(errors.UntrustedImage):  # of a damaged response
                    repository.upload(sent)
                proxy.well()
                repository.upload(sent)
                assert hashlib.sha256(content_of(repository, sent)).hexdigest() == sent.digest.removeprefix("sha256:")


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.UNHEARD, Fault.BROKEN, Fault.TOO_MANY])
def test_a_download_continues_where_it_stopped(home: Path, proxy: HttpProxy, fault: Fault) -> None:
    sent = blob(random_bytes(300_000, 4))
    with opened(home, host_of(proxy), "team/downloads") as repository:
        repository.upload(sent)
        proxy.at(1, fault)
        assert content_of(repository, sent) == random_bytes(300_000, 4)


def test_a_damaged_download_is_refused(home: Path, proxy: HttpProxy) -> None:
    sent = blob(random_bytes(3000, 5))
    with opened(home, host_of(proxy), "team/damaged") as repository:
        repository.upload(sent)
        proxy.at(1, Fault.FLIPPED)
        with pytest.raises(errors.UntrustedImage, match="another content"):
            content_of(repository, sent)


def test_a_registry_without_pieces_gets_the_blob_in_one(home: Path, registry: Registry, small_pieces: int) -> None:
    sent, seen = blob(random_bytes(3500, 6)), list[str]()
    with http_proxy(int(registry.host.rpartition(":")[2])) as proxy:

        def refuses(request: Request) -> bool:
            seen.append(request.method)
            return False

        proxy.refuses = refuses
        proxy.fault = lambda request: RegistryFault.UNSUPPORTED if request.method == "PATCH" else None
        with opened(home, host_of(proxy), "team/whole") as repository:
            assert repository.upload(sent) == 3500
            assert content_of(repository, sent) == random_bytes(3500, 6)
    assert seen.count("PUT") == 1


def test_a_download_from_another_host_leaves_the_login_behind(home: Path) -> None:
    content = random_bytes(2000, 7)
    sent = blob(content)
    with scripted("127.0.0.2") as store, scripted() as server:
        store.reply = lambda _: Reply(200, body=content)

        def reply(asked: Asked) -> Reply:
            if "authorization" not in asked.headers:
                return Reply(401, {"WWW-Authenticate": 'Basic realm="test"'})
            return Reply(307, {"Location": f"{store.url}/blob"})

        server.reply = reply
        with opened(home, server.host, "team/helmet", logged_in(server.host)) as repository:
            assert content_of(repository, sent) == content
        assert [list(asked.headers).count("authorization") for asked in store.asked] == [0]


def test_plain_http_is_for_this_machine_and_for_approved_registries(home: Path) -> None:
    image = Image("registry.lan:5000", "team/helmet", "latest")
    approved = Approvals({}, hosts.of_text("http://registry.lan:5000"))
    for approvals, scheme in ((TRUSTED, "https"), (approved, "http")):
        with distribution.connected(image, environ(home), approvals) as repository:
            assert repository._session.base.startswith(f"{scheme}://registry.lan")


def test_a_list_of_tags_may_have_pages(home: Path) -> None:
    pages = {"": ["a", "b"], "b": ["c"]}
    with scripted() as server:

        def reply(asked: Asked) -> Reply:
            last = asked.path.rpartition("last=")[2] if "last=" in asked.path else ""
            more = {"Link": '</v2/team/helmet/tags/list?n=1000&last=b>; rel="next"'} if not last else {}
            names = ",".join(f'"{tag}"' for tag in pages[last])
            return Reply(200, more, f'{{"tags":[{names}]}}'.encode())

        server.reply = reply
        with opened(home, server.host, "team/helmet", writes=False) as repository:
            assert repository.tags() == ["a", "b", "c"]


def test_memory_stays_small_for_a_large_blob(home: Path, deep: bool) -> None:
    """5 GB with --deep, in pieces, read as they are sent."""
    size, block = (5 << 30) if deep else (128 << 20), bytes(1 << 20)
    hashed = hashlib.sha256()
    for _ in range(size // len(block)):
        hashed.update(block)
    digest, longest = f"sha256:{hashed.hexdigest()}", []
    with forgetful() as host, opened(home, host, "team/large") as repository:

        def read(offset: int) -> Iterator[bytes]:
            for _ in range(offset, size, len(block)):
                longest.append(_resident())
                yield block

        before = _resident()
        assert repository.upload(Blob(digest, size, read)) == size
    assert max(longest) - before < 60 << 20


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096
