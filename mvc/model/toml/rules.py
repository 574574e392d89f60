"""What a commit asks of `model.toml` beyond its types: each breach a problem with its key and its remedy.

Errors refuse the commit, warnings do not: a framework that Picsellia does not know is nobody's mistake, a class
without a name is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from mvc import errors
from mvc.model import labelmap, names, paths
from mvc.model.manifest import Manifest
from mvc.model.toml import schema
from mvc.model.toml.schema import IMAGE_DIGEST, IMAGE_TAG

ERROR, WARNING = "error", "warning"
LABELS_ROLE = "labelmap"
"""The role of the file that `labelmap.path` names."""
MAX_ROLE = 200
"""Letters of a role as it is written in `[files]`."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/]+\S*\Z")
_GLOB = re.compile(r"[*?\[]")
_ESCAPED = re.compile(r"\[[*?\[]\]")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """One breach: `severity` is `error` or `warning`, `key` where it lies, `fix` what to do."""

    severity: str
    key: str
    message: str
    fix: str = ""

    def to_json(self) -> dict[str, str]:
        """For machines."""
        return asdict(self)


def check(manifest: Manifest, tree_paths: Iterable[str] = ()) -> tuple[Problem, ...]:
    """All problems of a manifest and of the paths of its tree, errors first."""
    rules: tuple[Callable[[Manifest], Iterator[Problem]], ...] = (
        _about, _vocabulary, _links, _labels, _roles, _docker, _intent, _requirements,
    )  # fmt: skip
    found = [problem for rule in rules for problem in rule(manifest)]
    found += _tree(tree_paths)
    return tuple(sorted(found, key=lambda problem: problem.severity))


def _about(manifest: Manifest) -> Iterator[Problem]:
    try:
        names.check_model_key(manifest.name)
    except errors.BadModelKey as error:
        yield Problem(ERROR, "model.name", error.message, error.hint)
    parent = manifest.model.get("parent")
    if parent is not None and not _is_model_revision(parent):
        yield Problem(ERROR, "model.parent", f"{parent!r} is not MODEL@REVISION", "write it as base-yolo@v3")


def _is_model_revision(text: str) -> bool:
    key, at, revision = text.partition("@")
    try:
        names.check_model_key(key)
    except errors.BadModelKey:
        return False
    return bool(at and revision) and revision.isprintable() and " " not in revision


def _vocabulary(manifest: Manifest) -> Iterator[Problem]:
    for key, words in (("type", schema.TYPES), ("framework", schema.FRAMEWORKS)):
        word = manifest.model.get(key)
        if word is not None and word not in words:
            yield Problem(WARNING, f"model.{key}", f"Picsellia does not know {word!r}", f"it knows {', '.join(words)}")


def _links(manifest: Manifest) -> Iterator[Problem]:
    links = {f"model.links.{number}": link for number, link in enumerate(manifest.model.get("links", ()))}
    links |= {"model.notebook": manifest.model.get("notebook")}
    links |= {"source.experiment.url": manifest.source.get("experiment", {}).get("url")}
    for key, link in links.items():
        if link is not None and not _URL.match(link):
            yield Problem(WARNING, key, f"{link!r} is not an address", "write it as https://...")


