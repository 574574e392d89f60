"""Versions: immutable objects like Git's commits, with author, time, message, parents, manifest and tree.

    {"author":{"email":"ana@example.org","name":"Ana"},"kind":"version","manifest":"1f…","message":"First baseline",
     "model_toml":"77…","number":1,"parents":[],"time":{"offset":60,"seconds":1770112800},"tree":"60…"}

Changes are not stored: they are the difference from the first parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Protocol, Self

from mvc import errors
from mvc.deferred import dataclass, regex
from mvc.model import canonical
from mvc.model.ids import FileId, ManifestId, TreeId, VersionId, digest, is_id

MAX_PARENTS = 64
MAX_MESSAGE = 1 << 20
"""Bytes of a message, at most."""
_MAX_OFFSET = 14 * 60
_MIN_SECONDS = -62_135_596_800 + 60 * _MAX_OFFSET  # the first second of year 1 in every time zone
_MAX_SECONDS = 253_402_300_799 - 60 * _MAX_OFFSET  # the last second of year 9999 in every time zone
_PERSON = regex(r"\s*(?P<name>[^<>]*?)\s*<(?P<email>[^<>\s]*)>\s*\Z")
_STAMP = regex(r"@?(?P<seconds>-?[0-9]{1,12}) (?P<sign>[+-])(?P<hours>[0-9]{2})(?P<minutes>[0-9]{2})\Z")
_REQUIRED = {"kind", "parents", "number", "author", "time", "message", "manifest", "tree", "model_toml"}
_OPTIONAL = {"code", "ext"}


def check_message(text: str) -> None:
    """Raise EmptyMessage or BadMessage unless `text` is valid as a message."""
    if not text.strip():
        raise errors.EmptyMessage
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise errors.BadMessage(reason="it is not UTF-8")
    if len(text.encode()) > MAX_MESSAGE:
        raise errors.BadMessage(reason=f"it is longer than {MAX_MESSAGE >> 20} MiB")


@dataclass(frozen=True, slots=True)
class Person:
    """The author of a version."""

    name: str
    email: str

    def __str__(self) -> str:
        """Return `Ana <ana@example.org>`."""
        return f"{self.name} <{self.email}>"

    @property
    def shown(self) -> str:
        """The person as output shows it: without `<>` if there is no e-mail address, as of an imported version."""
        return str(self) if self.email else self.name

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `Name <e-mail>`; raise BadAuthor."""
        match = _PERSON.match(text)
        if not match or not match["name"] or not text.isprintable():
            raise errors.BadAuthor(text=text)
        return cls(match["name"], match["email"])


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A moment in whole seconds since 1970 UTC, with the offset of the local clock in minutes east of UTC."""

    seconds: int
    offset: int = 0

    def __str__(self) -> str:
        """Return RFC 3339 with the offset: `2026-02-03T10:00:00+01:00`."""
        return self.local().isoformat()

    def local(self) -> datetime:
        """Return the moment as a datetime in its time zone."""
        return datetime.fromtimestamp(self.seconds, timezone(timedelta(minutes=self.offset)))

    def utc(self) -> str:
        """Return RFC 3339 in UTC: `2026-02-03T09:00:00Z`."""
        return datetime.fromtimestamp(self.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def to_json(self) -> dict[str, int]:
        """Return the timestamp as objects store it."""
        return {"seconds": self.seconds, "offset": self.offset}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Parse a stored timestamp; raise NotCanonical."""
        if not isinstance(value, dict) or set(value) != {"seconds", "offset"}:
            raise errors.NotCanonical(reason="a time does not have seconds and offset")
        seconds, offset = value["seconds"], value["offset"]
        if type(seconds) is not int or type(offset) is not int:
            raise errors.NotCanonical(reason="a time is not in whole numbers")
        if not _MIN_SECONDS <= seconds <= _MAX_SECONDS or abs(offset) > _MAX_OFFSET:
            raise errors.NotCanonical(reason="a time is out of range")
        return cls(seconds, offset)

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Return the timestamp of a datetime with a time zone."""
        offset = moment.utcoffset() or timedelta()
        return cls(int(moment.timestamp()), int(offset.total_seconds() // 60))

    @classmethod
    def parse(cls, text: str, *, offset: int = 0) -> Self:
        """Parse RFC 3339 (without zone: `offset` minutes), a date, or Git's `@SECONDS +HHMM`.

        Raises BadDate.
        """
        match = _STAMP.match(text.strip())
        try:
            if match:
                minutes = int(match["hours"]) * 60 + int(match["minutes"])
                stamp = cls(int(match["seconds"]), -minutes if match["sign"] == "-" else minutes)
                return cls.from_json(stamp.to_json())
            moment = datetime.fromisoformat(text.strip())
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
            return cls.from_json(cls.of(moment).to_json())
        except (ValueError, OverflowError, errors.NotCanonical):
            raise errors.BadDate(text=text) from None


@dataclass(frozen=True, slots=True)
class Code:
    """The Git commit of the training code; `dirty` if its tracked files differed from it."""

    commit: str
    branch: str | None
    remote: str | None
    dirty: bool

    def to_json(self) -> dict[str, Any]:
        """Return the commit as objects store it."""
        return {"commit": self.commit, "branch": self.branch, "remote": self.remote, "dirty": self.dirty}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Parse a stored commit; raise NotCanonical."""
        if not isinstance(value, dict) or set(value) != {"commit", "branch", "remote", "dirty"}:
            raise errors.NotCanonical(reason="code does not have commit, branch, remote and dirty")
        has_texts = all(value[key] is None or isinstance(value[key], str) for key in ("branch", "remote"))
        if not isinstance(value["commit"], str) or not has_texts or type(value["dirty"]) is not bool:
            raise errors.NotCanonical(reason="a field of code has the wrong type")
        return cls(**value)


