"""`mvc remote policy`: what a store itself needs so that only one role may move certain refs there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import remote_kinds
from mvc.model.document import Document, keys
from mvc.remotes.backends import address
from mvc.remotes.backends.address import Address
from mvc.remotes.permissions import azure, gcs, protected, s3, unix
from mvc.remotes.permissions.protected import Access
from mvc.repository.policy.gate import Gate
from mvc.repository.repository import Repository
from mvc.transport import connection

Printer = Callable[[Address, Mapping[str, str], Access], str]
PRINTERS: dict[str, Printer] = {"s3": s3.policy, "gcs": gcs.script, "azure": azure.script, "unix": unix.script}
"""What each form of permissions is printed by."""
FORMS = {
    remote_kinds.S3.scheme: "s3",
    remote_kinds.GS.scheme: "gcs",
    remote_kinds.AZ.scheme: "azure",
    remote_kinds.SFTP.scheme: "unix",
    remote_kinds.FILE.scheme: "unix",
}
"""The form of permissions of each kind of remote."""


@dataclass(frozen=True, slots=True)
class StorePolicy(Document):
    """The permissions of a store, as its own tools take them: the `text` to apply, and the refs that it protects.

    `form` is s3, gcs, azure or unix; `roles` may move the refs, `pushers` push everything else. Both are empty if they were
    not named. `placeholders` are the ones in the text: role, pusher, account.
    """

    KEYS = keys("remote form refs roles pushers placeholders text")

    remote: str
    form: str
    refs: tuple[str, ...]
    roles: tuple[str, ...]
    pushers: tuple[str, ...]
    placeholders: tuple[str, ...]
    text: str


def store_policy(
    repository: Repository,
    name: str,
    form: str | None = None,
    *,
    protect: Sequence[str] = (),
    roles: Sequence[str] = (),
    pushers: Sequence[str] = (),
) -> StorePolicy:
    """Return the permissions by which only `roles` may move the refs in `protect`, such as `alias:prod`, on a remote.

    Without `protect`, the refs are those of rules with `signed-by` or `from`. Changes nothing, and asks no store. Raises
    NoSuchRemote, BadRemoteUrl, OtherStore, BadProtection, NothingToProtect, BadPrincipal, TooManyProtected, BadPolicy.
    """
    options = dict(connection.settings_of(repository, name))
    where = address.parse(options.pop("url"), repository.root)
    own = FORMS.get(where.scheme)
    if own is None or form not in (None, own):
        what = f"of kind {where.scheme}" if own is None else f"of kind {where.scheme}, whose form is {own}"
        raise errors.OtherStore(remote=name, what=what, form=form or "permissions", forms=", ".join(PRINTERS))
    refs = tuple(map(protected.parse, dict.fromkeys(protect))) or protected.of_rules(Gate(repository).rules())
    if not refs:
        raise errors.NothingToProtect
    access = Access(refs, tuple(dict.fromkeys(roles)), tuple(dict.fromkeys(pushers)))
    text = PRINTERS[own](where, options, access)
    placeholders = tuple(_placeholders(own, options, access))
    return StorePolicy(name, own, tuple(ref.text for ref in refs), access.roles, access.pushers, placeholders, text)


def _placeholders(form: str, options: Mapping[str, str], access: Access) -> Iterator[str]:
    """Yield what the printed text has a placeholder for."""
    if not access.roles:
        yield "role"
    if not access.pushers and form != "s3":
        yield "pusher"
    if form == "azure" and "account" not in options:
        yield "account"
