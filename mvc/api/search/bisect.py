"""Bisects: the version that introduced a fault, by a function that tests versions, or from records alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mvc.api.handle import Handle
from mvc.api.session import Revision
from mvc.api.version import Version
from mvc.model.ids import VersionId
from mvc.porcelain import bisect, bisect_find
from mvc.porcelain.bisect import BisectState
from mvc.porcelain.bisect_find import FoundVersion


class Bisects(Handle):
    """The methods of a model that find the version that introduced a fault."""

    def bisect(
        self,
        good: Revision | Iterable[Revision],
        bad: Revision,
        test: Callable[[Version], bool | None],
        *,
        first_parent: bool = False,
    ) -> BisectState:
        """Return the bisect between good versions and a bad one; `first_bad` of it is the first bad version, or None.

        `test` is called with few of the versions between; it returns True for a good version, False for a bad one, and None
        for one that cannot be tested. A bisect of the command line is neither read nor changed. Raises BisectContradiction.
        """
        ends = [good] if isinstance(good, str) or not isinstance(good, Iterable) else good
        return bisect.search(
            self._session.of(self.name),
            self._session.resolve(self.name, bad),
            [self._session.resolve(self.name, revision) for revision in ends],
            lambda id_: test(Version(self._session, self.name, id_)),
            first_parent=first_parent,
        )

    def find_drop(
        self, metric: str, drop: float, *, good: Revision | None = None, bad: Revision = "HEAD"
    ) -> FoundVersion:
        """Return the first version up to `bad` whose metric is worse than that of `good` by `drop` or more.

        No file is read. `good` is by default the newest version with the best value; of a loss, an error or a duration, more is
        worse. Raises BadDrop, NothingDropped, NoVersionHasKey.
        """
        ends = self._end(good), self._session.resolve(self.name, bad)
        return bisect_find.find_drop(self._session.of(self.name), metric, drop, ends[1], ends[0])

    def find_class_change(self, label: str, *, good: Revision | None = None, bad: Revision = "HEAD") -> FoundVersion:
        """Return the first version up to `bad` that removed or renumbered a class of `good`; `change` names it.

        `good` is by default the oldest version with the class. Raises ClassUnchanged, NoVersionHasKey.
        """
        ends = self._end(good), self._session.resolve(self.name, bad)
        return bisect_find.find_class_change(self._session.of(self.name), label, ends[1], ends[0])

    def _end(self, revision: Revision | None) -> VersionId | None:
        return None if revision is None else self._session.resolve(self.name, revision)
