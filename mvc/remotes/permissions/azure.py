"""The commands by which only certain principals move certain refs in a container of Azure Blob Storage.

The others get the role Storage Blob Data Contributor with a condition. Source: "Azure role assignment condition format and
syntax" and "Actions and attributes for Azure role assignment conditions for Azure Blob Storage", Microsoft.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from mvc import errors
from mvc.remotes.backends.address import Address
from mvc.remotes.permissions.protected import Access, path_in_bucket

ROLE, PUSHER = "ROLE-OBJECT-ID", "PUSHERS-OBJECT-ID"
"""The placeholders of the two principals."""
MAX_BYTES = 8 * 1024
"""The longest condition that Azure accepts, in bytes."""
CONTRIBUTOR = "Storage Blob Data Contributor"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
WRITES = (f"{_BLOBS}/write", f"{_BLOBS}/add/action", f"{_BLOBS}/delete", f"{_BLOBS}/move/action")
"""The actions of the role that change a blob."""
ACCOUNT = "ACCOUNT"
"""The placeholder of the storage account, where the remote's settings do not name it."""
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_UNFIT = re.compile(r"['\\*?]")
_SCRIPT = """\
#!/bin/sh
# Lets only {roles} move {refs}.
# Those who push may write every other blob. Remove other roles of theirs that can write blobs in the container or above
# it: roles add up. Account keys, and signatures (SAS) made with them, pass every condition; turn them off once nobody
# needs them: az storage account update --name ACCOUNT --allow-shared-key-access false
set -eu
account={account}
container={container}
condition=$(cat <<'CONDITION'
{condition}
CONDITION
)
scope=$(az storage account show --name "$account" --query id --output tsv)
scope="$scope/blobServices/default/containers/$container"
{commands}
"""


def script(address: Address, options: Mapping[str, str], access: Access) -> str:
    """Return a shell script with the commands. Raises BadPrincipal, BadProtection, TooManyProtected."""
    roles, pushers = access.roles or (ROLE,), access.pushers or (PUSHER,)
    access.checked(_fault, "11111111-2222-3333-4444-555555555555")
    conditional = '--condition-version 2.0 --condition "$condition"'
    return _SCRIPT.format(
        roles=" and ".join(roles),
        refs=", ".join(ref.text for ref in access.refs),
        account=shlex.quote(options.get("account", ACCOUNT)),
        container=shlex.quote(address.host),
        condition=condition(address, access),
        commands="\n".join([*(_assign(who, "") for who in roles), *(_assign(who, conditional) for who in pushers)]),
    ).rstrip("\n")


def condition(address: Address, access: Access) -> str:
    """Return the condition: no action that changes a blob is for a move of a protected ref. Raises as `script`."""
    path = path_in_bucket(address, _UNFIT)
    actions = "\n  AND ".join(f"!(ActionMatches{{'{action}'}})" for action in WRITES)
    paths = "\n  AND ".join(
        f"@Resource[{_BLOBS}:path] StringNotLike '{path}refs/*/{folder}/*'" for folder in access.folders
    )
    text = f"(\n (\n  {actions}\n )\n OR\n (\n  {paths}\n )\n)"
    if len(text.encode()) > MAX_BYTES:
        raise errors.TooManyProtected(count=len(access.refs), limit=f"a condition has at most {MAX_BYTES:,} bytes")
    return text


def _assign(who: str, condition: str) -> str:
    command = f'az role assignment create --role "{CONTRIBUTOR}" --scope "$scope" --assignee {shlex.quote(who)}'
    return f"{command} {condition} --output none" if condition else f"{command} --output none"


def _fault(who: str) -> str | None:
    return None if _ID.match(who) else "it is not the object id of a group, a user or a service principal"
