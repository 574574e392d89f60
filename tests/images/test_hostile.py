"""A hostile registry: wrong digests, endless answers, redirect loops and phishing for logins are all refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from mvc import errors
from mvc.images import challenge, transport
from mvc.images.registries import Registries
from mvc.model.image import Image
from tests.images.conftest import environ, logged_in
from tests.servers.registry import INDEX, MANIFEST, PASSWORD, digest
from tests.servers.scripted import Asked, Reply, Scripted, scripted

BODY = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}).encode()
GOOD = Reply(200, {"Docker-Content-Digest": digest(BODY), "Content-Type": MANIFEST}, BODY)
DIGEST = "Docker-Content-Digest"


@pytest.fixture
def evil() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Scripted]:
    """Another host: the same machine by another address."""
    with scripted("127.0.0.2") as server:
        yield server


def look_up(server: Scripted, home: Path, config: object | None = None) -> str:
    return Registries(environ(home, config)).resolve(Image.parse(f"{server.host}/acme/yolo:1")).digest


def refused(server: Scripted, home: Path, reason: str, config: object | None = None) -> errors.UntrustedImage:
    with pytest.raises(errors.UntrustedImage) as caught:
        look_up(server, home, config)
    assert reason in caught.value.message
    assert caught.value.exit_code == 17
    return caught.value


def always(reply: Reply) -> Callable[[Asked], Reply]:
    return lambda _: reply


def test_a_correct_answer_of_the_same_registry_is_accepted(evil: Scripted, home: Path) -> None:
    evil.reply = always(GOOD)
    assert look_up(evil, home) == digest(BODY)
    assert [(each.method, each.path) for each in evil.asked] == [
        ("HEAD", "/v2/acme/yolo/manifests/1"),
        ("GET", f"/v2/acme/yolo/manifests/{digest(BODY)}"),
    ]
    assert all(kind in evil.asked[0].headers["accept"] for kind in (INDEX, MANIFEST))


@pytest.mark.parametrize("status", [405, 501])
def test_a_registry_without_head_gets_a_get(evil: Scripted, home: Path, status: int) -> None:
    evil.reply = lambda asked: Reply(status) if asked.method == "HEAD" else GOOD
    assert look_up(evil, home) == digest(BODY)


def test_without_the_header_the_digest_is_that_of_the_bytes(evil: Scripted, home: Path) -> None:
    evil.reply = always(Reply(200, {"Content-Type": MANIFEST}, BODY))
    assert look_up(evil, home) == digest(BODY)


OTHER = digest(b"something else")
LISTED = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": "none"}).encode()


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (replace(GOOD, headers={**GOOD.headers, DIGEST: OTHER}), f"it claims the digest {OTHER} and sends content of"),
        (replace(GOOD, body=BODY + b" "), "and sends content of"),
        (replace(GOOD, headers={**GOOD.headers, DIGEST: "sha256:12"}), "its digest is not sha256:"),
        (replace(GOOD, headers={**GOOD.headers, DIGEST: digest(BODY).upper()}), "its digest is not"),
        (replace(GOOD, headers={**GOOD.headers, DIGEST: f"{digest(BODY)}/../x"}), "its digest is not"),
        (replace(GOOD, headers={**GOOD.headers, DIGEST: f"sha512:{'ab' * 64}"}), "its digest is not"),
        (Reply(200, {}, b"<html>"), "is not a JSON object"),
        (Reply(200, {}, b"[]"), "is not a JSON object"),
        (Reply(200, {}, b"[" * 100_000), "is not a JSON object"),
        (Reply(200, {}, b"\xff\xfe"), "is not a JSON object"),
        (Reply(200, {}, b""), "is not a JSON object"),
        (Reply(200, {}, b"{}"), "neither a manifest nor an index"),
        (Reply(200, {}, b'{"schemaVersion": 1, "mediaType": "x"}'), "neither a manifest nor an index"),
        (Reply(200, {}, b'{"schemaVersion": 2, "mediaType": ["x"]}'), "neither a manifest nor an index"),
        (Reply(200, {"Content-Type": INDEX}, BODY), "the media type of its manifest differs"),
        (Reply(200, {}, b" " * ((4 << 20) + 1)), "is larger than 4 MiB"),
        (Reply(206, {}, BODY), "it answers 206"),
        (Reply(418), "it answers 418"),
    ],
)
def test_an_invalid_answer_is_refused(evil: Scripted, home: Path, reply: Reply, reason: str) -> None:
    evil.reply = always(reply)
    refused(evil, home, reason)


def test_an_invalid_list_of_platforms_is_empty(evil: Scripted, home: Path) -> None:
    evil.reply = always(Reply(200, {"Content-Type": INDEX}, LISTED))
    assert Registries(environ(home)).resolve(Image.parse(f"{evil.host}/acme/yolo:1")).platforms == ()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_registry_is_unreachable(evil: Scripted, home: Path, status: int) -> None:
    evil.reply = always(Reply(status))
    with pytest.raises(errors.ImageUnreachable, match=f"it answers {status}"):
        look_up(evil, home)


def test_a_registry_that_is_not_running_is_named_as_the_cause(home: Path) -> None:
    with scripted() as gone:
        pass
    with pytest.raises(errors.ImageUnreachable, match="it refused the connection"):
        look_up(gone, home)


def test_a_truncated_body_is_a_failed_connection(evil: Scripted, home: Path) -> None:
    evil.reply = always(replace(GOOD, cut=10))
    with pytest.raises(errors.ImageUnreachable, match="the connection failed"):
        look_up(evil, home)


@pytest.mark.parametrize("times", [1, 2])
def test_a_broken_connection_is_retried_once(evil: Scripted, home: Path, times: int) -> None:
    evil.reply = lambda _: GOOD if len(evil.asked) > times else Reply(0)
    if times == 1:
        assert look_up(evil, home) == digest(BODY)
        return
    with pytest.raises(errors.ImageUnreachable, match="the connection failed"):
        look_up(evil, home)
    assert len(evil.asked) == 2


def test_a_silent_registry_times_out(evil: Scripted, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "READ", 0.2)
    over = threading.Event()

    def wait(_: Asked) -> Reply:
        over.wait()
        return GOOD

    evil.reply = wait
    try:
        with pytest.raises(errors.ImageUnreachable, match="the request timed out"):
            look_up(evil, home)
    finally:
        over.set()


def test_an_endless_body_times_out(evil: Scripted, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block comes in time, and the whole never."""
    monkeypatch.setattr(transport, "WHOLE", -1.0)
    evil.reply = always(GOOD)
    with pytest.raises(errors.ImageUnreachable, match="its response took longer than"):
        look_up(evil, home)


