"""Texts that people write or programs leave: model.toml, value files, policies, settings, requests, lock files."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from mvc import errors
from mvc.formats.values import curves, front_matter, labels, sections, yaml_text
from mvc.formats.values.curves import NoSuchColumnError
from mvc.formats.values.malformed import MalformedError
from mvc.intake import checkpoints, listing
from mvc.intake import run as intake_run
from mvc.intake.evaluations import forms
from mvc.intake.evaluations.labels import Labels
from mvc.intake.layouts import STATE
from mvc.model import textfile
from mvc.model.compare import text as compare_text
from mvc.model.compare.environment_record import EnvironmentRecord
from mvc.model.manifest import Manifest
from mvc.model.toml import edit, parse
from mvc.model.toml.value_file import LABELMAP, METRICS, PARAMETERS, ValueFile
from mvc.porcelain import attest
from mvc.repository.record.request import RecordRequest
from mvc.repository.signatures import oms_folder
from mvc.repository.worktree import globs
from mvc.scan.policy import parse as policy
from mvc.storage.records.config import NAME, Config
from mvc.transport import lockfile
from tests.fuzz import store
from tests.fuzz.target import SLOW, Target

_SUFFIXES = (".yaml", ".json", ".toml", ".csv", ".tsv", ".jsonl", ".txt")
_CLASSES = ("helmet", "head")


def _split(data: bytes) -> tuple[str, bytes]:
    """Return the suffix that the first byte chooses, and the rest."""
    return _SUFFIXES[data[0] % len(_SUFFIXES)] if data else ".json", data[1:]


def _model_toml(data: bytes) -> None:
    manifest = parse.parse(data, where="model.toml")
    assert Manifest.decode(manifest.encode()) == manifest


def _edited(data: bytes) -> None:
    """Edit a model.toml: what is edited can be read, and has the change."""
    text = textfile.decode(data)
    before = parse.load(data, where="model.toml")
    changes: tuple[Callable[[], str], ...] = (
        lambda: edit.set_key(text, "parameters.lr", 0.1),
        lambda: edit.set_key(text, "model.name", "x"),
        lambda: edit.unset_key(text, "labelmap.1"),
        lambda: edit.add_file(text, "log", "log.txt"),
        lambda: edit.remove_file(text, "model-latest"),
    )
    for change in changes:
        try:
            after = change()
        except errors.MvcError:
            continue
        parse.load(after.encode(), where="model.toml")
    assert parse.load(data, where="model.toml") == before


def _policy(data: bytes) -> None:
    for rule in policy.parse(data, "policy.toml"):
        json.dumps(policy.described(rule))


def _config(data: bytes) -> None:
    store.put(NAME, data)
    user = store.folder() / "user.toml"
    user.write_bytes(data)
    for door, path in ((store.door(), None), (None, user)):
        config = Config(door, path)
        config.all()
        for read in (config.remotes, config.hosts, config.upstreams, config.approvals):
            try:
                read()
            except errors.MvcError:
                continue


def _value_file(data: bytes) -> None:
    suffix, rest = _split(data)
    file = ValueFile(f"values{suffix}")
    assert sections.likely(rest, file) in (LABELMAP, METRICS, PARAMETERS)
    for section in (METRICS, PARAMETERS):
        for each in (
            file,
            ValueFile(file.path, row="last"),
            ValueFile(file.path, key="a.b"),
            ValueFile(file.path, best="loss"),
        ):
            try:
                sections.read(rest, each, section, sections.Request())
            except errors.MvcError:
                continue


def _labels(data: bytes) -> None:
    suffix, rest = _split(data)
    for key in ("", "names"):
        try:
            labels.read(rest, f"labels{suffix}", key)
        except errors.BadLabels:
            continue


def _curve(data: bytes) -> None:
    suffix, rest = _split(data)
    columns, rows = curves.table(rest, f"results{suffix}")
    assert all(len(row) == len(columns) for row in rows)
    curves.read(rest, f"results{suffix}", columns[0] if columns else "loss")


def _front_matter(data: bytes) -> None:
    found = front_matter.split(data.decode("utf-8", "replace"))
    assert isinstance(found.values, dict)


def _yaml(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for load in (yaml_text.load, yaml_text.load_typed):
        try:
            load(text)
        except MalformedError:
            continue


def _results(data: bytes) -> None:
    found = forms.read(data, _CLASSES)
    named = Labels(tuple(enumerate(_CLASSES)))
    for part in (named.classes, named.matrix, named.curves):
        part(found)
    named.suggestion()


def _request(data: bytes) -> None:
    path = store.put("request.json", data)
    RecordRequest.read(path)


def _oms(data: bytes) -> None:
    """Read a signature of OMS, and the same bytes as its statement."""
    path = store.put("model.sig", data)
    with contextlib.suppress(errors.BadOmsSignature):
        oms_folder.bundle(path)
    oms_folder.statement(path, data)


def _predicate(data: bytes) -> None:
    assert attest.of_file(store.put("predicate.json", data))


def _ignore(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    ignore = globs.Ignore().extended("", text)
    for path in ("a.bin", "runs/exp/a.pt", "é.onnx"):
        ignore.hides(path)
        ignore.hides(path, folder=True)


def _environment(data: bytes) -> None:
    found = EnvironmentRecord.decode(data)
    if found is not None:
        assert EnvironmentRecord.decode(found.encode()) is not None


def _texts(data: bytes) -> None:
    compare_text.text_of(data)
    try:
        text = textfile.decode_exactly(data)
    except textfile.TextError:
        return
    assert textfile.decode(data) == textfile.decode(text.encode())


def _lock(data: bytes) -> None:
    found = lockfile.decode(data, "mvc.lock")
    assert lockfile.decode(found.encode(), "mvc.lock") == found


def _trainer_state(data: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=store.folder()) as top:
        folder = Path(top) / "checkpoint-10"
        folder.mkdir()
        (folder / STATE).write_bytes(data)
        intake_run._checkpoint(Path(top), listing.of(Path(top), top))
    text = data.decode("utf-8", "replace")[:200]  # a name, which no file system has longer
    checkpoints.metric(text)
    checkpoints.best([text, "epoch=1.ckpt"])


TARGETS = (
    Target("model-toml", _model_toml, (errors.MvcError,)),
    Target("model-toml-edit", _edited, (errors.MvcError, textfile.TextError)),
    Target("policy", _policy, (errors.BadPolicy,)),
    Target("config", _config, (errors.BadConfig, errors.NewerFormat, errors.UnknownFeature)),
    Target("value-file", _value_file),
    Target("label-file", _labels),
    Target("curve", _curve, (MalformedError, NoSuchColumnError)),
    Target("front-matter", _front_matter),
    Target("yaml", _yaml),
    Target("evaluation-results", _results, (MalformedError,)),
    Target("record-request", _request, (errors.BadRecordRequest,)),
    Target("oms-signature", _oms, (errors.BadOmsSignature,)),
    Target("attestation-predicate", _predicate, (errors.BadPredicate,)),
    Target("ignore-file", _ignore, (errors.MvcError,)),
    Target("environment", _environment),
    Target("text-file", _texts),
    Target(
        "lock-file",
        _lock,
        (errors.BadLockFile, errors.UnsafePath, errors.UnportablePath, errors.CollidingPaths, errors.BadModelKey),
    ),
    Target("trainer-state", _trainer_state, cost=SLOW),
)
