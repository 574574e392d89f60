"""Errors: a model is missing, or its name or folder is not valid."""

from __future__ import annotations

from mvc.errors.base import RefRejected, Usage


class NoModel(Usage):
    """No model {model} in this repository (models: {known}).

    Create it with `mvc init --model {model:shell}` in the folder of the model.
    """


class WhichModel(Usage):
    """No model selected: no model.toml at or above this folder (models: {models}).

    Change to the folder of a model, or use --model NAME.
    """


class TwoFolders(Usage):
    """Model {model} has two folders, {first} and {second}: both have a model.toml with that name.

    Remove one of the two model.toml files, or change model.name in it.
    """


class NoModelToml(Usage):
    """{path}, which describes model {model}, is missing.

    Restore it with `mvc restore model.toml`, or create it with `mvc init --model {model:shell}`.
    """


class OtherName(Usage):
    """The model is called {name} in {path}, and {model} in this repository.

    Set model.name to {model}, or rename the model with `mvc models rename {model:shell} {name:shell}`.
    """


class OtherModelHere(Usage):
    """Cannot create model {asked} in {folder}, which is the folder of model {model}.

    Use another folder, or rename the model with `mvc models rename {model:shell} {asked:shell}`.
    """


class NotInitialized(Usage):
    """{path} describes model {model}, which is not in this repository.

    Run `mvc init` in the folder of {path} to add the model.
    """


class MovedFolder(Usage):
    """The folder of model {model} moved from {old} to {new}.

    Run `mvc init` in the new folder to record it.
    """


class ModelExists(RefRejected):
    """Model {model} already exists in this repository, or existed before.

    Choose another name.
    """


class BadModelKey(Usage):
    """Invalid model name {key!r}: {reason}.

    Choose another name, such as helmet-detector.
    """
