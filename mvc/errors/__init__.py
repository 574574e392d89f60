"""Every error that a caller can meet: a class with its message, its hint and its exit code.

    MvcError (128)
    ├── Usage (2)            invalid request
    ├── Answer (1)           the answer is "no"
    ├── NoRepository (10)    no repository
    ├── LockTimeout (11)     another command holds the lock
    ├── Denied (12)          permission denied
    ├── RefRejected (13)     a ref cannot be moved or created
    ├── Damaged (14)         stored data is damaged or missing
    ├── OutOfReach (15)      a remote does not answer
    ├── WouldOverwrite (16)  local changes are in the way
    └── Refused (17)         a policy forbids it

All other classes inherit the exit code of their branch. One module per area:

    base        the branches above, and how templates are filled
    repository  the repository as a whole: none, incomplete, locked, newer, without a network
    disk        the disk and the filesystem
    settings    settings of the repository and of the user, and optional packages
    model       models, their names and folders
    model_toml  model.toml: syntax, keys and values
    files       tracked files: paths, patterns, roles and links
    worktree    the working tree: local changes in the way, interrupted changes
    refs        branches, tags and aliases
    revisions   revisions, and formats and filters of the log
    commit      commits
    merge       merges, fast-forwards and rebases
    store       stored data: missing or damaged, in the store or on a remote
    remotes     remotes: their settings, reach and rights
    push        pushes and collections on a remote
    promises    lazy fetches of promised files
    trust       hosts that credentials may be sent to
    registry    model registries
    images      docker images and their registries

The areas are loaded when one of their classes is first used: a run without an error needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvc import lazy
from mvc.errors.base import (
    Answer,
    Damaged,
    Denied,
    LockTimeout,
    MvcError,
    NoRepository,
    OutOfReach,
    RefRejected,
    Refused,
    Usage,
    WouldOverwrite,
)

if TYPE_CHECKING:
    from mvc.errors.commit import (
        AmendHeld,
        BadMessage,
        Detached,
        EmptyMessage,
        NothingToAmend,
        NothingToCommit,
        SecretFound,
        UnknownUse,
    )
    from mvc.errors.disk import (
        DiskFailed,
        FileChanged,
        IrregularFile,
        NoExclusiveCreate,
        NotWritable,
    )
    from mvc.errors.files import (
        BadPattern,
        BadRole,
        BrokenLink,
        CollidingPaths,
        InsideStore,
        LinkOutside,
        ManyFiles,
        MissingFile,
        NoSuchFile,
        NothingToTrack,
        NotInModel,
        NotRegularFile,
        NotTracked,
        OneRole,
        RoleInUse,
        RoleMoved,
        RoleTaken,
        RoleWithoutFile,
        TrackedAlready,
        TwoRoles,
        UnfitFiles,
        UnportablePath,
        UnreadableFile,
        UnsafePath,
    )
    from mvc.errors.images import (
        BadDockerConfig,
        BadImage,
        HelperFailed,
        ImageDenied,
        ImageUnreachable,
        MissingDockerExtra,
        NoImage,
        NoSuchImage,
        NotPinned,
        RealmNotTrusted,
        UntrustedImage,
    )
    from mvc.errors.merge import (
        CannotRebase,
        CrissCross,
        Diverged,
        MergeUnderway,
        NoMerge,
        NotAtTip,
        NotFastForward,
        NotInConflict,
        RebaseConflicts,
        Undecided,
        Unrelated,
    )
    from mvc.errors.model import (
        BadModelKey,
        ModelExists,
        MovedFolder,
        NoModel,
        NoModelToml,
        NotInitialized,
        OtherModelHere,
        OtherName,
        TwoFolders,
        WhichModel,
    )
    from mvc.errors.model_toml import (
        BadKey,
        BadLabels,
        BadToml,
        BadValue,
        CannotEdit,
        DateValue,
        LabelByName,
        NoModelName,
        NotFinite,
        NoValue,
        RulesBroken,
        TooBig,
        UnknownKey,
        WrongType,
    )
    from mvc.errors.promises import (
        FetchDenied,
        FetchFailed,
        NoPromisor,
        PromiseLost,
    )
    from mvc.errors.push import (
        FilesElsewhere,
        HistoryAbsent,
        PushRejected,
        PushUncertain,
        RemoteBusy,
        SomebodySends,
        StillPromised,
    )
    from mvc.errors.refs import (
        BadRefName,
        BranchExists,
        CaseTwin,
        CurrentBranch,
        NameTaken,
        NoLogHere,
        NoSuchName,
        NoSuchRef,
        NothingBefore,
        NotReady,
        RefMoved,
        TagExists,
        UnmergedBranch,
    )
    from mvc.errors.registry import (
        BadRegistryUrl,
        IsRegistry,
        NeedsMemory,
        NoContext,
        NoRegistry,
        NotARegistry,
        NothingPublished,
        NoToken,
        NotOnRegistry,
        PublicationChanged,
        RegistryConflict,
        RegistryDenied,
        RegistryFault,
        RegistryLacks,
        RegistryUncertain,
        RegistryUnreachable,
        RoleReserved,
        Unimportable,
    )
    from mvc.errors.remotes import (
        BadRemoteUrl,
        ChangedHostKey,
        IsRepository,
        MissingExtra,
        NoRemoteFolder,
        NoRemoteYet,
        NoSuchRemote,
        NotARemote,
        NotExclusive,
        NotThere,
        RemoteDenied,
        RemoteExists,
        RemoteRewritten,
        RemoteUnreachable,
        RemoteVanished,
        UnknownHostKey,
    )
    from mvc.errors.repository import (
        CollectedMeanwhile,
        IncompleteInit,
        NewerFormat,
        Offline,
        OtherWorktree,
        ReadOnlyStore,
        UnfinishedClone,
        UnknownFeature,
    )
    from mvc.errors.revisions import (
        AmbiguousRevision,
        BadAuthor,
        BadDate,
        BadExpression,
        BadFileRevision,
        BadTemplate,
        NoParent,
        NoSuchMoment,
        NotInVersion,
        NotOnThisLine,
        NoVersionOfGit,
        NoVersionYet,
        ParentAbsent,
        RoleHasMany,
        SourceExpected,
        UnknownOnRegistry,
        UnknownRevision,
        UnknownTarget,
    )
    from mvc.errors.settings import (
        BadConfig,
        BadSetting,
        MissingPackage,
        UnknownSetting,
    )
    from mvc.errors.store import (
        DamagedThere,
        EntryDamagedThere,
        FileExpired,
        FormatDamaged,
        FormatLost,
        LogLost,
        Missing,
        MissingThere,
        NotCanonical,
        PackNameTaken,
    )
    from mvc.errors.trust import (
        HostNotTrusted,
        PlainHttp,
        SettingNotTrusted,
    )
    from mvc.errors.worktree import (
        CurrentFolder,
        InTheWay,
        NotEmpty,
        OnlyHere,
        UnfinishedSwitch,
        UnsavedChanges,
    )

__all__ = [
    "AmbiguousRevision",
    "AmendHeld",
    "Answer",
    "BadAuthor",
    "BadConfig",
    "BadDate",
    "BadDockerConfig",
    "BadExpression",
    "BadFileRevision",
    "BadImage",
    "BadKey",
    "BadLabels",
    "BadMessage",
    "BadModelKey",
    "BadPattern",
    "BadRefName",
    "BadRegistryUrl",
    "BadRemoteUrl",
    "BadRole",
    "BadSetting",
    "BadTemplate",
    "BadToml",
    "BadValue",
    "BranchExists",
    "BrokenLink",
    "CannotEdit",
    "CannotRebase",
    "CaseTwin",
    "ChangedHostKey",
    "CollectedMeanwhile",
    "CollidingPaths",
    "CrissCross",
    "CurrentBranch",
    "CurrentFolder",
    "Damaged",
    "DamagedThere",
    "DateValue",
    "Denied",
    "Detached",
    "DiskFailed",
    "Diverged",
    "EmptyMessage",
    "EntryDamagedThere",
    "FetchDenied",
    "FetchFailed",
    "FileChanged",
    "FileExpired",
    "FilesElsewhere",
    "FormatDamaged",
    "FormatLost",
    "HelperFailed",
    "HistoryAbsent",
    "HostNotTrusted",
    "ImageDenied",
    "ImageUnreachable",
    "InTheWay",
    "IncompleteInit",
    "InsideStore",
    "IrregularFile",
    "IsRegistry",
    "IsRepository",
    "LabelByName",
    "LinkOutside",
    "LockTimeout",
    "LogLost",
    "ManyFiles",
    "MergeUnderway",
    "Missing",
    "MissingDockerExtra",
    "MissingExtra",
    "MissingFile",
    "MissingPackage",
    "MissingThere",
    "ModelExists",
    "MovedFolder",
    "MvcError",
    "NameTaken",
    "NeedsMemory",
    "NewerFormat",
    "NoContext",
    "NoExclusiveCreate",
    "NoImage",
    "NoLogHere",
    "NoMerge",
    "NoModel",
    "NoModelName",
    "NoModelToml",
    "NoParent",
    "NoPromisor",
    "NoRegistry",
    "NoRemoteFolder",
    "NoRemoteYet",
    "NoRepository",
    "NoSuchFile",
    "NoSuchImage",
    "NoSuchMoment",
    "NoSuchName",
    "NoSuchRef",
    "NoSuchRemote",
    "NoToken",
    "NoValue",
    "NoVersionOfGit",
    "NoVersionYet",
    "NotARegistry",
    "NotARemote",
    "NotAtTip",
    "NotCanonical",
    "NotEmpty",
    "NotExclusive",
    "NotFastForward",
    "NotFinite",
    "NotInConflict",
    "NotInModel",
    "NotInVersion",
    "NotInitialized",
    "NotOnRegistry",
    "NotOnThisLine",
    "NotPinned",
    "NotReady",
    "NotRegularFile",
    "NotThere",
    "NotTracked",
    "NotWritable",
    "NothingBefore",
    "NothingPublished",
    "NothingToAmend",
    "NothingToCommit",
    "NothingToTrack",
    "Offline",
    "OneRole",
    "OnlyHere",
    "OtherModelHere",
    "OtherName",
    "OtherWorktree",
    "OutOfReach",
    "PackNameTaken",
    "ParentAbsent",
    "PlainHttp",
    "PromiseLost",
    "PublicationChanged",
    "PushRejected",
    "PushUncertain",
    "ReadOnlyStore",
    "RealmNotTrusted",
    "RebaseConflicts",
    "RefMoved",
    "RefRejected",
    "Refused",
    "RegistryConflict",
    "RegistryDenied",
    "RegistryFault",
    "RegistryLacks",
    "RegistryUncertain",
    "RegistryUnreachable",
    "RemoteBusy",
    "RemoteDenied",
    "RemoteExists",
    "RemoteRewritten",
    "RemoteUnreachable",
    "RemoteVanished",
    "RoleHasMany",
    "RoleInUse",
    "RoleMoved",
    "RoleReserved",
    "RoleTaken",
    "RoleWithoutFile",
    "RulesBroken",
    "SecretFound",
    "SettingNotTrusted",
    "SomebodySends",
    "SourceExpected",
    "StillPromised",
    "TagExists",
    "TooBig",
    "TrackedAlready",
    "TwoFolders",
    "TwoRoles",
    "Undecided",
    "UnfinishedClone",
    "UnfinishedSwitch",
    "UnfitFiles",
    "Unimportable",
    "UnknownFeature",
    "UnknownHostKey",
    "UnknownKey",
    "UnknownOnRegistry",
    "UnknownRevision",
    "UnknownSetting",
    "UnknownTarget",
    "UnknownUse",
    "UnmergedBranch",
    "UnportablePath",
    "UnreadableFile",
    "Unrelated",
    "UnsafePath",
    "UnsavedChanges",
    "UntrustedImage",
    "Usage",
    "WhichModel",
    "WouldOverwrite",
    "WrongType",
]  # fmt: skip
_AREAS = (
    "repository", "disk", "settings", "model", "model_toml", "files", "worktree", "refs", "revisions", "commit",
    "merge", "store", "remotes", "push", "promises", "trust", "registry", "images",
)  # fmt: skip

if not TYPE_CHECKING:  # a type checker knows every name, and reports the others

    def __getattr__(name: str) -> object:
        """Load every area, and return the class `name`."""
        if name not in __all__:
            raise AttributeError(f"module 'mvc.errors' has no attribute {name!r}")
        for area in _AREAS:
            module = lazy.load(f"mvc.errors.{area}")
            globals().update({key: value for key, value in vars(module).items() if key in __all__})
        return globals()[name]
