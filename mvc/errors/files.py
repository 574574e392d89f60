"""Tracked files: paths, patterns, roles and links."""

from __future__ import annotations

from mvc.errors.base import Refused, Usage


class NoSuchFile(Usage):
    """No file or folder {path}.

    Check the spelling; paths are relative to the current folder.
    """


class NotInModel(Refused):
    """{path} is outside the model's folder ({folder} in the repository).

    A version holds only files in its model's folder; copy the file there.
    """


class NothingToTrack(Usage):
    """Nothing to track in {path}: {reason}.

    Name files by their own path, or check what is ignored: .mvcignore, caches, files that look like credentials.
    """


class ManyFiles(Refused):
    """Refused to track {count:,} new files, {size:,.1f} MiB: {folders}.

    Add --yes to track them all, name fewer folders, or ignore files with .mvcignore.
    """


class BadRole(Usage):
    """Invalid role {role}: {reason}.

    Choose another role, such as --as model-latest.
    """


class OneRole(Usage):
    """{count} paths cannot all have the role {role}.

    Add them one at a time, or add a folder, whose files share a role.
    """


class RoleInUse(Usage):
    """The role {role} belongs to {path}.

    Choose another role: --as {proposed}
    """


class RoleMoved(RoleInUse):
    """The role {role} belongs to {path}, which does not exist.

    If it was renamed, set its new path: `mvc set {key}={new:shell}`. Otherwise choose another role: --as {proposed}
    """


class TrackedAlready(Usage):
    """{path} is already tracked as {role}.

    To change its role, run `mvc rm --cached {role}` first.
    """


class NotTracked(Usage):
    """{name} is not tracked (roles: {roles}).

    List the tracked files with `mvc status`.
    """


class NotRegularFile(Usage):
    """{path} is {kind}, not a regular file.

    Track a regular file, or ignore this one with .mvcignore; `mvc add --follow-links` tracks the target of a link.
    """


class InsideStore(Usage):
    """{path} is inside {store}, which is reserved for mvc's own data.

    Choose a path outside of it.
    """


class BrokenLink(Usage):
    """{path} is a link to {target}, which cannot be read: {reason}.

    Fix the link, or ignore it with .mvcignore.
    """


class LinkOutside(Refused):
    """{path} is a link to {target}, outside this repository.

    Allow it with `mvc add --follow-links` of the file or its folder.
    """


class MissingFile(Usage):
    """{path} ({role}) is tracked but missing.

    Restore it with `mvc restore {path}`, or stop tracking it with `mvc rm {role}`.
    """


class UnreadableFile(Usage):
    """Cannot read {path}: {reason}.

    Make it readable, stop tracking it with `mvc rm`, or ignore it with .mvcignore.
    """


class RoleWithoutFile(Usage):
    """The role {role} has no file: no file matches {pattern}.

    Correct the pattern in [files], or remove the role with `mvc rm {role}`. Patterns skip ignored files, the folders
    of other models, and files that look like credentials (track those by path with `mvc add PATH`).
    """


class TwoRoles(Usage):
    """{path} has two roles, {first} and {second}.

    Change one of the two patterns, or name the path itself in [files], as often as it has roles.
    """


class RoleTaken(Usage):
    """The role {role} names two files, {first} and {second}.

    Give one of them another role in [files].
    """


class BadPattern(Usage):
    """Invalid file pattern {pattern!r}: {reason}.

    Patterns have the syntax of .gitignore; [[] matches a literal [.
    """


class CollidingPaths(Refused):
    """{first} and {second} cannot coexist on every system.

    They differ only in letter case or Unicode form, or one would be a folder of the other; rename one of them.
    """


class UnfitFiles(Usage):
    """Cannot version {count:tracked file|tracked files}: {problems}"""


class UnsafePath(Refused):
    """Cannot use {path}: {reason}.

    mvc works only inside the model's folder, and never through a link.
    """


class UnportablePath(Refused):
    """Cannot version {path}: {reason}.

    Rename it to a name that is valid on every system.
    """
