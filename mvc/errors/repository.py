"""Errors: the repository is incomplete, read-only or of a newer format, or the network is switched off."""

from __future__ import annotations

from mvc.errors.base import MvcError, NoRepository, OutOfReach, RefRejected


class OtherWorktree(NoRepository):
    """No mvc repository at or above {where}, a linked Git worktree; the main worktree has one in {repository}.

    Use the repository of the main worktree with `mvc -C {folder} COMMAND`, or create another one in {where} with `mvc
    init --model NAME`.
    """


class UnfinishedClone(NoRepository):
    """{where} is an incomplete clone of {url}.

    Run the same `mvc clone` again to resume it, or delete the folder.
    """


class IncompleteInit(NoRepository):
    """{where} is an incomplete repository: it has no config.toml.

    Run `mvc init` in its folder to write a new config.toml; remotes and other settings must then be set again.
    """


class ReadOnlyStore(MvcError):
    """The repository is read-only: {reason}.

    Commands that only read (status, log, show, diff, cat, export) still work; to write, make the folder `.mvc`
    writable for your user.
    """


class NewerFormat(MvcError):
    """The repository has format {found}; this mvc supports format {known}.

    Install a newer mvc: `pip install --upgrade modelvc`.
    """


class UnknownFeature(MvcError):
    """The repository requires {features}, which this mvc does not support.

    Install a newer mvc: `pip install --upgrade modelvc`.
    """


class EncryptedStore(UnknownFeature):
    """{where} is encrypted (it requires the feature {feature}), which this mvc cannot read.

    Nothing was changed. Install an mvc that supports encryption: `pip install --upgrade modelvc`.
    """


class CollectedMeanwhile(RefRejected):
    """Nothing was committed: while files were stored, `mvc gc` removed objects that the new version may need.

    Run the same command again.
    """


class Offline(OutOfReach):
    """{what} cannot be contacted: --offline or MVC_OFFLINE is set.

    Run the command again without --offline, and with MVC_OFFLINE unset.
    """