def test_a_compressed_body_is_not_decoded(evil: Scripted, home: Path) -> None:
    evil.reply = always(replace(GOOD, headers={**GOOD.headers, "Content-Encoding": "gzip"}))
    assert look_up(evil, home) == digest(BODY)  # its bytes, as they came
    assert {each.headers["accept-encoding"] for each in evil.asked} == {"identity"}


# --- redirects


def to(place: str, status: int = 307) -> Reply:
    return Reply(status, {"Location": place})


def test_redirects_within_the_registry_are_followed(evil: Scripted, home: Path) -> None:
    evil.reply = lambda asked: GOOD if asked.path.startswith("/else") else to("/else" + asked.path)
    assert look_up(evil, home) == digest(BODY)


def test_redirect_loops_end(evil: Scripted, home: Path) -> None:
    evil.reply = lambda asked: to(asked.path)
    refused(evil, home, "it redirects more than 5 times")
    assert len(evil.asked) == 6


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("http://evil.example/v2/", "it redirects to evil.example without https"),
        ("ftp://127.0.0.1/x", "it redirects to 127.0.0.1 without https"),
        ("file:///etc/passwd", "it redirects to an invalid address"),
        ("http://ana:secret@127.0.0.1/x", "it redirects to an invalid address"),
        ("http://127.0.0.1:99999/", "it names an invalid address"),
        ("http://[::1/", "an invalid address"),
    ],
)
def test_redirects_to_forbidden_addresses_are_refused(evil: Scripted, home: Path, place: str, reason: str) -> None:
    evil.reply = always(to(place))
    refused(evil, home, reason)


def test_the_body_of_a_redirect_is_not_read(evil: Scripted, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "READ", 0.2)
    endless = Reply(307, {"Location": "/else", "Content-Length": "1000000000"}, b"x", stall=True)
    evil.reply = lambda asked: GOOD if asked.path == "/else" else endless
    assert look_up(evil, home) == digest(BODY)


def test_a_redirect_without_a_location_is_refused(evil: Scripted, home: Path) -> None:
    evil.reply = always(Reply(302))
    refused(evil, home, "it redirects more than 5 times")


def test_without_a_login_another_host_may_answer(evil: Scripted, other: Scripted, home: Path) -> None:
    evil.reply = lambda asked: to(f"{other.url}{asked.path}")
    other.reply = always(GOOD)
    assert look_up(evil, home, logged_in(evil.host)) == digest(BODY)
    assert all("authorization" not in each.headers for each in other.asked)


BASIC = Reply(401, {"WWW-Authenticate": 'Basic realm="x"'})


