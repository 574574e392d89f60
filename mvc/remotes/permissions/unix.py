"""The commands by which only a group moves certain refs in a folder, on this machine or behind SSH.

    drwxrwsr-t root pushers  /srv/vision/  refs/  refs/helmets/  refs/helmets/aliases/
    drwxrwsr-t root role     refs/helmets/aliases/prod/

Who may create a name in a folder may also rename what is in it. The sticky bit limits that to owners, so each folder above
a protected one belongs to root and has it. Folders that others own are entered first and checked then, so that no link
leads the commands elsewhere.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from mvc import errors
from mvc.remotes.backends.address import Address
from mvc.remotes.backends.backend import TEMPORARY
from mvc.remotes.permissions.protected import Access
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS

ROLE, PUSHER = "role", "pushers"
"""The placeholders of the two groups."""
FOLDERS = (TEMPORARY, "packs", "meta", "meta/merged", "meta/damaged", "intents", "gc", "probe", "expired")
"""Folders beside `refs` that pushes and collections create names in."""
_GROUP = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?\Z")
_SCRIPT = """\
#!/bin/sh
# Lets only the group {role} move {refs}.
# The members of {pushers} push everything else; who moves protected refs is a member of both groups.
# Run it as root on the machine that has the folder, and again when a model is new. Folders above it must not be writable
# for {pushers}. Over SSH, let the server's umask be 022 (`Subsystem sftp internal-sftp -u 0022`), so that nobody writes
# into files of others. Other ways to the files, as root or by a share without these owners, are not covered.
set -eu
umask 022
root={root}
pushers={pushers_quoted}
role={role_quoted}

# own FOLDER GROUP: root owns it, GROUP creates names in it, only owners rename and delete them
own() {{
    mkdir -p "$1"
    (
        cd -P "$1"
        test "$(pwd -P)" = "$1" || {{ echo "$1 is a link; nothing was changed there" >&2; exit 1; }}
        chown "root:$2" .
        chmod u=rwx,g=rwxs,+t .
    )
}}

# keep FOLDER: own it for the role, and its moves so far for root
keep() {{
    own "$1" "$role"
    (
        cd -P "$1"
        chmod o=rxt .
        find . -type f -exec chown -h root '{{}}' + -exec chmod a=r '{{}}' +
    )
}}

# is_protected FOLDER: it has moves of a protected ref of the model
is_protected() {{
    for ref in {protected}; do
        test "$1" != "$model/$ref" || return 0
    done
    return 1
}}

# share FOLDER: own it for the pushers, and all folders in it that are not protected
share() {{
    own "$1" "$pushers"
    for inner in "$1"/*/; do
        inner=${{inner%/}}
        if test -d "$inner" && ! is_protected "$inner"; then
            share "$inner"
        fi
    done
}}

mkdir -p "$root"
root=$(cd -P "$root" && pwd -P)
own "$root" "$pushers"
own "$root/refs" "$pushers"
model=
for folder in {folders}; do
    share "$root/$folder"
done
for model in "$root"/refs/*/; do
    test -d "$model" || continue
    model=${{model%/}}
    own "$model" "$pushers"
    for kind in {kinds}; do
        own "$model/$kind" "$pushers"
    done
    share "$model"
    for ref in {protected}; do
        keep "$model/$ref"
    done
done
"""


def script(address: Address, _: Mapping[str, str], access: Access) -> str:
    """Return a shell script with the commands. Raises BadPrincipal unless each is one group, BadProtection for a pattern."""
    roles, pushers = access.roles or (ROLE,), access.pushers or (PUSHER,)
    access.checked(_fault, "release")
    if len(roles) > 1 or len(pushers) > 1 or roles == pushers:
        who = (roles if len(roles) > 1 or roles == pushers else pushers)[-1]
        raise errors.BadPrincipal(
            who=who, reason="a folder has one group; name one for each, and not the same", example="release"
        )
    for ref in access.refs:
        if ref.is_pattern:
            raise errors.BadProtection(text=ref.text, reason="a file system knows no patterns; name each ref")
    return _SCRIPT.format(
        role=roles[0],
        pushers=pushers[0],
        refs=", ".join(ref.text for ref in access.refs),
        root=shlex.quote(address.path),
        role_quoted=shlex.quote(roles[0]),
        pushers_quoted=shlex.quote(pushers[0]),
        folders=" ".join(FOLDERS),
        kinds=f"{HEADS} {TAGS} {ALIASES}",
        protected=" ".join(map(shlex.quote, access.folders)),
    ).rstrip("\n")


def _fault(group: str) -> str | None:
    return None if _GROUP.match(group) else "it is not the name of a group"
