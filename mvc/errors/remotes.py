"""Remotes: their settings, reach and rights."""

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

    Add it with `mvc remote add {name} URL`.
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

    Verify the key with its administrator, then accept it with `ssh`; or set the remote's option known-hosts to the
    file that has it.
    """


class ChangedHostKey(RemoteDenied):
    """Nothing was sent: the host key of {remote} ({key}) differs from the one in {known_hosts}.

    This may be an attack. If its administrator confirms the new key, run `ssh-keygen -R HOST`, then `ssh` to it.
    """


class NotExclusive(Refused):
    """{remote} is not safe for concurrent pushes: {failures}.

    Versions would be lost when two clients create the same ref. Use a store that honours `If-None-Match` (Amazon S3,
    Google Cloud Storage, Azure), a folder, or an OpenSSH server.
    """


class NotARemote(Refused):
    """{remote} is not an mvc remote, and is not empty.

    Name an empty folder or prefix, or an existing mvc remote.
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

    Share it through a folder of its own: run `mvc remote add origin FOLDER` and `mvc push` in {remote}, then
    `mvc clone FOLDER`.
    """


class NotThere(Usage):
    """{remote} has no {what} (known: {known}).

    Check the spelling, or run `mvc fetch` to see what it has.
    """


class RemoteVanished(OutOfReach):
    """{remote} is empty or missing, but had versions before; check its path, and that it is mounted.

    Nothing was created. If it was emptied on purpose, `mvc remote rm {name}`, add it again, and push.
    """


class RemoteRewritten(Damaged):
    """{remote} lost history that it had at the last fetch: {reason}.

    It was restored from an older backup, or replaced. If that is intended, `mvc remote rm` it, add it again, and
    fetch; fetched versions are kept.
    """
