"""Rules of a commit: what `model.toml` must satisfy beyond its types; each breach is a problem with key and remedy.

Errors refuse the commit, warnings do not: a link without https:// may be right, a class without a name is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mvc import errors
from mvc.deferred import dataclass, regex
from mvc.model import labelmap, names, paths
from mvc.model.document import Document
from mvc.model.manifest import Manifest
from mvc.model.roles import LABELMAP, MAGIC
from mvc.model.toml import schema
from mvc.model.toml.schema import IMAGE_DIGEST, IMAGE_TAG

ERROR, WARNING = "error", "warning"
MAX_ROLE = 200
"""Characters of a role in `[files]`, at most."""

_URL = regex(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/]+\S*\Z")
_ESCAPED = regex(r"\[[*?\[]\]")
_MAX_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Problem(Document):
    """A breach of a rule: `severity` is `error` or `warning`, `key` its place in model.toml, `fix` the remedy."""

    severity: str
    key: str
    message: str
    fix: str = ""


def check(manifest: Manifest, tree_paths: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Check a manifest and the paths of its tree; return all problems, errors first."""
    rules: tuple[Callable[[Manifest], Iterator[Problem]], ...] = (
        _model, _links, _labels, _roles, _docker, _intent, _requirements,
    )  # fmt: skip
    problems = [problem for rule in rules for problem in rule(manifest)]
    problems += _tree(tree_paths)
    return tuple(sorted(problems, key=lambda problem: problem.severity))


def _model(manifest: Manifest) -> Iterator[Problem]:
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


def _links(manifest: Manifest) -> Iterator[Problem]:
    links = {f"model.links.{number}": link for number, link in enumerate(manifest.model.get("links", ()))}
    links |= {"model.notebook": manifest.model.get("notebook")}
    links |= {"source.experiment.url": manifest.source.get("experiment", {}).get("url")}
    for key, link in links.items():
        if link is not None and not _URL.match(link):
            yield Problem(WARNING, key, f"{link!r} is not a URL", "write it as https://...")


def _labels(manifest: Manifest) -> Iterator[Problem]:
    gaps = labelmap.gaps(manifest.labelmap)
    if gaps and not manifest.model.get("labelmap_sparse", False):
        missing = ", ".join(map(_range, gaps[:_MAX_SHOWN])) + (", ..." if len(gaps) > _MAX_SHOWN else "")
        fix = f"{_name_class(manifest, gaps[0].start)}, or `mvc set model.labelmap_sparse=true` if this is intended"
        is_one = len(gaps) == len(gaps[0]) == 1
        message = f"class {missing} is missing" if is_one else f"classes {missing} are missing"
        yield Problem(ERROR, "labelmap", message, fix)
    for name, numbers in labelmap.duplicates(manifest.labelmap).items():
        if name.strip():
            classes = ", ".join(map(str, numbers[:_MAX_SHOWN]))
            yield Problem(ERROR, "labelmap", f"classes {classes} share the name {name!r}", "give each a unique name")
    for number in labelmap.nameless(manifest.labelmap)[:_MAX_SHOWN]:
        yield Problem(ERROR, f"labelmap.{number}", f"class {number} has no name", _name_class(manifest, number))


def _name_class(manifest: Manifest, number: int) -> str:
    """Return how a class gets a name: in the labelmap's file if there is one."""
    path = manifest.labelmap_path
    return f"edit {paths.escape_name(path)}" if path is not None else f"`mvc set labelmap.{number}=NAME`"


def _range(numbers: range) -> str:
    return str(numbers.start) if len(numbers) == 1 else f"{numbers.start} to {numbers.stop - 1}"


def _roles(manifest: Manifest) -> Iterator[Problem]:
    for role, pattern in manifest.files.items():
        key = schema.dotted(("files", role))
        fault = role_fault(role)
        if fault:
            yield Problem(ERROR, key, fault, "choose another role, such as model-latest")
        if role == LABELMAP and manifest.labelmap_path not in (None, pattern):
            yield Problem(
                ERROR, key, f"labelmap.path is {manifest.labelmap_path!r}", "name the same file, or remove it"
            )
        yield from _path(pattern, key)
    if manifest.labelmap_path is not None:
        yield from _path(manifest.labelmap_path, "labelmap.path")
    for section, path in manifest.value_paths.items():
        yield from _path(path, f"from.{section}")


def role_fault(role: str) -> str | None:
    """Return why `role` is not valid in `[files]`; None if it is."""
    if not role.strip() or role != role.strip() or len(role) > MAX_ROLE or not role.isprintable():
        return f"a role has 1 to {MAX_ROLE} printable characters, without a space at its ends"
    if role[0] in "-./" or role[-1] == "/" or ":" in role:
        return "a role does not begin with - . or /, end with /, or contain a colon"
    return None


def _path(pattern: str, key: str) -> Iterator[Problem]:
    """Check that a version can hold the path; in a glob, each wildcard and `[[]` is taken as one character."""
    try:
        paths.check_path(MAGIC.sub("x", _ESCAPED.sub("x", pattern)))
    except (errors.UnsafePath, errors.UnportablePath) as error:
        yield Problem(ERROR, key, f"{paths.escape_name(pattern)}: {error.fields['reason']}", error.hint)


def _tree(tree_paths: Iterable[str]) -> Iterator[Problem]:
    tree_paths = list(tree_paths)
    for path in tree_paths:
        yield from _path(path, "files")
    for first, second in paths.collisions(tree_paths):
        message = f"{first} and {second} are the same name on some systems"
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
    team_uses = {require.get("use") for require in manifest.intent.get("require", ())}
    for use in manifest.intent.get("ready_for", ()):
        if use not in team_uses and not _is_use(use):
            fix = f"use {', '.join(schema.USES)}, or one of intent.require"
            yield Problem(WARNING, "intent.ready_for", f"the use {use!r} has no rules", fix)


def _is_use(text: str) -> bool:
    """Return whether `text` is a use, with or without a profile (`deployment/own`)."""
    use, slash, profile = text.partition("/")
    return use in schema.USES and (not slash or profile in schema.PROFILES[use])


def _requirements(manifest: Manifest) -> Iterator[Problem]:
    for number, require in enumerate(manifest.intent.get("require", ())):
        key = f"intent.require.{number}"
        if "use" not in require:
            yield Problem(ERROR, key, "use is missing", 'add use = "deployment"')
        if len(_requirement_keys(require)) != 1:
            yield Problem(ERROR, key, "a rule has exactly one of role, metric with min, and format", "split it in two")
        if ("metric" in require) != ("min" in require):
            yield Problem(ERROR, key, "metric and min belong together", "add the other")


def _requirement_keys(require: dict[str, Any]) -> set[str]:
    return require.keys() & {"role", "metric", "format"}
