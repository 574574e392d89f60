"""Publication to a tracking server of MLflow: a version becomes a model version, with a run for its values and files.

    model version with the tag mvc.version? ─ yes ─► known
      └─ no ─► run with that tag, or a new one ─► parameters, metrics, files ─► run finished
                                                      └─► model version ◄── complete ─► aliases

The model version is created last, so nobody sees one without its files. An interrupted publish continues in its run.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mvc import errors
from mvc.registry.hubs import version_objects
from mvc.registry.hubs.hub import KNOWN, NEW, RESUMED, Access, Publication
from mvc.registry.hubs.hub_version import HubVersion
from mvc.registry.mlflow import address
from mvc.registry.mlflow.address import Address, quoted
from mvc.registry.mlflow.history import ID
from mvc.registry.mlflow.registry import ModelVersion, NoArtifactsError, RegisteredModel
from mvc.registry.mlflow.server import SERVED, Server

TAG = "mvc.version"
"""The tag of runs and model versions that names the version of mvc."""
_FOLDER = "model"
"""The folder of the files among the artifacts of the run."""
_UNFIT = re.compile(r"[^A-Za-z0-9_\-. :/]")
_ALIAS = re.compile(r"[A-Za-z0-9_\-]{1,255}\Z")
_MAX_VALUE, _BATCH = 6000, 100


def connect(url: str, access: Access) -> MlflowHub:
    """Return the registered model of a URL, to publish to. Raises BadHubUrl, PlainHttp."""
    where = address.parse(url)
    if where.database is not None:
        raise errors.BadHubUrl(url=url, reason="versions are published to a server", example="mlflow://HOST/MODEL")
    return MlflowHub(where, Server(where, access))


class MlflowHub:
    """A registered model of MLflow, as `mvc.registry.hubs.hub.Hub` describes."""

    def __init__(self, where: Address, server: Server) -> None:
        """Publish by a server."""
        self._where = where
        self._server = server
        self._client = server.client

    @property
    def address(self) -> str:
        """The URL of the model."""
        return self._where.url

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def publish(self, version: HubVersion, names: Sequence[str], *, force: bool, dry_run: bool) -> Publication:
        """Publish a version as a model version, and set aliases. Raises NotForHub, HubNameTaken, and as the client."""
        if version_objects.NAME in version.tree.by_path:
            reason = f"it has a file {version_objects.NAME}, which is the name of mvc's own"
            raise errors.NotForHub(version=version.name, hub=self.address, reason=reason)
        model = self._server.find_model(self._where.model)
        existing = self._existing(version) if model is not None else None
        self._check_names(version, names, model, existing, force=force)
        how, number, sent, notes = (
            KNOWN,
            existing.number if existing is not None else 0,
            self._client.sent,
            tuple[str, ...](),
        )
        if existing is None:
            how, number, notes = self._make(version, model) if not dry_run else (NEW, 0, ())
        if not dry_run:
            for name in names:
                if model is None or model.aliases.get(name) != number:
                    self._client.post(
                        "registered-models/alias", name=self._where.model, alias=name, version=str(number)
                    )
        place = f"{self.address}, version {number}" if number else self.address
        page = f"{self._where.server}/#/models/{quoted(self._where.model)}/versions/{number}" if number else None
        return Publication(
            version.id, version.version.number, how, place, page, tuple(names), notes, self._client.sent - sent
        )

    def _existing(self, version: HubVersion) -> ModelVersion | None:
        """Return the model version of a version; None for none."""
        tagged = (listed for listed in self._server.versions(self._where.model) if listed.tags.get(TAG) == version.name)
        return next(tagged, None)

    def _check_names(
        self,
        version: HubVersion,
        names: Sequence[str],
        model: RegisteredModel | None,
        existing: ModelVersion | None,
        *,
        force: bool,
    ) -> None:
        """Raise HubNameTaken for an alias that is at another version, unless it may be moved; for one that cannot be."""
        for name in names:
            at = model.aliases.get(name) if model is not None else None
            is_valid = _ALIAS.match(name) and name != "latest" and not re.fullmatch(r"v[0-9]+", name)
            if not is_valid or (at is not None and not force and (existing is None or at != existing.number)):
                place = f"version {at}" if is_valid else "no version: MLflow does not accept the name"
                raise errors.HubNameTaken(name=name, hub=self.address, place=place, version=version.name)

    # --- one version

    def _make(self, version: HubVersion, model: RegisteredModel | None) -> tuple[str, int, tuple[str, ...]]:
        """Make the run and the model version; return the outcome, the number there, and notes."""
        if model is None:
            self._create_model(version)
        how, run_id, uri = self._run(version)
        notes = self._log_values(version, run_id)
        try:
            top = self._server.served_path(uri)
        except NoArtifactsError as error:
            raise errors.NotForHub(version=version.name, hub=self.address, reason=f"its artifacts: {error}") from None
        self._upload(version, f"{top}/{_FOLDER}")
        self._client.post("runs/update", run_id=run_id, status="FINISHED", end_time=version.version.time.seconds * 1000)
        made = self._client.post(
            "model-versions/create",
            name=self._where.model,
            source=f"{uri.rstrip('/')}/{_FOLDER}",
            run_id=run_id,
            description=version.version.message,
            tags=_tags(version),
        )
        return how, int(made["model_version"]["version"]), notes

    def _create_model(self, version: HubVersion) -> None:
        description = str(version.manifest.model.get("description", ""))
        try:
            self._client.post("registered-models/create", name=self._where.model, description=description)
        except errors.RegistryConflict:  # somebody else created it
            return

    def _run(self, version: HubVersion) -> tuple[str, str, str]:
        """Return the outcome, the id and the artifact URI of the run of a version: an unfinished one, or a new one."""
        experiment = self._experiment()
        answer = self._client.post(
            "runs/search", experiment_ids=[experiment], filter=f"tags.`{TAG}` = '{version.name}'", max_results=1
        )
        runs = answer.get("runs")
        if isinstance(runs, list) and runs:
            return RESUMED, str(runs[0]["info"]["run_id"]), str(runs[0]["info"]["artifact_uri"])
        made = self._client.post(
            "runs/create",
            experiment_id=experiment,
            run_name=version.name,
            user_id=version.version.author.name,
            start_time=version.version.time.seconds * 1000,
            tags=_tags(version),
        )
        return NEW, str(made["run"]["info"]["run_id"]), str(made["run"]["info"]["artifact_uri"])

    def _experiment(self) -> str:
        """Return the experiment of the model's name, which is created if it is absent."""
        try:
            answer = self._client.get("experiments/get-by-name", experiment_name=self._where.model)
            return str(answer["experiment"]["experiment_id"])
        except errors.HubLacks:
            return str(self._client.post("experiments/create", name=self._where.model)["experiment_id"])

    def _log_values(self, version: HubVersion, run_id: str) -> tuple[str, ...]:
        """Log parameters and metrics; return a note about those that MLflow does not accept."""
        stamp = version.version.time.seconds * 1000
        parameters, long = _fitting(_flat(version.manifest.parameters))
        metrics = {_UNFIT.sub("_", key): value for key, value in version.manifest.metrics.items()}
        params = [{"key": key, "value": value} for key, value in parameters.items()]
        values = [{"key": key, "value": value, "timestamp": stamp, "step": 0} for key, value in metrics.items()]
        for start in range(0, max(len(params), len(values)), _BATCH):
            part = slice(start, start + _BATCH)
            self._client.post("runs/log-batch", run_id=run_id, params=params[part], metrics=values[part])
        return (f"parameters are in {version_objects.NAME} only: {', '.join(long)}",) if long else ()

    def _upload(self, version: HubVersion, top: str) -> None:
        """Upload the files that the run does not have with their size, the objects last. Raises RegistryFault."""
        present, document = self._sizes(top), version.document
        for file in version.files:
            if present.get(file.path) != file.size:
                with file.open() as stream:
                    self._client.upload(f"{SERVED}/{quoted(f'{top}/{file.path}')}", stream, file.size)
        path = f"{SERVED}/{quoted(f'{top}/{version_objects.NAME}')}"
        self._client.upload(path, io.BytesIO(document), len(document))
        expected = {**{file.path: file.size for file in version.files}, version_objects.NAME: len(document)}
        if not expected.items() <= self._sizes(top).items():
            raise self._client.fault("a file that was uploaded is not among the artifacts")

    def _sizes(self, top: str) -> dict[str, int]:
        """Return the sizes of the files below a folder of artifacts, which need not exist; MLflow leaves out a size of 0."""
        try:
            folder = ModelVersion(0, 0, f"mlflow-artifacts:/{top}")
            return {artifact.path: artifact.size or 0 for artifact in self._server.artifacts(folder)}
        except NoArtifactsError:
            return {}


def _tags(version: HubVersion) -> list[dict[str, str]]:
    """Return the tags of a run and a model version: the version's name, and its lineage."""
    lineage = version.lineage
    code = lineage.get("code") or {}
    tags = {
        TAG: version.name,
        ID: version.id,
        "mvc.parents": " ".join(lineage.get("parents", ())),
        "mvc.base_model": lineage.get("base_model"),
        "mlflow.user": version.version.author.name,
        "mlflow.source.git.commit": code.get("commit"),
        "mlflow.source.git.branch": code.get("branch"),
        "mlflow.source.git.repoURL": code.get("remote"),
    }
    return [{"key": key, "value": str(value)} for key, value in tags.items() if value]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value with its dotted key, as text: tables are flattened, lists are JSON."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        else:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fitting(values: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """Return the values that MLflow accepts, and the names of those that are too long or have the name of another."""
    fitting: dict[str, str] = {}
    left: list[str] = []
    for key, value in values:
        name = _UNFIT.sub("_", key)
        if name in fitting or len(value) > _MAX_VALUE or len(name) > 250:
            left.append(key)
        else:
            fitting[name] = value
    return fitting, left
