"""Semantic versions: what a change means for those who use a model."""

from __future__ import annotations

from mvc.api.handle import Handle
from mvc.api.session import Revision
from mvc.porcelain.semver import Bump, bump


class SemanticVersions(Handle):
    """The methods of a model for semantic versions; `Tags.create_next` tags one."""

    def semver(self, old: Revision, new: Revision = "HEAD") -> Bump:
        """Return which part of MAJOR.MINOR.PATCH the change from `old` to `new` requires, with a reason for each change."""
        ends = (self._session.resolve(self.name, revision) for revision in (old, new))
        return bump(self._session.of(self.name), *ends)
