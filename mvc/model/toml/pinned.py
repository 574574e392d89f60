"""The pinned digest of a docker image: it belongs to one image, and is not kept for another image or tag.

    image = "acme/yolo", tag = "1.4", digest = "sha256:7d3f…"  ─ tag = "1.5" ─►  image = "acme/yolo", tag = "1.5"

`digest = "auto"` is kept: each commit resolves it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.model.toml import schema
from mvc.model.toml.rules import WARNING, Problem

if TYPE_CHECKING:
    from mvc.model import image
else:
    image = lazy.Module("mvc.model.image")

DIGEST: schema.Path = ("docker", "digest")
IMAGE: tuple[schema.Path, ...] = (("docker", "image"), ("docker", "tag"))
"""The keys that name the image."""
FIX = "`mvc docker resolve` records the new one"
REMOVED = Problem(WARNING, schema.dotted(DIGEST), "removed, since the image changed", FIX)
"""The warning about a digest that was removed."""


def is_stale(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return True if the section `new` has the pinned digest of `old`, but names another image or tag."""
    digest = new.get("digest")
    if not isinstance(digest, str) or not schema.IMAGE_DIGEST.match(digest) or old.get("digest") != digest:
        return False
    return old.get("image") is not None and _image(old) != _image(new)


def kept(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[Problem]:
    """Return the warning about a digest that was kept when the image or tag was edited, if it was."""
    if not is_stale(old, new):
        return ()
    message = f"{_called(new)} has the digest of {_called(old)}, the image of the version before"
    return (Problem(WARNING, schema.dotted(DIGEST), message, FIX),)


def _image(docker: Mapping[str, Any]) -> Any:
    """Return the image of a section by its full name; as written if that is not valid."""
    try:
        return image.Image.of(docker, "model.toml")
    except errors.MvcError:
        return docker.get("image"), docker.get("tag")


def _called(docker: Mapping[str, Any]) -> str:
    """Return the name of an image as model.toml has it."""
    image, tag = docker.get("image"), docker.get("tag")
    return f"{image}:{tag}" if image and tag else str(image or "no image")
