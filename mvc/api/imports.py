"""The imports of histories outside mvc: a method for each kind of source, which returns what became of each state.

    repo.imports.folders("runs/exp1", "runs/exp2")

A further kind is a row in `mvc.porcelain.import_sources.KINDS`, and a method here that passes its places to `_run`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from mvc import errors
from mvc.api.session import PathLike, Session, Who
from mvc.porcelain.import_history import ImportedHistory
from mvc.porcelain.import_sources import import_source
from mvc.repository.imports.request import Request
from mvc.storage.progress import Progress


class Imports:
    """The imports of a repository.

    Each method imports into the model `model`, by default the one of the source's name, and raises NothingToImport,
    OtherHistory, InTheWay if edited files are in the way, and errors of the source. A `dry_run` changes nothing.
    """

    def __init__(self, session: Session) -> None:
        """Hold the repository of `session`."""
        self._session = session

    def folders(
        self,
        *places: PathLike,
        model: str | None = None,
        branch: str | None = None,
        dry_run: bool = False,
        allow_unsafe: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> ImportedHistory:
        """Import folders of training runs, or files of weights: one version each, in the order of time, on `branch`.

        The default model is the current one, else the repository's folder. Raises NoSuchFile.
        """
        return self._run(
            "folders", places, model, branch, dry_run=dry_run, allow_unsafe=allow_unsafe, actor=actor, progress=progress
        )

    def repository(
        self,
        place: PathLike,
        *,
        model: str | None = None,
        branch: str | None = None,
        dry_run: bool = False,
        allow_unsafe: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
        **settings: str,
    ) -> ImportedHistory:
        """Import a model of another mvc repository, or of a remote: a path or URL, and `#MODEL` unless it is the only one.

        Versions keep their ids; branches, tags, aliases, notes and evaluations come with them, or only one `branch`. `settings` are
        those of a remote. Raises NotThere, SeveralModels, and errors of the remote.
        """
        given = {key.replace("_", "-"): value for key, value in settings.items()}
        return self._run(
            "mvc",
            [place],
            model,
            branch,
            settings=given,
            dry_run=dry_run,
            allow_unsafe=allow_unsafe,
            actor=actor,
            progress=progress,
        )

    def git(
        self,
        place: PathLike,
        *,
        paths: Sequence[str] = (),
        model: str | None = None,
        branch: str | None = None,
        dry_run: bool = False,
        allow_unsafe: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> ImportedHistory:
        """Import a Git repository with weights in Git or Git LFS: a version for each commit that changed them.

        `paths` are patterns of files to take instead of weights, `branch` is the only branch to import. Raises NotGit,
        ShallowHistory, BadGitObject, BadPattern, TooBig.
        """
        options = {"paths": tuple(paths)}
        return self._run(
            "git",
            [place],
            model,
            branch,
            options=options,
            dry_run=dry_run,
            allow_unsafe=allow_unsafe,
            actor=actor,
            progress=progress,
        )

    def dvc(
        self,
        place: PathLike,
        *,
        artifact: str | None = None,
        paths: Sequence[str] = (),
        model: str | None = None,
        branch: str | None = None,
        dry_run: bool = False,
        allow_unsafe: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> ImportedHistory:
        """Import a Git repository with weights in DVC; of GTO, versions become tags, and stages aliases.

        `artifact` is the one to take, if there are several. Raises NotDvc, WhichArtifact, NoSuchArtifact, and as `git`.
        """
        options = {"paths": tuple(paths), "artifact": (artifact,) if artifact is not None else ()}
        return self._run(
            "dvc",
            [place],
            model,
            branch,
            options=options,
            dry_run=dry_run,
            allow_unsafe=allow_unsafe,
            actor=actor,
            progress=progress,
        )

    def oci(
        self,
        place: PathLike,
        *,
        model: str | None = None,
        branch: str | None = None,
        dry_run: bool = False,
        allow_unsafe: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> ImportedHistory:
        """Import `oci://HOST/PATH[:TAG]`, a repository or one tag of it, or a folder that is an OCI image layout.

        Versions that mvc published keep their ids; artifacts of other tools follow each other on `branch`. Raises
        BadHubUrl, HubLacks, BadLayout, ImageDenied, ImageUnreachable, UntrustedImage.
        """
        return self._run(
            "oci", [place], model, branch, dry_run=dry_run, allow_unsafe=allow_unsafe, actor=actor, progress=progress
        )

    def hf(
        self,
        place: PathLike,
        *,
        model: str | None = None,
        branch: str | None = None,
        dry_run: bool = False,
        allow_unsafe: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> ImportedHistory:
        """Import a repository of the Hugging Face Hub, `hf://ORGANIZATION/NAME[@REVISION]`, or a downloaded folder.

        Without a revision, all branches, or only `branch`. Raises BadHubUrl, HubLacks, HubDenied, RegistryUnreachable.
        """
        return self._run(
            "hf", [place], model, branch, dry_run=dry_run, allow_unsafe=allow_unsafe, actor=actor, progress=progress
        )

    def mlflow(
        self,
        url: str,
        *,
        artifacts: PathLike | None = None,
        model: str | None = None,
        branch: str | None = None,
        dry_run: bool = False,
        allow_unsafe: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> ImportedHistory:
        """Import a registered model of MLflow: `mlflow://HOST/MODEL` or `mlflow+sqlite:///PATH#MODEL`.

        Of a database, files below its folder are read, and below `artifacts`. Raises BadHubUrl, HubLacks, HubDenied,
        RegistryUnreachable.
        """
        settings = {"artifacts": os.fspath(self._session.absolute(artifacts))} if artifacts is not None else {}
        return self._run(
            "mlflow",
            [url],
            model,
            branch,
            settings=settings,
            dry_run=dry_run,
            allow_unsafe=allow_unsafe,
            actor=actor,
            progress=progress,
        )

    def _run(
        self,
        kind: str,
        places: Sequence[PathLike],
        model: str | None,
        branch: str | None,
        *,
        settings: Mapping[str, str] | None = None,
        options: Mapping[str, Sequence[str]] | None = None,
        dry_run: bool,
        allow_unsafe: bool,
        actor: Who | None,
        progress: Progress | None,
    ) -> ImportedHistory:
        """Import from paths or URLs of a kind."""
        session = self._session
        texts = [os.fspath(place) for place in places]
        request = Request(
            session.repository,
            tuple(text if "://" in text else os.fspath(session.absolute(text)) for text in texts),
            session.actor(actor),
            session.variables,
            model,
            self._current(),
            branch,
            settings or {},
            options or {},
            dry_run,
            progress,
            allow_unsafe,
        )
        return import_source(request, kind)

    def _current(self) -> str | None:
        """Return the model of the opened folder; None if there is none."""
        try:
            return self._session.model(None)
        except (errors.WhichModel, errors.NoModel, errors.NotInitialized):
            return None