def test_a_login_is_not_sent_to_another_host(evil: Scripted, other: Scripted, home: Path) -> None:
    evil.reply = lambda asked: to(f"{other.url}{asked.path}") if "authorization" in asked.headers else BASIC
    other.reply = always(GOOD)
    refused(evil, home, "redirects to 127.0.0.2, which would receive the login", logged_in(evil.host))
    assert other.asked == []


def test_another_host_that_requires_a_login_gets_none(evil: Scripted, other: Scripted, home: Path) -> None:
    evil.reply = lambda asked: to(f"{other.url}{asked.path}")
    other.reply = always(BASIC)
    config = {"auths": {**logged_in(evil.host)["auths"], **logged_in(other.host)["auths"]}}
    with pytest.raises(errors.ImageDenied, match=r"redirects to 127\.0\.0\.2, which requires a login"):
        look_up(evil, home, config)
    assert all("authorization" not in each.headers for each in [*evil.asked, *other.asked])


def test_no_login_is_taken_from_netrc(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".netrc").write_text("default login ana password canary-netrc\n", encoding="utf-8")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(home / ".netrc"))
    session = transport.Transport(Image.parse("ghcr.io/acme/yolo"))._session
    assert session.trust_env  # as it is for what is not this machine
    prepared = session.prepare_request(requests.Request("GET", "https://ghcr.io/v2/"))
    assert "authorization" not in prepared.headers
    assert "authorization" in requests.Session().prepare_request(requests.Request("GET", "https://ghcr.io/")).headers


def test_no_proxy_is_used_to_this_machine(
    evil: Scripted, other: Scripted, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", other.url)
    monkeypatch.setenv("HTTP_PROXY", other.url)
    evil.reply = always(GOOD)
    assert look_up(evil, home) == digest(BODY)
    assert other.asked == []


# --- tokens


def bearer(realm: str, more: str = "") -> Reply:
    return Reply(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"{more}'})


def with_tokens(realm: str, token: Reply, more: str = "") -> Callable[[Asked], Reply]:
    def reply(asked: Asked) -> Reply:
        if asked.path.startswith("/token"):
            return token
        return GOOD if asked.headers.get("authorization") == "Bearer good" else bearer(realm, more)

    return reply


def test_a_registry_cannot_widen_the_scope_of_a_token(evil: Scripted, home: Path) -> None:
    more = ',scope="repository:acme/yolo:pull,push repository:acme/other:delete"'
    evil.reply = with_tokens(f"{evil.url}/token?account=x", Reply(200, {}, b'{"token": "good"}'), more)
    assert look_up(evil, home, logged_in(evil.host)) == digest(BODY)
    asked = next(each for each in evil.asked if each.path.startswith("/token"))
    assert asked.path == "/token?account=x&service=s&scope=repository%3Aacme%2Fyolo%3Apull"


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (Reply(200, {}, b"{}"), "its token server sent no token"),
        (Reply(200, {}, b"[]"), "its token server sent no token"),
        (Reply(200, {}, b"no JSON"), "its token server sent no token"),
        (Reply(200, {}, b"[" * 100_000), "its token server sent no token"),
        (Reply(200, {}, b'{"token": 12}'), "its token server sent no token"),
        (Reply(200, {}, json.dumps({"token": "canary\r\nX-Evil: 1"}).encode()), "its token is not valid in a header"),
        (Reply(200, {}, json.dumps({"token": "x" * 70_000}).encode()), "its token is not valid in a header"),
        (Reply(200, {}, b" " * ((1 << 20) + 1)), "is larger than 1 MiB"),
        (Reply(404), "its token server answers 404"),
    ],
)
def test_an_invalid_token_is_refused(evil: Scripted, home: Path, token: Reply, reason: str) -> None:
    evil.reply = with_tokens(f"{evil.url}/token", token)
    assert "canary" not in refused(evil, home, reason).message


def test_a_failing_token_server_is_unreachable(evil: Scripted, home: Path) -> None:
    evil.reply = with_tokens(f"{evil.url}/token", Reply(503))
    with pytest.raises(errors.ImageUnreachable, match="its token server answers 503"):
        look_up(evil, home)


def test_a_rejected_token_is_requested_once(evil: Scripted, home: Path) -> None:
    evil.reply = with_tokens(f"{evil.url}/token", Reply(200, {}, b'{"token": "bad"}'))
    with pytest.raises(errors.ImageDenied, match="it answers 401"):
        look_up(evil, home)
    assert len(evil.asked) == 3