class WalkedFields(Protocol):
    """The fields of a version that a walk over its history uses."""

    @property
    def parents(self) -> tuple[VersionId, ...]:
        """The ids of its parents."""

    @property
    def number(self) -> int:
        """The number."""

    @property
    def time(self) -> Timestamp:
        """The time."""


class VersionFields(WalkedFields, Protocol):
    """The fields of a version that queries use, read from its object or from a cache."""

    @property
    def author(self) -> Person:
        """The author."""

    @property
    def message(self) -> str:
        """The message."""

    @property
    def subject(self) -> str:
        """The first line of the message."""

    @property
    def manifest(self) -> ManifestId:
        """The id of the manifest."""

    @property
    def tree(self) -> TreeId:
        """The id of the tree."""

    @property
    def code(self) -> Code | None:
        """The Git commit of the training code."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `number` is its first parent's plus one; `ext` is a map of later releases, kept as it is."""

    parents: tuple[VersionId, ...]
    number: int
    author: Person
    time: Timestamp
    message: str
    manifest: ManifestId
    tree: TreeId
    model_toml: FileId
    code: Code | None = None
    ext: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    def id(self) -> VersionId:
        """Return the id of the bytes."""
        return VersionId(digest(self.encode()))

    def encode(self) -> bytes:
        """Return the canonical bytes; raise NotCanonical."""
        record: dict[str, Any] = {
            "kind": "version",
            "parents": list(self.parents),
            "number": self.number,
            "author": {"name": self.author.name, "email": self.author.email},
            "time": self.time.to_json(),
            "message": self.message,
            "manifest": self.manifest,
            "tree": self.tree,
            "model_toml": self.model_toml,
        }
        if self.code is not None:
            record["code"] = self.code.to_json()
        if self.ext:
            record["ext"] = dict(self.ext)
        _check(record)
        return canonical.encode(record)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode canonical bytes; raise NotCanonical."""
        record = canonical.decode(data)
        _check(record)
        return cls(
            tuple(VersionId(id_) for id_ in record["parents"]),
            record["number"],
            Person(**record["author"]),
            Timestamp.from_json(record["time"]),
            record["message"],
            record["manifest"],
            record["tree"],
            record["model_toml"],
            Code.from_json(record["code"]) if "code" in record else None,
            record.get("ext", {}),
        )


def _check(record: Any) -> None:
    """Raise NotCanonical unless `record` has the fields of a version, with valid types and within the limits."""
    if not isinstance(record, dict) or record.get("kind") != "version":
        raise errors.NotCanonical(reason="it is not a version")
    if not _REQUIRED <= set(record) <= _REQUIRED | _OPTIONAL:
        raise errors.NotCanonical(reason="it does not have the fields of a version")
    parents, author, message = record["parents"], record["author"], record["message"]
    if not isinstance(parents, list) or len(parents) > MAX_PARENTS or not all(map(is_id, parents)):
        raise errors.NotCanonical(reason=f"parents are not a list of at most {MAX_PARENTS} ids")
    if not all(is_id(record[key]) for key in ("manifest", "tree", "model_toml")):
        raise errors.NotCanonical(reason="manifest, tree and model_toml are not ids")
    if type(record["number"]) is not int or record["number"] < 1:
        raise errors.NotCanonical(reason="number is not a whole number from 1")
    if not isinstance(author, dict) or set(author) != {"name", "email"} or not all(map(_is_text, author.values())):
        raise errors.NotCanonical(reason="author does not have name and email")
    if not _is_text(message) or len(message.encode("utf-8", "surrogatepass")) > MAX_MESSAGE:
        raise errors.NotCanonical(reason=f"message is not text of at most {MAX_MESSAGE} bytes")
    if "ext" in record and (not isinstance(record["ext"], dict) or not record["ext"]):
        raise errors.NotCanonical(reason="ext is an empty map or not a map")
    Timestamp.from_json(record["time"])
    if "code" in record:
        Code.from_json(record["code"])


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
