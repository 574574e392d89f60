"""Lookups of tags at real registries: open, with a password, with tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc import errors
from mvc.images.registries import Registries
from mvc.model.image import Image
from tests.images.conftest import environ, helper, logged_in
from tests.servers.registry import DOCKER_MANIFEST, IDENTITY, INDEX, LIST, MANIFEST, PASSWORD, USER, Registry

PLATFORMS = {"linux/amd64": b"for a desk", "linux/arm64": b"for a camera"}


def resolve(home: Path, name: str, config: object | None = None) -> tuple[str, tuple[str, ...]]:
    found = Registries(environ(home, config)).resolve(Image.parse(name))
    return found.digest, found.platforms


@pytest.mark.parametrize("type_", [MANIFEST, DOCKER_MANIFEST])
def test_the_digest_of_an_image_is_that_of_its_push(registry: Registry, home: Path, type_: str) -> None:
    pushed = registry.push("acme/yolo", "1.4", b"a layer", type_=type_)
    assert resolve(home, registry.name("acme/yolo:1.4")) == (pushed, ())


@pytest.mark.parametrize("type_", [INDEX, LIST])
def test_the_digest_of_an_image_for_several_platforms_is_that_of_its_index(
    registry: Registry, home: Path, type_: str
) -> None:
    pushed = registry.push_index("acme/multi", "2", PLATFORMS, type_=type_)
    assert resolve(home, registry.name("acme/multi:2")) == (pushed, ("linux/amd64", "linux/arm64"))


def test_localhost_and_the_default_tag(registry: Registry, home: Path) -> None:
    pushed = registry.push("plain", "latest", b"the latest")
    assert resolve(home, registry.name("plain").replace("127.0.0.1", "localhost"))[0] == pushed


def test_a_moved_tag_resolves_to_the_new_image(registry: Registry, home: Path) -> None:
    first = registry.push("acme/moving", "stable", b"one")
    second = registry.push("acme/moving", "stable", b"two")
    assert first != second
    assert resolve(home, registry.name("acme/moving:stable"))[0] == second


def test_a_missing_image_is_named(registry: Registry, home: Path) -> None:
    with pytest.raises(errors.NoSuchImage, match=r"no image 127.0.0.1:\d+/acme/nothing:1"):
        resolve(home, registry.name("acme/nothing:1"))


def test_a_digest_in_the_name_needs_no_request(home: Path) -> None:
    named = f"sha256:{'ab' * 32}"
    assert resolve(home, f"127.0.0.1:1/acme/yolo@{named}")[0] == named


def test_a_missing_registry_is_unreachable(home: Path) -> None:
    with pytest.raises(errors.ImageUnreachable, match=r"Cannot reach 127\.0\.0\.1:1"):
        resolve(home, "127.0.0.1:1/acme/yolo")


# --- with a login


def test_a_password_of_docker_login_opens_a_registry(locked: Registry, home: Path) -> None:
    pushed = locked.push("acme/private", "1", b"a secret layer")
    assert resolve(home, locked.name("acme/private:1"), logged_in(locked.host))[0] == pushed


@pytest.mark.parametrize(
    ("config", "reason"),
    [(None, "docker has none"), (logged_in("127.0.0.1:1"), "docker has none"), ("wrong", "to the login")],
)
def test_without_the_right_password_it_is_denied(locked: Registry, home: Path, config: object, reason: str) -> None:
    locked.push("acme/private", "1", b"a secret layer")
    if config == "wrong":
        config = logged_in(locked.host, password="canary-wrong")
    with pytest.raises(errors.ImageDenied, match=reason) as caught:
        resolve(home, locked.name("acme/private:1"), config)
    assert "canary" not in f"{caught.value!r} {caught.value.message} {caught.value.hint} {caught.value.fields}"


def test_a_public_image_gets_an_anonymous_token(guarded: Registry, home: Path) -> None:
    pushed = guarded.push("open/yolo", "1", b"for all")
    assert resolve(home, guarded.name("open/yolo:1"))[0] == pushed
    assert guarded.tokens is not None
    method, given, login = guarded.tokens.asked[-1]
    assert (method, given["scope"], login) == ("GET", "repository:open/yolo:pull", False)


def test_a_password_is_exchanged_for_a_token_to_pull_one_repository(guarded: Registry, home: Path) -> None:
    pushed = guarded.push("acme/private", "1", b"for some")
    assert resolve(home, guarded.name("acme/private:1"), logged_in(guarded.host))[0] == pushed
    assert guarded.tokens is not None
    method, given, login = guarded.tokens.asked[-1]
    assert (method, given["scope"], login) == ("GET", "repository:acme/private:pull", True)


def test_an_identity_token_is_exchanged_by_post(guarded: Registry, home: Path) -> None:
    pushed = guarded.push("acme/private", "1", b"for some")
    config = {"auths": {guarded.host: {"auth": "", "identitytoken": IDENTITY}}}
    assert resolve(home, guarded.name("acme/private:1"), config)[0] == pushed
    assert guarded.tokens is not None
    assert guarded.tokens.asked[-1][0] == "POST"


def test_a_token_for_the_registry_itself_is_sent_as_it_is(guarded: Registry, home: Path) -> None:
    pushed = guarded.push("acme/private", "1", b"for some")
    assert guarded.tokens is not None
    before = len(guarded.tokens.asked)
    config = {"auths": {guarded.host: {"registrytoken": guarded.tokens.token(("acme/private", ["pull"]))}}}
    assert resolve(home, guarded.name("acme/private:1"), config)[0] == pushed
    assert len(guarded.tokens.asked) == before


@pytest.mark.parametrize("identity", [False, True])
def test_a_login_rejected_by_the_token_server_is_denied(guarded: Registry, home: Path, identity: bool) -> None:
    guarded.push("acme/private", "1", b"for some")
    wrong = {"auths": {guarded.host: {"identitytoken": "canary-wrong"}}}
    config = wrong if identity else logged_in(guarded.host, password="canary-wrong")
    with pytest.raises(errors.ImageDenied, match="it rejects the login of docker"):
        resolve(home, guarded.name("acme/private:1"), config)


def test_a_private_image_is_denied_without_a_login(guarded: Registry, home: Path) -> None:
    guarded.push("acme/private", "1", b"for some")
    with pytest.raises(errors.ImageDenied, match="it requires a login"):
        resolve(home, guarded.name("acme/private:1"))


# --- with programs that keep logins


def test_the_credential_helper_of_the_registry_gives_the_login(locked: Registry, home: Path) -> None:
    pushed = locked.push("acme/private", "1", b"a secret layer")
    answer = f"assert registry == {locked.host!r}\nprint(json.dumps(dict(Username={USER!r}, Secret={PASSWORD!r})))"
    helper(home, "vault", answer)
    helper(home, "other", "sys.exit('asked the wrong one')")
    config = {"credHelpers": {locked.host: "vault"}, "credsStore": "other"}
    assert resolve(home, locked.name("acme/private:1"), config)[0] == pushed


def test_the_credential_store_gives_an_identity_token(guarded: Registry, home: Path) -> None:
    pushed = guarded.push("acme/private", "1", b"for some")
    helper(home, "vault", f"print(json.dumps(dict(Username='<token>', Secret={IDENTITY!r})))")
    assert resolve(home, guarded.name("acme/private:1"), {"credsStore": "vault"})[0] == pushed


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("print('credentials not found in native keychain'); sys.exit(1)", "it requires a login"),
        ("print('canary-51'); sys.stderr.write('canary-52'); sys.exit(3)", "gave no login: it exited with 3"),
        ("print('canary-51')", "gave no login: it did not print Username and Secret"),
        ("print('[' * 100000)", "gave no login: it did not print Username and Secret"),
        ("print(json.dumps(dict(Username=1, Secret=2)))", "gave no login: it did not print"),
        (None, "gave no login: it is not installed"),
    ],
)
def test_a_failing_credential_helper_is_named_if_a_login_is_required(
    guarded: Registry, home: Path, script: str | None, reason: str
) -> None:
    guarded.push("acme/private", "1", b"for some")
    pushed = guarded.push("open/yolo", "1", b"for all")
    if script is not None:
        helper(home, "vault", script)
    with pytest.raises(errors.ImageDenied, match=reason) as caught:
        resolve(home, guarded.name("acme/private:1"), {"credsStore": "vault"})
    assert "canary" not in f"{caught.value.message} {caught.value.hint}"
    assert resolve(home, guarded.name("open/yolo:1"), {"credsStore": "vault"})[0] == pushed