@pytest.mark.parametrize(
    "realm",
    ["http://evil.example/token", "ftp://127.0.0.1/", "file:///etc/passwd", "nonsense", "", "http://[::1/", "//x"],
)
def test_a_login_goes_to_no_unencrypted_or_invalid_realm(evil: Scripted, home: Path, realm: str) -> None:
    evil.reply = with_tokens(realm, Reply(200, {}, b'{"token": "good"}'))
    error = refused(evil, home, "", logged_in(evil.host))
    assert PASSWORD not in error.message


@pytest.mark.parametrize("identity", [False, True])
def test_a_token_server_cannot_redirect_the_login(evil: Scripted, other: Scripted, home: Path, identity: bool) -> None:
    evil.reply = with_tokens(f"{evil.url}/token", to(f"{other.url}/token", 307))
    config = {"auths": {evil.host: {"identitytoken": "canary"}}} if identity else logged_in(evil.host)
    refused(evil, home, "redirects to 127.0.0.2, which would receive the login", config)
    assert other.asked == []


@pytest.mark.parametrize("header", ["", "Negotiate", "Digest realm=x", ",,,=", '"', "Bearer", "Basic" * 10_000])
def test_an_unknown_challenge_is_refused(evil: Scripted, home: Path, header: str) -> None:
    evil.reply = always(Reply(401, {"WWW-Authenticate": header}))
    assert PASSWORD not in refused(evil, home, "", logged_in(evil.host)).message


@pytest.mark.parametrize(
    ("header", "parsed"),
    [
        ('Bearer realm="https://a/t",service="s",scope="r:a/b:pull,push"',
         {"bearer": {"realm": "https://a/t", "service": "s", "scope": "r:a/b:pull,push"}}),
        ('Basic realm="x", Bearer realm=y , error="invalid_token"',
         {"basic": {"realm": "x"}, "bearer": {"realm": "y", "error": "invalid_token"}}),
        (r'bearer REALM="a \"b\""', {"bearer": {"realm": 'a "b"'}}),
        ("Negotiate, Basic realm=x", {"negotiate": {}, "basic": {"realm": "x"}}),
        ('Basic realm="one", Basic realm="two"', {"basic": {"realm": "one"}}),
        ("Negotiate abc==, Basic realm=x", {"negotiate": {}, "basic": {"realm": "x"}}),
        ("", {}),
    ],
)  # fmt: skip
def test_challenges_are_parsed(header: str, parsed: dict[str, dict[str, str]]) -> None:
    assert challenge.parse(header) == parsed


# --- what docker keeps


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("no JSON", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ("[" * 100_000, "it is not JSON"),
        ({"auths": []}, None),
        ({"auths": ["canary"]}, "auths is not an object"),
        ({"credHelpers": "canary"}, "credHelpers is not an object"),
        ({"credsStore": ["canary"]}, "the credential helper for HOST has an invalid name"),
        ({"credsStore": "../canary"}, "the credential helper for HOST has an invalid name"),
        ({"auths": {"HOST": "canary"}}, "the entry of HOST in auths is not an object of strings"),
        ({"auths": {"HOST": {"auth": 12}}}, "the entry of HOST in auths is not an object of strings"),
        ({"auths": {"HOST": {"auth": "canary!"}}}, "the auth of HOST is not base64 of USER:PASSWORD"),
        ({"auths": {"HOST": {"auth": "/////w=="}}}, "the auth of HOST is not base64 of USER:PASSWORD"),
    ],
)
def test_an_invalid_config_is_named_without_its_content(
    evil: Scripted, home: Path, config: object, reason: str | None
) -> None:
    evil.reply = always(BASIC)
    text = (config if isinstance(config, str) else json.dumps(config)).replace("HOST", evil.host)
    with pytest.raises(errors.ImageDenied if reason is None else errors.BadDockerConfig) as caught:
        look_up(evil, home, text)
    assert (reason or "docker has none").replace("HOST", evil.host) in caught.value.message
    assert "canary" not in caught.value.message


@pytest.mark.parametrize("key", ["https://HOST", "http://HOST/v1/", "HOST/v2/"])
def test_a_login_stored_under_a_url_is_used(evil: Scripted, home: Path, key: str) -> None:
    evil.reply = lambda asked: GOOD if "authorization" in asked.headers else BASIC
    assert look_up(evil, home, logged_in(key.replace("HOST", evil.host))) == digest(BODY)


def test_docker_config_names_another_folder(evil: Scripted, home: Path, tmp_path: Path) -> None:
    evil.reply = lambda asked: GOOD if "authorization" in asked.headers else BASIC
    (tmp_path / "config.json").write_text(json.dumps(logged_in(evil.host)), encoding="utf-8")
    found = Registries({"DOCKER_CONFIG": str(tmp_path)}).resolve(Image.parse(f"{evil.host}/acme/yolo:1"))
    assert found.digest == digest(BODY)
