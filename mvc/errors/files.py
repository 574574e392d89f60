"""Errors: a file cannot be tracked: its path, pattern, role or link is not valid."""

from __future__ import annotations

from mvc.errors.base import Refused, Usage


class NoSuchFile(Usage):
    """No file or folder {path}.

    Check the spelling; paths are relative to the current folder.
    """


class NotComparable(Usage):
    """{path} is {kind}, not {expected}.

    Name {expected}; write what a pipe gives to a file first.
    """


class UnreadablePath(Usage):
    """Cannot read {path}: {reason}.

    Make it readable, then run the command again.
    """


class NotInModel(Refused):
    """{path} is outside the model's folder ({folder} in the repository).

    A version holds only files in its model's folder; copy {path} into that folder, then add the copy.
    """


class PathOutsideModel(Usage):
    """{path} is outside the model's folder ({folder} in the repository), so no version has it.

    Name a file of the model; paths are relative to the current folder. `mvc ls` lists the files.
    """


class NothingToTrack(Usage):
    """Nothing to track in {path}: {reason}.

    Name files by their own path, or check what is ignored: .mvcignore, caches, files that look like credentials.
    """


class ManyFiles(Refused):
    """Refused to track {count:,} new files, {size:,.1f} MiB: {folders}.

    Add --yes to track them all, name fewer folders, or ignore files with .mvcignore.
    """


class NoRun(Usage):
    """{path} is not the folder of a training run: {reason}.

    Looked for {looked}. {hint}
    """


class NoWeightsYet(Refused):
    """{path}, a run of {trainer}, has no weights: {reason}.

    Nothing was changed. Looked for {looked}. Run the command again when the training has saved weights. {hint}
    """


class WhichWeights(Usage):
    """{count} files in {path} may be the model's weights: {listed}.

    Choose one with `mvc add {first:shell} --as model-latest`, then repeat the command.
    """


class NoValuesOfRun(Refused):
    """{run} has no file for {section}; {path} is of another training.

    Nothing was changed. Take no values from that file with `mvc unset from.{section}`, then repeat the command.
    """


class BadRole(Usage):
    """Invalid role {role}: {reason}.

    Choose another role, such as --as model-latest.
    """


class OneRole(Usage):
    """{count} paths cannot all have the role {role}.

    Add each path with a role of its own, or add one folder: its files get the roles {role}/FILE.
    """


class TrackedAlready(Usage):
    """{path} is already tracked as {role}.

    To change its role, run `mvc rm --cached {role}`, then add {path} again with --as ROLE.
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

    Choose a path outside of {store}.
    """


class BrokenLink(Usage):
    """{path} is a link to {target}, which cannot be read: {reason}.

    Fix the link, or ignore it with .mvcignore.
    """


class LinkOutside(Refused):
    """{path} is a link to {target}, outside this repository.

    To track the content of {target}, run `mvc add --follow-links PATH` with the path of the link or of its folder.
    """


class MissingFile(Usage):
    """{path} ({role}) is tracked but missing.

    Restore it with `mvc restore {path}`, or stop tracking it with `mvc rm {role}`.
    """


class NoValueFile(MissingFile):
    """{path}, which from.{role} names, is missing.

    Restore it with `mvc restore {path:shell}`, or take no values from it: `mvc unset from.{role}`.
    """


class UnreadableFile(Usage):
    """Cannot read {path}: {reason}.

    Make the file readable, stop tracking it with `mvc rm`, or ignore it with .mvcignore.
    """


class NoTomlFile(Usage):
    """Cannot read {path}: {reason}.

    Name a model.toml that exists and can be read, from the current folder.
    """


class RoleWithoutFile(Usage):
    """The role {role} has no file: no file matches {pattern}.

    Correct the pattern in [files], or remove the role with `mvc rm {role}`. Patterns skip ignored files, the folders
    of other models, and files that look like credentials (track those by path with `mvc add PATH`).
    """


class TwoRoles(Usage):
    """Two patterns in model.toml match {path}: those of roles {first} and {second}.

    Narrow one of the patterns; if the file is meant to have both roles, list its exact path under each of them in
    [files].
    """


class RoleTaken(Usage):
    """Two files have the role {role}: {first} and {second}.

    Give one of them another role in [files] of model.toml.
    """


class BadPattern(Usage):
    """Invalid file pattern {pattern!r}: {reason}.

    Patterns have the syntax of .gitignore; [[] matches a literal [.
    """


class CollidingPaths(Refused):
    """{first} and {second} cannot coexist on every system.

    They differ only in letter case or Unicode form, or one would be a folder of the other; rename one of them.
    """


class SameNames(Refused):
    """The files with the roles {first} and {second} would both be {name}.

    Download them without --by-role, or each into a folder of its own.
    """


class UnfitFiles(Usage):
    """Nothing was changed, because {count:tracked file|tracked files} cannot be in a version: {problems}

    Fix each problem, or leave the file out (`mvc rm --cached PATH` stops tracking it), then run the command again.
    """


class UnsafePath(Refused):
    """Cannot use {path}: {reason}.

    mvc works only inside the model's folder, and never through a link.
    """


class UnportablePath(Refused):
    """{path} cannot be in a version: {reason}.

    Rename the file or folder; its name must be valid on every system.
    """


class NotAFolder(Usage):
    """Nothing was moved: several files can only be moved into a folder, and {path} is not one.

    Write it with a / at its end to create it.
    """


class IntoItself(Usage):
    """Cannot move {path} into itself.

    Choose another folder.
    """


class NoLongerTracked(Usage):
    """Nothing was moved: {path} ({role}) would not be tracked any longer, since no pattern in [files] matches {new}.

    Change the pattern in model.toml first, or choose a path that it matches.
    """
