"""What people type and other programs pass: revisions, refspecs, names, addresses, expressions, dates, assignments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mvc import errors, spans
from mvc.model import hosts, image, moments, names, paths
from mvc.model.compare import semver
from mvc.model.licenses import expression
from mvc.model.licenses import texts as license_texts
from mvc.model.query import parse as query
from mvc.model.toml import keys, secrets
from mvc.model.version import Person, Timestamp
from mvc.remotes import refs as remote_refs
from mvc.remotes.backends import address, destination, registry_address
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.query.criteria import SortKey
from mvc.repository.retention.rules import Best
from mvc.repository.signatures import sshsig
from mvc.repository.signatures.sshsig import SshSignature
from mvc.repository.worktree import globs
from mvc.scan.policy import licenses as policy_licenses
from mvc.storage.records import config
from mvc.transport import refspec
from tests.fuzz.target import Target
from tests.fuzz.targets.remotes import repository

_NOW = Timestamp(1_700_000_000, 60)


def _text(data: bytes) -> str:
    """Return the text of an argument as Python decodes it."""
    return data.decode("utf-8", "surrogateescape")


def _each(*parsers: Callable[[str], object], errors_: tuple[type[Exception], ...]) -> Callable[[bytes], None]:
    """Return a reader that gives a text to each parser."""

    def read(data: bytes) -> None:
        text = _text(data)
        for parse in parsers:
            try:
                parse(text)
            except errors_:
                continue

    return read


def _model() -> Model:
    return Model(repository(), "helmet-classifier")


def _revision(data: bytes) -> None:
    text = _text(data)
    model = _model()
    for resolve in (revisions.resolve, revisions.resolve_range, revisions.model_of, revisions.ref_of):
        try:
            resolve(model, text)
        except errors.MvcError:
            continue
    base, steps = revisions.split_steps(text)
    assert base + steps == text
    revisions.number_of(text)
    if revisions.names_file(text):
        try:
            revisions.split_file(text)
        except errors.BadFileRevision:
            return


def _refspec(data: bytes) -> None:
    refspec.updates(_model(), "origin", _text(data).split("\n")[:4])


def _names(data: bytes) -> None:
    """Decode a component of a path: the name that it encodes is encoded the same. Read paths on a remote."""
    text = _text(data)
    for read in (
        names.check_ref_name, names.check_model_key, remote_refs._ref_path, remote_refs._published_path,
        remote_refs._annotation_path,
    ):  # fmt: skip
        try:
            read(text)
        except (errors.Damaged, errors.BadRefName, errors.BadModelKey):
            continue
    try:
        name = names.decode_component(text)
    except errors.Damaged:
        return
    assert names.decode_component(names.encode_component(name)) == name


def _paths(data: bytes) -> None:
    listed = _text(data).split("\n")[:20]
    paths.collisions(listed)
    for path in listed:
        paths.natural_order(path)
        assert paths.escape_name(path).isprintable()
        for check in (paths.check_path, paths.check_inside):
            try:
                check(path)
            except (errors.UnsafePath, errors.UnportablePath):
                continue


def _signature(data: bytes) -> None:
    readers: tuple[Callable[[], SshSignature], ...] = (
        lambda: sshsig.parse(data),
        lambda: sshsig.of_base64(_text(data)),
        lambda: sshsig.of_armored(_text(data)),
    )
    for read in readers:
        try:
            found = read()
        except ValueError:
            continue
        assert sshsig.of_base64(found.text) == found
        assert sshsig.of_armored(found.armored.decode()) == found
        assert found.fingerprint
        assert found.algorithm is not None


def _glob(data: bytes) -> None:
    pattern, _, path = _text(data).partition("\n")
    globs.fixed_part(pattern)
    globs.compile_glob(pattern).match(path)


def _licenses(data: bytes) -> None:
    text = _text(data)
    expression.parse(text)
    license_texts.recognise(text)
    policy_licenses.is_permitted(text, [text[:20]], ["AGPL-3.0*"])


_QUERY = _each(
    query.parse, query.parse_key, query.parse_keys, SortKey.parse, Best.parse, errors_=(errors.BadExpression, errors.BadQuery)
)  # fmt: skip
_MOMENT = _each(
    lambda text: moments.moment(text, _NOW), Timestamp.parse, Person.parse, spans.parse, semver.parsed,
    errors_=(errors.BadDate, errors.BadAuthor, ValueError),
)  # fmt: skip
_ASSIGNMENT = _each(
    keys.parse_key,
    keys.parse_assignment,
    lambda text: keys.parse_assignment(text, "json"),
    lambda text: config._typed("scan.command", text),
    errors_=(errors.MvcError,),
)
_ADDRESS = _each(
    lambda text: address.parse(text, Path("/")),
    registry_address.parse,
    lambda text: destination.endpoint("endpoint", text),
    lambda text: list(hosts.of_text(text)),
    image.Image.parse,
    errors_=(errors.BadRemoteUrl, errors.BadRegistryUrl, errors.BadSetting, errors.BadImage, ValueError),
)

TARGETS = (
    Target("revision", _revision),
    Target("refspec", _refspec, (errors.MvcError,)),
    Target("names", _names),
    Target("paths", _paths),
    Target("ssh-signature", _signature),
    Target("glob", _glob, (errors.MvcError,)),
    Target("query", _QUERY),
    Target("moment", _MOMENT),
    Target("assignment", _ASSIGNMENT),
    Target("secrets", _each(secrets.redact, errors_=())),
    Target("remote-address", _ADDRESS),
    Target("license", _licenses),
)
