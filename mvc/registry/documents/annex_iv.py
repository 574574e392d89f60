"""The facts of a version under the points of Annex IV of Regulation (EU) 2024/1689, as far as a version records them.

Each point of 1, 2 and 6 is listed; what the version does not record is marked as open, for the provider to write. It is
not a statement of conformity. Source: https://eur-lex.europa.eu/eli/reg/2024/1689/oj, Annex IV; the headings are paraphrased.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mvc.deferred import dataclass
from mvc.registry.documents import sections
from mvc.registry.documents.changes import Since
from mvc.registry.documents.documented_version import DocumentedVersion

NOTE = (
    "Facts that the version records, under the points 1, 2 and 6 of Annex IV of Regulation (EU) 2024/1689. Points marked "
    "as open, and the points 3 to 5 and 7 to 9, are for the provider to write. This is not a statement of conformity."
)
Facts = Callable[[DocumentedVersion], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the annex: its letter and heading, the facts that belong to it, and what they leave open."""

    name: str
    facts: tuple[Facts, ...] = ()
    open: str = ""


def _model(version: DocumentedVersion) -> Iterator[str]:
    yield f"- model {sections.plain(version.manifest.name)}, version {version.version.number}"
    manifest = version.manifest
    yield from sections.of_facts({"type": manifest.type or "", "framework": manifest.framework or ""})


def _documents(version: DocumentedVersion) -> Iterator[str]:
    notebook = version.manifest.model.get("notebook")
    yield from sections.of_facts({"notebook": str(notebook) if notebook else ""})


_GENERAL = (
    Point("(a) intended purpose, provider, version and its relation to earlier ones",
          (_model, sections.description, sections.uses, sections.origin), "the provider's name and address"),
    Point("(b) interaction with other hardware, software and AI systems", (), "not recorded"),
    Point("(c) versions of software and firmware", (sections.container, sections.experiment), "update requirements"),
    Point("(d) forms in which it is placed on the market", (sections.files,), "packages, downloads, APIs"),
    Point("(e) hardware on which it is intended to run", (), "not recorded"),
    Point("(f) external features of products that it is part of", (), "not recorded"),
    Point("(g) user interface for the deployer", (), "not recorded"),
    Point("(h) instructions for use", (_documents,), "instructions for the deployer"),
)  # fmt: skip
_DEVELOPMENT = (
    Point("(a) methods and steps of development, pre-trained systems", (sections.training,), "the reasons for them"),
    Point("(b) design specifications, general logic, key design choices", (sections.classes,), "rationale, trade-offs"),
    Point("(c) system architecture and computational resources", (_model,), "architecture, resources for training"),
    Point("(d) data requirements: provenance, selection, labelling, cleaning", (sections.datasets,),
          "data sheets of the datasets"),
    Point("(e) human oversight", (), "not recorded"),
    Point("(f) changes that were determined in advance", (), "not recorded"),
    Point("(g) validation and testing, metrics, test logs", (sections.metrics, sections.evaluations),
          "test data, discriminatory impacts, signed test reports"),
    Point("(h) cybersecurity measures", (), "not recorded; the BLAKE3 of each file is under 1 (d)"),
)  # fmt: skip


def lines(version: DocumentedVersion, since: Since | None) -> Iterator[str]:
    """Yield the text of a card in the order of the annex."""
    yield f"## Version {version.version.number}"
    yield from ("", sections.plain(version.version.subject), "", NOTE)
    yield from ("", "## 1. General description")
    yield from _points(version, _GENERAL)
    yield from ("", "## 2. Elements of the system, and the process for its development")
    yield from _points(version, _DEVELOPMENT)
    yield from ("", "## 6. Changes through the lifecycle", "")
    if since is None:
        yield "- the first version: no earlier one to compare with"
    else:
        yield f"Since {sections.plain(since.label)}:"
        yield from ("", *sections.changes(since))


def _points(version: DocumentedVersion, points: Iterable[Point]) -> Iterator[str]:
    for point in points:
        yield from ("", f"### {point.name}")
        for facts in point.facts:
            listed = list(facts(version))
            yield from ("", *listed) if listed else ()
        yield from ("", f"*Open: {point.open}.*")
