"""Errors: a remote has invalid settings, cannot be reached, or denies access."""

from __future__ import annotations

from mvc.errors.base import Damaged, Denied, OutOfReach, Refused, Usage


class BadRemoteUrl(Usage):
    """Invalid remote URL {url!r}: {reason}.

    Use a folder, or s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH, sftp://USER@HOST/PATH.
    """


class RemoteExists(Usage):
    """Remote {name} already exists.

    Change its URL with `mvc remote set-url {name} URL`.
    """


class NoSuchRemote(Usage):
    """No remote {name} (remotes: {known}).

    {suggestion}Add it with `mvc remote add {name} URL`.
    """


class MissingExtra(Usage):
    """Remotes with {scheme} URLs need {reason}, which is not installed.

    Install it with `pip install 'modelvc[{extra}]'`.
    """


class RemoteUnreachable(OutOfReach):
    """Cannot reach {remote}: {reason}.

    Run the command again; transferred data is kept, and the transfer resumes.
    """

    after: float | None = None
    """The server's Retry-After in seconds, if it sent one."""


class RemoteDenied(Denied):
    """{remote} denied access: {reason}.

    Check the credentials on this machine, and their permissions.
    """


class UnknownHostKey(RemoteDenied):
    """Nothing was sent: the host key of {remote} ({key}) is not in {known_hosts}.

    Verify the key with the administrator of {remote}, then connect once with `ssh` to accept it; or name the file that
    has the key, with `mvc remote set-url NAME URL -o known-hosts=FILE`.
    """


class ChangedHostKey(RemoteDenied):
    """Nothing was sent: the host key of {remote} ({key}) differs from the one in {known_hosts}.

    This may be an attack. If the administrator of {remote} confirms the new key, run `ssh-keygen -R HOST`, then
    connect once with `ssh` to accept it.
    """


class NotExclusive(Refused):
    """{remote} is not safe for concurrent pushes: {failures}.

    Versions would be lost when two clients create the same ref. Use a store that honours `If-None-Match` (Amazon S3,
    Google Cloud Storage, Azure), a folder, or an OpenSSH server.
    """


class NotARemote(Refused):
    """{remote} is not an mvc remote, and is not empty.

    Nothing was written there. Name an empty folder or prefix, or an existing mvc remote, with `mvc remote set-url NAME
    URL`.
    """


class NoRemoteYet(Usage):
    """{remote} has no versions yet.

    Push the first versions with `mvc push`.
    """


class NoRemoteFolder(NoRemoteYet):
    """There is no folder {remote}.

    Check the path, and that its disk is mounted. To share versions in a new folder, `mvc push` creates it.
    """


class IsRepository(Refused):
    """{remote} is a repository with a working tree, not a remote.

    Share the repository through a separate folder: run `mvc remote add origin FOLDER` and `mvc push` in {remote}, then
    `mvc clone FOLDER`.
    """


class NotThere(Usage):
    """{remote} has no {what} (known: {known}).

    Check the spelling, or run `mvc fetch` to see what {remote} has.
    """


class RemoteVanished(OutOfReach):
    """{remote} is empty or missing, but had versions before; check its path, and that it is mounted.

    Nothing was created there. If {name} was emptied on purpose, run `mvc remote rm {name}`, add it again, and push.
    """


class RemoteRewritten(Damaged):
    """{remote} lost history that it had at the last fetch: {reason}.

    Somebody restored it from an older backup, or replaced it. If that is intended, run `mvc remote rm NAME`, add the
    remote again, and fetch; fetched versions are kept.
    """


class SeveralModels(Usage):
    """{remote} has several models: {known}.

    Name one after a #: {source:shell}.
    """


class OtherStore(Usage):
    """Cannot print {form} for {remote}: it is a remote {what}.

    Known forms are {forms}; without --print, `mvc remote policy {remote}` prints the one of the remote.
    """


class BadProtection(Usage):
    """Cannot protect {text}: {reason}.

    Nothing was printed. Name a ref as in `--protect alias:prod`.
    """


class NothingToProtect(Usage):
    """No refs to protect: no rule of policy.toml about a branch, a tag or an alias has signed-by or from.

    Name one with `--protect alias:prod`.
    """


class TooManyProtected(Usage):
    """Cannot protect so many refs ({count}): {limit}.

    Nothing was printed. Protect fewer with --protect, or several with one pattern, as alias:release/*.
    """


class BadPrincipal(Usage):
    """Cannot use {who!r} as a role or for who pushes: {reason}.

    Nothing was printed. Name one as in `--role {example}`.
    """


class RefDenied(RemoteDenied):
    """{remote} does not let you move {ref} of {model}: {reason}.

    The ref was not moved; uploaded versions stay for the next push. Ask somebody whose credentials may move it, or push
    to another ref.
    """
