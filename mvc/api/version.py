"""A version as an object: author, time, message, values and files, read on demand."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from mvc import display
from mvc.api.files import Files
from mvc.api.session import Identified, PathLike, Revision, Session, When, Who, texts
from mvc.model import roles
from mvc.model import version as versions
from mvc.model.compare.diff import VersionDiff
from mvc.model.ids import SHORT, VersionId
from mvc.model.licenses.claim import Claim
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.porcelain import archive as archives
from mvc.porcelain import attest, eval_add, export_hub, notes, policy, scan, sign, source_check, verify
from mvc.porcelain import eval as evaluations
from mvc.porcelain.archive import Archived
from mvc.porcelain.attest import Attested, ListedAttestation
from mvc.porcelain.bom import Bom, bom
from mvc.porcelain.card import Card, card
from mvc.porcelain.check import Checked, check
from mvc.porcelain.curve import MetricCurve, curve
from mvc.porcelain.describe import Description, Options, describe
from mvc.porcelain.diff import Diff, diff
from mvc.porcelain.eval import ListedEvaluation, ShownEvaluation
from mvc.porcelain.eval_add import AddedEvaluation
from mvc.porcelain.export import Exported, export
from mvc.porcelain.ls import ls
from mvc.porcelain.notes import ListedNote
from mvc.porcelain.policy import PolicyChecked
from mvc.porcelain.scan import Scanned
from mvc.porcelain.show import Shown, show
from mvc.porcelain.sign import ListedSignature, Signed
from mvc.porcelain.source_check import SourceChecked
from mvc.porcelain.verify import Verified
from mvc.repository import refnames
from mvc.repository.lineage import Lineage, ModelParent
from mvc.repository.policy import take
from mvc.repository.signatures.oms import OmsKey
from mvc.repository.signatures.private_key import PrivateKey
from mvc.storage.progress import Progress


class Version:
    """One version of a model. It is immutable; its contents are read on first use."""

    def __init__(
        self,
        session: Session,
        model: str,
        id_: VersionId,
        *,
        named: str | None = None,
        difference: VersionDiff | None = None,
    ) -> None:
        """Hold the version `id_` of `model`, which a revision `named`; None for a version that is named by its id."""
        self._session = session
        self._named = named
        self.model = model
        self.id = id_
        self.difference = difference
        """The changes from its first parent, if the log was called with `changes`."""

    # --- author, time, message

    @cached_property
    def record(self) -> versions.Version:
        """The stored version object."""
        return self._session.repository.objects.version(self.id)

    @property
    def short(self) -> str:
        """The short id."""
        return self.id[:SHORT]

    @property
    def number(self) -> int:
        """The version's number: its first parent's plus one."""
        return self.record.number

    @property
    def message(self) -> str:
        """The whole message."""
        return self.record.message

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.record.subject

    @property
    def author(self) -> versions.Person:
        """The author."""
        return self.record.author

    @property
    def time(self) -> versions.Timestamp:
        """The creation time."""
        return self.record.time

    @property
    def code(self) -> versions.Code | None:
        """The Git commit of the training code."""
        return self.record.code

    @cached_property
    def parents(self) -> tuple[Version, ...]:
        """The parents, without those that were never published."""
        found = self._session.repository.objects.parents(self.record)
        return tuple(Version(self._session, self.model, id_) for id_ in found)

    @property
    def children(self) -> tuple[Version, ...]:
        """The versions made from it, of all models: it is one of their parents, or their `model.parent`. Raises Damaged."""
        found = Lineage(self._session.repository).children(self.id)
        models = {child.id: child.model for child in found}
        return tuple(Version(self._session, model, id_) for id_, model in models.items())

    @property
    def model_parent(self) -> ModelParent | None:
        """The version that `model.parent` names, as a text and an id; None if it is not set."""
        return Lineage(self._session.repository).model_parent(self.model, self.manifest)

    @property
    def names(self) -> dict[str, str]:
        """The kind (branch, tag, alias, remote) of each ref that points to it now, by name."""
        found = refnames.decorations(self._session.of(self.model)).names.get(self.id, ())
        return {name: kind for kind, name in found}

    # --- values

    @cached_property
    def manifest(self) -> Manifest:
        """The stored values."""
        return self._session.repository.objects.manifest(self.record.manifest)

    @property
    def about(self) -> dict[str, Any]:
        """The section `model`: name, type, framework and the like."""
        return copy.deepcopy(dict(self.manifest.model))

    @property
    def labelmap(self) -> dict[int, str]:
        """The classes by number."""
        return dict(self.manifest.labelmap)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the training."""
        return copy.deepcopy(dict(self.manifest.parameters))

    @property
    def metrics(self) -> dict[str, int | float]:
        """The metrics."""
        return dict(self.manifest.metrics)

    @property
    def docker(self) -> dict[str, Any]:
        """The docker image."""
        return copy.deepcopy(dict(self.manifest.docker))

    @property
    def source(self) -> dict[str, Any]:
        """The experiment and the dataset versions that it was trained with."""
        return copy.deepcopy(dict(self.manifest.source))

    @property
    def intent(self) -> dict[str, Any]:
        """The intended uses."""
        return copy.deepcopy(dict(self.manifest.intent))

    @cached_property
    def tree(self) -> Tree:
        """The stored list of files."""
        return self._session.repository.objects.tree(self.record.tree)

    @property
    def files(self) -> Files:
        """The files, by role or by path. Raises TakeRefused if the policy refuses the name of the version."""
        self._check_name()
        return Files(self._session, roles.expanded(self.manifest, self.tree), f"{self.model} v{self.number}")

    @property
    def licenses(self) -> tuple[Claim, ...]:
        """The licenses that its files name themselves, by path; those of files that are not here are not known."""
        listed = ls(self._session.of(self.model), self.id, licenses=True)
        return tuple(claim for file in listed.files for claim in file.licenses)

    @property
    def notes(self) -> list[ListedNote]:
        """The notes on the version, the oldest first."""
        return notes.show(self._session.of(self.model), self.id)

    @property
    def evaluations(self) -> list[ShownEvaluation]:
        """The evaluations of the version, the oldest first."""
        return evaluations.show(self._session.of(self.model), self.id)

    @property
    def signatures(self) -> tuple[ListedSignature, ...]:
        """The signatures of the version and of moves to it, the oldest first; `verify` says what they prove."""
        return sign.listed(self._session.of(self.model), self.id)

    @property
    def withdrawn(self) -> bool:
        """True if the newest value `withdrawn` in its notes is true."""
        return notes.is_withdrawn(self._session.of(self.model), self.id)

    # --- verbs

    def describe(
        self,
        *,
        match: Iterable[str] = (),
        exclude: Iterable[str] = (),
        all_refs: bool = False,
        first_parent: bool = False,
        exact: bool = False,
        long: bool = False,
        always: bool = False,
        abbrev: int = SHORT,
    ) -> Description:
        """Name the version after its nearest tag. Raises NotDescribed unless `always` falls back to the short id."""
        chosen = Options(texts(match), texts(exclude), all_refs, first_parent, exact, long, always, abbrev)
        return describe(self._session.of(self.model), self.id, chosen)

    def add_note(
        self,
        text: str = "",
        *,
        values: Mapping[str, Any] | None = None,
        allow_secret: bool = False,
        actor: Who | None = None,
    ) -> ListedNote:
        """Add a note of a text, of `values` by key, or of both. Raises BadNote, SecretInNote."""
        of, who = self._session.of(self.model), self._session.actor(actor)
        return notes.add(of, self.id, who, text=text, values=values, allow_secret=allow_secret)

    def remove_notes(self, *numbers: int, actor: Who | None = None) -> list[ListedNote]:
        """Remove notes by their numbers (none: all); they stay in the history. Raises NoSuchNote."""
        return notes.remove(self._session.of(self.model), self.id, numbers or None, self._session.actor(actor))

    def sign(self, *, key: PathLike | None = None, renew: bool = False, actor: Who | None = None) -> Signed:
        """Sign the version with the SSH key in a file, by default that of the setting sign.key.

        `renew` signs again what this key has signed. Raises NoSigningKey, NotSshKey, SigningFailed, NoSshKeygen.
        """
        path = self._session.keys.key(None if key is None else os.fspath(key))
        return sign.sign(self._session.of(self.model), self.id, path, self._session.actor(actor), renew=renew)

    def verify(
        self,
        *,
        signers: PathLike | None = None,
        newer_than: When | Identified | None = None,
        attested: Iterable[str] = (),
    ) -> Verified:
        """Verify the signatures, by the keys in the file `signers`, else by those that the settings trust.

        `newer_than` is a time that the newest signature has to state or follow, or a version that this one is or descends
        from; a text is one of both. `attested` are types of attestations that are required. `status` of the result is good,
        unsigned, untrusted, mismatch, stale or unattested. Raises NoSignersFile, NoSigners, BadSetting, NoSshKeygen.
        """
        trusted = self._session.keys.signers(None if signers is None else os.fspath(signers))
        of = self._session.of(self.model)
        return verify.verify(
            of, self.id, trusted, newer_than=self._session.bound(of, newer_than), attested=texts(attested)
        )

    def remove_signatures(self, *numbers: int, actor: Who | None = None) -> Signed:
        """Remove signatures by their numbers; they stay in the history. Raises NoSuchSignature."""
        return sign.remove(self._session.of(self.model), self.id, numbers, self._session.actor(actor))

    def attest(
        self,
        type: str = attest.PROVENANCE,  # noqa: A002 - the name that in-toto has for it
        *,
        predicate: Mapping[str, Any] | None = None,
        builder: str | None = None,
        allow: Iterable[str] = (),
        key: PathLike | None = None,
        actor: Who | None = None,
    ) -> Attested:
        """Sign a statement about the version: its `provenance`, a `scan`, or a `predicate` whose type is a URI.

        `builder` is the URI of what trained it, `allow` names classes for a scan; `key` is a private key without a
        passphrase, by default that of sign.key. Raises NoKeyFile, BadSetting, MissingPackage, BadAttestation,
        NotScanned; ValueError for a predicate without a URI.
        """
        of = self._session.of(self.model)
        if (type in attest.TYPES) == (predicate is not None) or not attest.is_uri(attest.type_uri(type)):
            raise ValueError("a type other than provenance and scan is a URI, and needs a predicate")
        if predicate is None and type == attest.SCAN:
            predicate = attest.of_scan(of, self.id, texts(allow))
        elif predicate is None:
            predicate = attest.of_provenance(of, self.id, builder)
        private = PrivateKey.of(self._session.keys, None if key is None else os.fspath(key))
        return attest.attest(of, self.id, type, predicate, private, self._session.actor(actor))

    @property
    def attestations(self) -> tuple[ListedAttestation, ...]:
        """The attestations of the version, the oldest first; `verify` says what they prove."""
        return attest.listed(self._session.of(self.model), self.id).attestations

    def remove_attestations(self, *numbers: int, actor: Who | None = None) -> Attested:
        """Remove attestations by their numbers; they stay in the history. Raises NoSuchAttestation."""
        return attest.remove(self._session.of(self.model), self.id, numbers, self._session.actor(actor))

    def add_evaluation(
        self,
        dataset: str,
        *results: PathLike | Mapping[str, Any] | Sequence[Any],
        values: Mapping[str, Any] | None = None,
        classes: Sequence[str] = (),
        allow_unknown: bool = False,
        allow_secret: bool = False,
        actor: Who | None = None,
    ) -> AddedEvaluation:
        """Add an evaluation on `dataset`, as `night@3`, from files with results, or from values such as `metrics.results_dict`.

        `classes` name the rows of a confusion matrix without names, in order. `allow_unknown` keeps classes that the version
        does not have. Raises BadEvaluation, BadResults, UnknownClasses, SecretInEvaluation.
        """
        given = [
            eval_add.of_file(self._session.absolute(each))
            if isinstance(each, str | os.PathLike)
            else eval_add.of_value(each)
            for each in results
        ]
        of, who = self._session.of(self.model), self._session.actor(actor)
        return eval_add.add(
            *(of, self.id, who, dataset, given),
            values=values,
            classes=classes,
            allow_unknown=allow_unknown,
            allow_secret=allow_secret,
        )

    def remove_evaluations(self, *numbers: int, actor: Who | None = None) -> list[ListedEvaluation]:
        """Remove evaluations by their numbers (none: all); they stay in the history. Raises NoSuchEvaluation."""
        return evaluations.remove(self._session.of(self.model), self.id, numbers or None, self._session.actor(actor))

    def show(self, *, children: bool = False) -> Shown:
        """Return all details, with the changes from its parent and its places on registries. Raises Missing, Damaged.

        `children` adds the versions made from it, of all models.
        """
        return show(self._session.of(self.model), self.id, children=children)

    def curve(self, metric: str) -> MetricCurve:
        """Return a metric over the training, from the training log: `points` have x (`axis`: epoch, step or row) and y.

        `metric` is a column of the log, or its end (`mAP50`). Raises NoTrainingLog, NoCurve, BadValueFile.
        """
        return curve(self._session.of(self.model), self.id, metric)

    def diff(self, other: Revision | None = None, *, tensors: Literal["headers", "deep"] | None = None) -> Diff:
        """Compare the version with `other`, a later version, else with the working tree."""
        new = self._session.resolve(self.model, other) if other is not None else None
        return diff(self._session.of(self.model), self.id, new, tensors=tensors)

    def check(
        self,
        *uses: str,
        strict: bool = False,
        online: bool = False,
        datasets: Iterable[str] = (),
        registry: str | None = None,
    ) -> Checked:
        """Check whether the version is ready for `uses`, else for its intended uses. Raises UnknownUse.

        `online` also asks registries: for the docker image, and for `datasets` (`NAME@VERSION` or an id) or the recorded ones.
        """
        outside = self._session.online(texts(datasets), registry) if online else None
        return check(self._session.of(self.model), self.id, uses=uses, strict=strict, outside=outside)

    def check_policy(self, *events: str, message: str | None = None) -> PolicyChecked:
        """Check the version against the policy for `events` such as `alias:prod`, by default the current branch.

        `message` is the reason that the move would have, None for any. Raises BadEvent, BadPolicy.
        """
        return policy.check(self._session.of(self.model), self.id, events, reason=message)

    def scan(self, *, allow: Iterable[str] = ()) -> Scanned:
        """Scan its files for what a loader would run; nothing is loaded or fetched. `allow` names classes, as the command does.

        The settings scan.allow and scan.command, and `[scan]` of policy.toml, count, too. Raises BadPolicy, BadConfig.
        """
        return scan.of_version(self._session.of(self.model), self.id, texts(allow))

    def check_source(self, *, registry: str | None = None) -> SourceChecked:
        """Compare the recorded experiment and dataset versions with a registry. Raises NoRegistry, NoToken."""
        with self._session.registry(registry) as connected:
            return source_check.check(self._session.of(self.model), self.id, connected)

    def export(
        self,
        directory: PathLike,
        *,
        form: Literal["hf", "oci"] | None = None,
        link: Literal["reflink", "hard"] | None = None,
        oms_key: PathLike | None = None,
        attestations: bool = False,
        progress: Progress | None = None,
    ) -> Exported:
        """Write the files and model.toml to a folder that is absent or empty. Raises NotEmpty, Damaged and the like.

        With `form`, as a repository of the Hugging Face Hub or an OCI image layout. Raises MissingHubExtra, NotForHub.

        With `link`, files share their bytes with a cache: by reflinks, or copies where the file system has none
        (`Exported.copied` is the reason), or by read-only hard links. Raises CannotLink, FileChanged; ValueError with
        `form`; TakeRefused if the policy refuses the name of the version.

        With `oms_key`, the file of an ECDSA key, the folder has an OMS signature in model.sig; with `attestations`, those of the
        version. Raises NoKeyFile, NotForOms, MissingPackage, NotAttested; ValueError with `form`.
        """
        if form is not None and (link is not None or oms_key is not None or attestations):
            raise ValueError("link, oms_key and attestations cannot be used with form")
        self._check_name()
        key = OmsKey(self._session.absolute(oms_key)) if oms_key is not None else None
        target = self._session.absolute(directory)
        if form is not None:
            return export_hub.export_for_hub(self._session.of(self.model), self.id, target, form, progress=progress)
        of = self._session.of(self.model)
        return export(of, self.id, target, link=link, oms=key, attestations=attestations, progress=progress)

    def bom(
        self,
        format: Literal["cyclonedx", "cyclonedx-1.6", "cyclonedx-1.7", "spdx"] = "cyclonedx",  # noqa: A002 - as the option of the command
        *,
        read_data: bool = False,
        progress: Progress | None = None,
    ) -> Bom:
        """Return the bill of materials, as `document` and as `text`: CycloneDX 1.6 or 1.7, or SPDX 3.0.1.

        With `read_data`, files are fetched if need be and read, for their SHA-256 and the licenses that they name. Raises
        Missing, Damaged.
        """
        return bom(self._session.of(self.model), self.id, format, read_data=read_data, progress=progress)

    def card(self, *, existing: PathLike | None = None, annex_iv: bool = False) -> Card:
        """Return the model card; its `text` is Markdown. Of an `existing` file, other text and keys stay. Raises BadCard.

        With `annex_iv`, the facts are under points of Annex IV of the EU's AI Act, and open ones are named.
        """
        path = self._session.absolute(existing) if existing is not None else None
        return card(self._session.of(self.model), self.id, existing=path, annex=annex_iv)

    def archive(
        self,
        path: PathLike,
        *,
        format: Literal["zip", "tar", "tar.gz"] | None = None,  # noqa: A002 - as the option of the command
        files: str | Iterable[str] = (),
        prefix: str = "",
        progress: Progress | None = None,
    ) -> Archived:
        """Write the files to a zip or tar file; its suffix is the format (`zip`, `tar`, `tar.gz`) unless one is given.

        `files` are roles, paths or patterns, by default all and model.toml. Raises NotInVersion, Damaged, NotWritable,
        TakeRefused.
        """
        self._check_name()
        target = self._session.absolute(path)
        chosen = format or archives.format_of(target.name)
        made = archives.archive(self._session.of(self.model), self.id, chosen, texts(files), prefix=prefix)
        return archives.save(made, target, progress)

    def _check_name(self) -> None:
        if self._named is not None:
            take.check(self._session.of(self.model), self._named)

    # --- as a value

    def to_json(self) -> dict[str, Any]:
        """Return the document that `mvc show --json` prints, without its `schema`."""
        return self.show().to_json()

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Version) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<Version {self.model} v{self.number} {self.short} {self.subject!r}>"

    def _repr_html_(self) -> str:
        return display.page(repr(self), self.to_json())
