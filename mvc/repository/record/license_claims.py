"""License claims of a version's files, compared with `model.license`.

    model.license = "MIT"     weights/best.pt: AGPL-3.0     ─►  warning: model.license: MIT, but weights/best.pt says AGPL-3.0

Only headers, model cards and texts of licenses are read. A commit reads those of the files that changed, and all if
`model.license` did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mvc import errors
from mvc.model.compare import diff
from mvc.model.compare.diff import Snapshot
from mvc.model.licenses.claim import Claim, contradictions
from mvc.model.manifest import Manifest
from mvc.model.paths import escape_name
from mvc.model.toml.rules import WARNING, Problem
from mvc.model.tree import TreeEntry
from mvc.plural import first
from mvc.readiness.subject import Contents

KEY = "model.license"
_SHOWN = 3


def declared(manifest: Manifest) -> str | None:
    """Return the license of the model, None if it is not set."""
    text = manifest.model.get("license")
    return text if isinstance(text, str) and text.strip() else None


def of(look: Contents, entries: Iterable[TreeEntry]) -> Iterator[Claim]:
    """Yield the claims of the files that are here; a damaged file has none."""
    for entry in entries:
        try:
            yield from look.licenses(entry) or ()
        except (errors.Missing, errors.Damaged):
            continue


def check(look: Contents, old: Snapshot | None, new: Snapshot) -> tuple[Problem, ...]:
    """Return the warning about files of `new` that contradict its license, and that `old` did not have under it."""
    license_ = declared(new.manifest)
    if license_ is None:
        return ()
    entries: Iterable[TreeEntry] = new.tree.entries
    if old is not None and declared(old.manifest) == license_:
        changes = diff.compare_trees(old.tree, new.tree)
        entries = [change.new for change in changes if change.new is not None and change.bytes_changed]
    return problems(license_, of(look, entries))


def problems(license_: str, claims: Iterable[Claim]) -> tuple[Problem, ...]:
    """Return the warning about the claims that contradict a license."""
    wrong = contradictions(license_, claims)
    if not wrong:
        return ()
    listed = [f"{escape_name(claim.path)} says {claim.license.shown} ({claim.place})" for claim in wrong]
    fix = "`mvc ls --licenses` lists what the files say; set the license with `mvc set model.license=...`"
    return (Problem(WARNING, KEY, f"it is {license_}, but {first(listed, _SHOWN)}", fix),)
