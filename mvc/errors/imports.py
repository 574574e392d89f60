"""Errors: a source outside mvc cannot be imported, or a file of it is not what the source says."""

from __future__ import annotations

from mvc.errors.base import Damaged, RefRejected, Refused, Usage


class ContentDiffers(Damaged):
    """{path} of {step} is not the recorded file: its {what} is {found}, not {recorded}.

    Restore the file in its source, then run `mvc import` again; every other version is imported.
    """


class ImportUnsafe(Refused):
    """The import ended at {step}, because of what a loader of its files would do: {listed}

    No branch, tag or alias was moved; `mvc gc` removes versions that were stored before it once they are 14 days old. Do not
    load these files. If you know where they are from, repeat the command with --allow-unsafe.
    """


class ImportWouldBeUnsafe(ImportUnsafe):
    """The import would end at {step}, because of what a loader of its files would do: {listed}

    Nothing was changed. Do not load these files. If you know where they are from, repeat the command with --allow-unsafe.
    """


class NothingToImport(Refused):
    """Nothing to import from {origin}: {reason}.

    Nothing was changed. `mvc import --help` lists what can be imported.
    """


class OtherHistory(RefRejected):
    """Model {model} has another history than {origin}.

    Import it as another model with --model NAME, or beside the versions of this one with --model {model:shell}.
    """


class UnknownSource(Usage):
    """{path} is not a source that mvc recognises: {reason}.

    Name its kind: {flags}.
    """


class NoSuchKind(Usage):
    """{url} is not the URL of a source that mvc imports.

    Known are {known}, and the URLs of remotes with a model: s3://BUCKET/PREFIX#MODEL.
    """


class NotGit(Usage):
    """Cannot read {path} as a Git repository: {reason}.

    {hint}
    """


class ShallowHistory(Refused):
    """{path} is a shallow clone: it lacks the older commits, so its versions would get other ids than those of others.

    Fetch them with `git -C {path:shell} fetch --unshallow`, then run `mvc import` again.
    """


class BadGitObject(Damaged):
    """Cannot read the object {oid} of Git: {reason}.

    Check the repository with `git fsck`, fetch what it lacks, then run `mvc import` again.
    """


class NotDvc(Usage):
    """{path} is not a DVC repository: it has no folder .dvc.

    Name the folder in which `dvc init` was run.
    """


class WhichArtifact(Usage):
    """{path} has several artifacts: {known}.

    Name the one to import with --artifact {first:shell}; each is a model of its own.
    """


class NoSuchArtifact(Usage):
    """No artifact {name}; known: {known}.

    Artifacts are those of `artifacts` in dvc.yaml, and of the tags of GTO.
    """
