"""Refs that only one role may move on a remote: their folders there, and the roles.

A push only creates names, and the moves of a ref are the names in one folder, `refs/<model>/<kind>/<name>/`. So a
client that cannot create names in that folder cannot move the ref.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from mvc import errors
from mvc.model import names
from mvc.remotes.backends.address import Address
from mvc.scan.policy.rule import ALIAS, BRANCH, TAG, Rule
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS

_KINDS = {BRANCH: HEADS, TAG: TAGS, ALIAS: ALIASES}
_WILDCARDS = "*?["
ANY = "*"


class ProtectedRef(NamedTuple):
    """A ref that only a role may move, by its kind (as in paths) and its name, which may be a pattern as in policy.toml."""

    word: str
    name: str

    @property
    def text(self) -> str:
        """The ref as in an option or a rule: `alias:prod`."""
        return f"{self.word}:{self.name}"

    @property
    def is_pattern(self) -> bool:
        """True if the name has wildcards."""
        return any(sign in self.name for sign in _WILDCARDS)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are protected: all for a name, as they share one namespace; of a pattern its own.

        A branch `prod` that somebody else pushes would make `prod` ambiguous, or take the place of an alias that is not set.
        """
        return (_KINDS[self.word],) if self.is_pattern else (HEADS, TAGS, ALIASES)

    @property
    def component(self) -> str:
        """The name as a path component; `*`, `?` and `[...]` are `*`, since a character may be encoded as several."""
        return "".join(ANY if part is None else names.encode_component(part) for part in _parts(self.name))

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of its moves below `refs/<model>/`."""
        return tuple(f"{kind}/{self.component}" for kind in self.kinds)


class Access(NamedTuple):
    """The refs that are protected, the roles that may move them, and the others that push; both as the store names them."""

    refs: tuple[ProtectedRef, ...]
    roles: tuple[str, ...] = ()
    pushers: tuple[str, ...] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of all refs, each once."""
        return tuple(dict.fromkeys(folder for ref in self.refs for folder in ref.folders))

    def checked(self, check: Callable[[str], str | None], example: str) -> Access:
        """Return itself; raise BadPrincipal for a role or a pusher of which `check` returns what is wrong."""
        for who in (*self.roles, *self.pushers):
            reason = check(who)
            if reason is not None:
                raise errors.BadPrincipal(who=who, reason=reason, example=example)
        return self


def parse(text: str) -> ProtectedRef:
    """Return the ref of a text such as `alias:prod`. Raises BadProtection."""
    word, _, name = text.partition(":")
    if word not in _KINDS or not name:
        raise errors.BadProtection(text=text, reason="write branch:NAME, tag:NAME or alias:NAME")
    ref = ProtectedRef(word, name)
    if not ref.is_pattern:
        try:
            names.check_ref_name(name)
        except errors.BadRefName as error:
            raise errors.BadProtection(text=text, reason=error.fields["reason"]) from None
    elif not name.isprintable() or len(name) > names.MAX_REF_BYTES:
        raise errors.BadProtection(text=text, reason="it is not a pattern of a name")
    return ref


def path_in_bucket(address: Address, unfit: re.Pattern[str]) -> str:
    """Return the path of a remote in its bucket, with a slash at the end, for a condition. Raises BadProtection.

    A URL may name characters that it cannot have itself, as `%0a`: in a script, they would end the text of the condition.
    """
    if unfit.search(address.path) or not address.path.isprintable():
        raise errors.BadProtection(text=address.text, reason="its path has characters that a condition cannot have")
    return f"{address.path}/" if address.path else ""


def of_rules(rules: Iterable[Rule]) -> tuple[ProtectedRef, ...]:
    """Return the refs of the rules that say who approves a version or where it comes from: `signed-by`, `from`."""
    events = (event for rule in rules if rule.signed_by or rule.source for event in rule.on)
    return tuple(dict.fromkeys(parse(event) for event in events if event.partition(":")[0] in _KINDS))


def _parts(pattern: str) -> Iterator[str | None]:
    """Yield the characters of a pattern, and None for each wildcard, of neighbours once."""
    place, wild = 0, False
    while place < len(pattern):
        sign = pattern[place]
        end = pattern.find("]", place + 2) if sign == "[" else -1
        is_wild = sign in "*?" or end != -1
        if not is_wild or not wild:
            yield None if is_wild else sign
        place, wild = (end if end != -1 else place) + 1, is_wild
