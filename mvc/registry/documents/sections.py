"""The sections of a model card: each yields lines of Markdown, none if the version does not record what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mvc.model.ids import SHORT
from mvc.model.paths import escape_name
from mvc.plural import size
from mvc.registry.documents import values
from mvc.registry.documents.changes import Since
from mvc.registry.documents.documented_version import DocumentedVersion

_MAX_ROWS = 100
"""Rows of a table, at most: a card is for people."""


def lines(version: DocumentedVersion, since: Since | None) -> Iterator[str]:
    """Yield the sections in the order of a model card."""
    yield f"## Version {version.version.number}"
    yield ""
    yield plain(version.version.subject)
    yield from _paragraph(description(version))
    for title, content in (
        ("Intended use", uses(version)),
        ("Metrics", metrics(version)),
        ("Evaluations", evaluations(version)),
        ("Classes", classes(version)),
        ("Training", training(version)),
        ("Files", files(version)),
        ("Docker image", container(version)),
        (f"Changes since {plain(since.label)}" if since is not None else "", changes(since)),
        ("Origin", origin(version)),
    ):
        yield from _section(f"### {title}", content)


def _section(title: str, content: Iterable[str]) -> Iterator[str]:
    listed = list(content)
    if listed:
        yield from ("", title, "", *listed)


def _paragraph(content: Iterable[str]) -> Iterator[str]:
    for line in content:
        yield from ("", line)


def description(version: DocumentedVersion) -> Iterator[str]:
    """Yield the description of the model."""
    text = version.manifest.model.get("description")
    yield from (plain(str(text)),) if text else ()


def uses(version: DocumentedVersion) -> Iterator[str]:
    """Yield the intended uses of the model."""
    yield from (f"- {plain(use)}" for use in version.manifest.intent.get("ready_for", ()))


def metrics(version: DocumentedVersion) -> Iterator[str]:
    """Yield the table of the metrics."""
    yield from table(("metric", "value"), ((key, str(value)) for key, value in version.manifest.metrics.items()))


def evaluations(version: DocumentedVersion) -> Iterator[str]:
    """Yield the table of the newest evaluation on each dataset."""
    rows = (
        (evaluation.named, name, str(value))
        for evaluation in version.evaluations
        for name, value in sorted(evaluation.metrics.items())
    )
    yield from table(("dataset", "metric", "value"), rows)


def classes(version: DocumentedVersion) -> Iterator[str]:
    """Yield the table of the classes."""
    yield from table(("class", "name"), ((str(number), name) for number, name in version.manifest.labelmap))


def training(version: DocumentedVersion) -> Iterator[str]:
    """Yield datasets, experiment and parameters."""
    yield from datasets(version)
    yield from experiment(version)
    listed = list(table(("parameter", "value"), values.flat(version.manifest.parameters)))
    yield from ("", *listed) if listed else ()


def datasets(version: DocumentedVersion) -> Iterator[str]:
    """Yield the dataset versions."""
    for dataset in version.manifest.source.get("datasets", ()):
        name = "@".join(str(dataset[key]) for key in ("name", "version") if dataset.get(key))
        alias = f" ({plain(str(dataset['alias']))})" if dataset.get("alias") else ""
        yield f"- dataset {plain(name or str(dataset.get('id', 'without a name')))}{alias}"


def experiment(version: DocumentedVersion) -> Iterator[str]:
    """Yield the experiment, and the Git commit of the training code."""
    run, commit = version.manifest.source.get("experiment", {}), version.version.code
    if run:
        name = str(run.get("name") or run.get("id") or "without a name")
        yield f"- experiment {plain(name)}{_address(run.get('url'))}"
    if commit is not None:
        dirty = ", with changes that were not committed" if commit.dirty else ""
        yield f"- code at commit {code(commit.commit)}{dirty}"


def files(version: DocumentedVersion) -> Iterator[str]:
    """Yield the table of the files, with the license that each names if they were read."""
    named = {claim.path: claim.license.shown for claim in version.claims}
    head = ("role", "file", "size", "BLAKE3", *(("license",) if named else ()))
    rows = (
        (", ".join(version.roles(entry)), entry.path, size(entry.size), entry.file[:SHORT])
        + ((named.get(entry.path, ""),) if named else ())
        for entry in version.tree.entries
    )
    yield from table(head, rows)


def container(version: DocumentedVersion) -> Iterator[str]:
    """Yield the docker image."""
    docker, digest = version.manifest.docker, version.manifest.docker_digest
    if docker.get("image"):
        tag = f":{docker['tag']}" if docker.get("tag") else ""
        yield f"- {code(docker['image'] + tag)}" + (f", digest {code(digest)}" if digest else "")


def changes(since: Since | None) -> Iterator[str]:
    """Yield the changes of classes, values and files."""
    if since is None:
        return
    difference = since.difference
    labels = difference.labelmap
    yield from (f"- class {number} added: {plain(name)}" for number, name in labels.added)
    yield from (f"- class {number} removed: {plain(name)}" for number, name in labels.removed)
    yield from (f"- class {label.index} renamed: {plain(label.old)} to {plain(label.new)}" for label in labels.renamed)
    yield from (f"- class {plain(label.name)} moved: {label.old} to {label.new}" for label in labels.reindexed)
    for section in ("about", "metrics", "parameters", "docker", "source"):
        for change in difference.section(section)[:_MAX_ROWS]:
            yield f"- {section} {plain(change.key)}: {_value(change.old)} to {_value(change.new)}"
    for file in difference.files[:_MAX_ROWS]:
        yield f"- file {plain(file.entry.path)}: {_KINDS[file.kind]}"
    if difference.is_empty:
        yield "- none"


_KINDS = {"A": "added", "D": "deleted", "M": "modified", "R": "renamed"}


def origin(version: DocumentedVersion) -> Iterator[str]:
    """Yield the version, its author, its parents and the base model."""
    yield f"- version `{version.id}` by {plain(version.version.author.name)}, {version.version.time}"
    yield from (f"- parent {parent.name} `{parent.id}`" for parent in version.parents)
    base = version.manifest.model.get("parent")
    yield from (f"- base model {plain(str(base))}",) if base else ()
    if version.license is not None:
        yield f"- license {plain(version.license)}"
    yield from (f"- link{_address(link)}" for link in version.manifest.model.get("links", ()) if _address(link))


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield a table in Markdown; nothing without rows."""
    listed = list(rows)
    if not listed:
        return
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(map(plain, row))} |" for row in listed[:_MAX_ROWS])
    if len(listed) > _MAX_ROWS:
        yield f"\n{len(listed) - _MAX_ROWS} more."


def plain(text: str) -> str:
    """Return a text on one line, without an effect in Markdown's links, tables, comments and HTML, or on a terminal."""
    line = _one_line(text)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("`", "'")
    return line.replace("[", "\\[").replace("]", "\\]")


def code(text: str) -> str:
    """Return a text as code, on one line."""
    line = _one_line(text).replace("`", "'")
    return f"`{line}`"


def _one_line(text: str) -> str:
    """Return a text on one line, with unprintable characters as escapes."""
    return escape_name(" ".join(text.split()))


def _value(value: Any) -> str:
    return "not set" if value is None else plain(values.text(value))


def _address(address: object) -> str:
    """Return an address behind its name; nothing for one that is not a web page."""
    uri = values.uri(address)
    return f" <{uri}>" if uri is not None and uri.startswith(("https:", "http:")) else ""


def of_facts(facts: Mapping[str, str]) -> Iterator[str]:
    """Yield facts by name, those that are known."""
    yield from (f"- {name}: {plain(text)}" for name, text in facts.items() if text)