def _labels(manifest: Manifest) -> Iterator[Problem]:
    missing = labelmap.gaps(manifest.labelmap)
    if missing and not manifest.model.get("labelmap_sparse", False):
        named = ", ".join(_run(each) for each in missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        fix = f"`mvc set labelmap.{missing[0].start}=NAME`, or `mvc set model.labelmap_sparse=true` if it is meant so"
        yield Problem(ERROR, "labelmap", f"there is no class {named}", fix)
    for name, numbers in labelmap.duplicates(manifest.labelmap).items():
        if name.strip():
            classes = ", ".join(map(str, numbers[:_SHOWN]))
            yield Problem(
                ERROR, "labelmap", f"classes {classes} are all called {name!r}", "give each a name of its own"
            )
    for number in labelmap.nameless(manifest.labelmap)[:_SHOWN]:
        fix = f"`mvc set labelmap.{number}=NAME`"
        yield Problem(ERROR, f"labelmap.{number}", f"class {number} has no name", fix)


def _run(numbers: range) -> str:
    return str(numbers.start) if len(numbers) == 1 else f"{numbers.start} to {numbers.stop - 1}"


def _roles(manifest: Manifest) -> Iterator[Problem]:
    for role, pattern in manifest.files.items():
        key = schema.dotted(("files", role))
        fault = role_fault(role)
        if fault:
            yield Problem(ERROR, key, fault, "choose another role, such as model-latest")
        if role == LABELS_ROLE and manifest.labelmap_path not in (None, pattern):
            yield Problem(
                ERROR, key, f"labelmap.path is {manifest.labelmap_path!r}", "name the same file, or remove it"
            )
        yield from _path(pattern, key)
    if manifest.labelmap_path is not None:
        yield from _path(manifest.labelmap_path, "labelmap.path")


def role_fault(role: str) -> str | None:
    """Why `role` cannot be one of `[files]`; None when it can."""
    if not role.strip() or role != role.strip() or len(role) > MAX_ROLE or not role.isprintable():
        return f"a role is 1 to {MAX_ROLE} printable letters without a space at its ends"
    if role[0] in "-./" or role[-1] == "/" or ":" in role:
        return "a role does not begin with - . or /, end with /, or have a colon"
    return None


def _path(pattern: str, key: str) -> Iterator[Problem]:
    """A path must be one that a version can hold; of a glob, each wildcard is taken for a letter, as is `[[]`."""
    try:
        paths.check_path(_GLOB.sub("x", _ESCAPED.sub("x", pattern)))
    except (errors.UnsafePath, errors.UnportablePath) as error:
        yield Problem(ERROR, key, f"{paths.escape_name(pattern)}: {error.fields['reason']}", error.hint)


def _tree(tree_paths: Iterable[str]) -> Iterator[Problem]:
    tree_paths = list(tree_paths)
    for path in tree_paths:
        yield from _path(path, "files")
    for first, second in paths.collisions(tree_paths):
        message = f"{first} and {second} are one name on some systems"
        yield Problem(ERROR, "files", message, "rename one of them")


def _docker(manifest: Manifest) -> Iterator[Problem]:
    docker = manifest.docker
    digest, tag, image = docker.get("digest"), docker.get("tag"), docker.get("image")
    if isinstance(digest, str) and not IMAGE_DIGEST.match(digest):
        fix = "write sha256: and 64 hex digits, or auto"
        yield Problem(ERROR, "docker.digest", f"{digest!r} is not a digest", fix)
    if tag is not None and not IMAGE_TAG.match(tag):
        fix = "write letters, digits, _ . and -, at most 128"
        yield Problem(ERROR, "docker.tag", f"{tag!r} is not a tag", fix)
    if image is not None and (not image.strip() or re.search(r"\s", image)):
        yield Problem(ERROR, "docker.image", f"{image!r} is not the name of an image", "write it as acme/yolo")
    if image is None and docker.keys() & {"tag", "digest"}:
        yield Problem(WARNING, "docker.image", "a tag or digest without an image", "`mvc set docker.image=NAME`")


def _intent(manifest: Manifest) -> Iterator[Problem]:
    own = {require.get("use") for require in manifest.intent.get("require", ())}
    for use in manifest.intent.get("ready_for", ()):
        if use not in own and not _is_use(use):
            message, fix = (
                f"no rule is known for {use!r}",
                f"known are {', '.join(schema.USES)}, and those of intent.require",
            )
            yield Problem(WARNING, "intent.ready_for", message, fix)


def _is_use(text: str) -> bool:
    """Whether `text` is a use, or one with its profile (`deployment/own`)."""
    use, slash, profile = text.partition("/")
    return use in schema.USES and (not slash or profile in schema.PROFILES[use])


def _requirements(manifest: Manifest) -> Iterator[Problem]:
    for number, require in enumerate(manifest.intent.get("require", ())):
        key = f"intent.require.{number}"
        if "use" not in require:
            yield Problem(ERROR, key, "it does not say for which use", 'add use = "deployment"')
        if len(_wanted(require)) != 1:
            yield Problem(
                ERROR, key, "it asks for one thing: a role, a metric with min, or a format", "split it in two"
            )
        if ("metric" in require) != ("min" in require):
            yield Problem(ERROR, key, "a metric comes with its min", "add the other")


def _wanted(require: dict[str, Any]) -> set[str]:
    return require.keys() & {"role", "metric", "format"}
