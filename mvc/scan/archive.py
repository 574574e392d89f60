"""Archives as layouts see them: the names of the members, and the content of each as a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mvc.formats.source import Source


class Archive:
    """The members of a zip or tar archive, for rules on their layout.

    A layout opens the members that its loader interprets, and claims those that it has accounted for. The others are
    scanned by their content afterwards.
    """

    def __init__(self, kind: str, sizes: Mapping[str, int], read: Callable[[str], Source], name: str = "") -> None:
        """Remember the members' sizes in bytes, unfolded, by name, and a function that opens one.

        `kind` is the format of the archive, `name` that of its file.
        """
        self.kind = kind
        self.name = name
        self.sizes = sizes
        self.claimed: set[str] = set()
        self._read = read

    @property
    def root(self) -> str:
        """The folder of the first member with a slash, `run/`; `""` if the first member is in none."""
        first = next(iter(self.sizes), "")
        folder, slash, _ = first.partition("/")
        return folder + slash if slash else ""

    def open(self, name: str) -> Source:
        """Return the content of a member, unfolded. Raises KeyError, and HeaderError if its bytes are malformed."""
        if name not in self.sizes:
            raise KeyError(name)
        return self._read(name)

    def claim(self, *names: str) -> None:
        """Take members as accounted for; they are not scanned by their content."""
        self.claimed.update(names)
