"""Names of images are read as docker reads them."""

from __future__ import annotations

import pytest

from mvc import errors
from mvc.model.image import Image, is_loopback

DIGEST = f"sha256:{'0f' * 32}"


@pytest.mark.parametrize(
    ("text", "tag", "whole", "host"),
    [
        ("ubuntu", None, "docker.io/library/ubuntu:latest", "registry-1.docker.io"),
        ("ubuntu", "24.04", "docker.io/library/ubuntu:24.04", "registry-1.docker.io"),
        ("acme/yolo", "1.4", "docker.io/acme/yolo:1.4", "registry-1.docker.io"),
        ("acme/yolo:1.4", None, "docker.io/acme/yolo:1.4", "registry-1.docker.io"),
        ("acme/yolo:1.4", "1.4", "docker.io/acme/yolo:1.4", "registry-1.docker.io"),
        ("docker.io/yolo", None, "docker.io/library/yolo:latest", "registry-1.docker.io"),
        ("index.docker.io/acme/yolo", None, "docker.io/acme/yolo:latest", "registry-1.docker.io"),
        ("ghcr.io/acme/deep/yolo", "x_1", "ghcr.io/acme/deep/yolo:x_1", "ghcr.io"),
        ("ghcr.io/yolo", None, "ghcr.io/yolo:latest", "ghcr.io"),
        ("localhost/yolo", None, "localhost/yolo:latest", "localhost"),
        ("localhost:5000/yolo:2", None, "localhost:5000/yolo:2", "localhost:5000"),
        ("[::1]:5000/yolo", None, "[::1]:5000/yolo:latest", "[::1]:5000"),
        ("Registry/yolo", None, "Registry/yolo:latest", "Registry"),
        ("a__b/c-d/e.f", None, "docker.io/a__b/c-d/e.f:latest", "registry-1.docker.io"),
        (f"acme/yolo@{DIGEST}", None, f"docker.io/acme/yolo@{DIGEST}", "registry-1.docker.io"),
        (f"acme/yolo:1.4@{DIGEST}", "1.4", f"docker.io/acme/yolo@{DIGEST}", "registry-1.docker.io"),
    ],
)
def test_a_name_is_spelled_out(text: str, tag: str | None, whole: str, host: str) -> None:
    image = Image.parse(text, tag)
    assert (str(image), image.host) == (whole, host)


@pytest.mark.parametrize(
    ("text", "tag", "reason"),
    [
        ("https://ghcr.io/acme/yolo", None, "it is a URL"),
        ("acme/yolo:1.4", "1.5", "its tag 1.4 differs from docker.tag, 1.5"),
        ("acme/yolo", "-x", "'-x' is not a tag"),
        ("acme/yolo:", None, "'' is not a tag"),
        ("acme/yolo@sha256:12", None, "the part after @"),
        ("acme/yolo@", None, "the part after @"),
        (f"acme/yolo@sha512:{'0f' * 64}", None, "the part after @"),
        ("acme/Yolo", None, "names are lower-case letters"),
        ("acme//yolo", None, "names are lower-case letters"),
        ("acme/../yolo", None, "names are lower-case letters"),
        ("ghcr.io/acme/yolo/", None, "names are lower-case letters"),
        ("a" * 300, None, "at most 255"),
        ("0f" * 32, None, "a local image id"),
        ("ghcr.io:99999/yolo", None, "not the name of a host"),
        ("-x.io/yolo", None, "not the name of a host"),
        ("user@ghcr.io/yolo", None, "the part after @"),
        ("evil.io/yolo?x=1", None, "names are lower-case letters"),
        ("evil.io\n/yolo", None, "not the name of a host"),
        ("", None, "names are lower-case letters"),
    ],
)
def test_an_invalid_image_name_is_refused(text: str, tag: str | None, reason: str) -> None:
    with pytest.raises(errors.BadImage) as caught:
        Image.parse(text, tag)
    assert reason in caught.value.message


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:5000", "::1"]
)
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "ghcr.io",
        "localhost.evil.io",
        "127.0.0.1.evil.io",
        "10.0.0.1",
        "",
        "[::2]",
        "1270.0.0.1",
        "127.0.0.256",
        "127.0.0.1x",
        "127.1",
    ],
)
def test_others_are_not_this_machine(host: str) -> None:
    assert not is_loopback(host)


def test_a_section_without_an_image_says_what_to_set() -> None:
    with pytest.raises(errors.NoImage, match=r"model\.toml names no docker image"):
        Image.of({"tag": "1"}, "model.toml")
