"""The commands by which only certain members move certain refs in a bucket of Google Cloud Storage.

IAM of Google has no denial by an object's name, so the others get the right to create with a condition. Source: "IAM
Conditions", "Attribute reference for IAM Conditions" (`extract`), and "IAM permissions for Cloud Storage", Google.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping

from mvc import errors
from mvc.remotes.backends.address import Address
from mvc.remotes.permissions.protected import ANY, Access, ProtectedRef, path_in_bucket

ROLE, PUSHER = "group:ROLE@example.org", "group:PUSHERS@example.org"
"""The placeholders of the two members."""
MAX_OPERATORS = 12
"""Logical operators in one condition, at most."""
CREATOR, VIEWER = "roles/storage.objectCreator", "roles/storage.objectViewer"
_MEMBER = re.compile(r"(?:user|group|serviceAccount|domain):[^\s\"'\\,]+\Z|principal(?:Set)?://[^\s\"'\\,]+\Z")
_UNFIT = re.compile(r"[\"'\\{}]")
_SCRIPT = """\
#!/bin/sh
# Lets only {roles} move {refs}.
# Those who push may create every other name. Remove other grants of theirs that can write or delete objects in the bucket
# or its project (roles/storage.objectUser, objectAdmin, admin, roles/editor): IAM adds grants up.
set -eu
bucket={bucket}
condition=$(mktemp)
trap 'rm -f "$condition"' EXIT
cat > "$condition" <<'CONDITION'
{condition}
CONDITION
gcloud storage buckets update "$bucket" --uniform-bucket-level-access
{commands}
"""


def script(address: Address, _: Mapping[str, str], access: Access) -> str:
    """Return a shell script with the commands. Raises BadPrincipal, BadProtection, TooManyProtected."""
    roles, pushers = access.roles or (ROLE,), access.pushers or (PUSHER,)
    access._replace(roles=roles, pushers=pushers).checked(_fault, ROLE)
    commands = [
        *(_grant(who, role, "--condition=None") for who in roles for role in (VIEWER, CREATOR)),
        *(_grant(who, VIEWER, "--condition=None") for who in pushers),
        *(_grant(who, CREATOR, '--condition-from-file="$condition"') for who in pushers),
    ]
    condition = {
        "title": "mvc: not the protected refs",
        "description": "May create every name but the moves of the protected refs",
        "expression": expression(address, access),
    }
    return _SCRIPT.format(
        roles=" and ".join(roles),
        refs=", ".join(ref.text for ref in access.refs),
        bucket=shlex.quote(f"gs://{address.host}"),
        condition=json.dumps(condition, indent=2),
        commands="\n".join(commands),
    ).rstrip("\n")


def expression(address: Address, access: Access) -> str:
    """Return the condition, in CEL, which is true for names that are no move of a protected ref.

    `extract` returns what the object has in the place of the braces, and "" if it does not have the rest around it.
    Raises BadProtection, TooManyProtected.
    """
    root = f"projects/_/buckets/{address.host}/objects/{path_in_bucket(address, _UNFIT)}refs/"
    places = [place for ref in access.refs for place in _places(ref)]
    if len(places) > MAX_OPERATORS + 1:
        limit = f"a condition of Google has at most {MAX_OPERATORS} logical operators; a pattern counts once, a name three times"
        raise errors.TooManyProtected(count=len(access.refs), limit=limit)
    return " && ".join(f'resource.name.extract("{root}{{model}}/{place}") == ""' for place in places)


def _places(ref: ProtectedRef) -> list[str]:
    """Return what follows the model in the names of a ref's moves. Raises BadProtection for a `*` before the end."""
    start, star, rest = ref.component.partition(ANY)
    if rest:
        raise errors.BadProtection(text=ref.text, reason="a condition of Google knows `*` only at the end of a name")
    return [f"{kind}/{start}{'' if star else '/'}" for kind in ref.kinds]


def _grant(who: str, role: str, condition: str) -> str:
    member = shlex.quote(f"--member={who}")
    return f'gcloud storage buckets add-iam-policy-binding "$bucket" {member} --role={role} {condition}'


def _fault(who: str) -> str | None:
    return None if _MEMBER.match(who) else "it is not a member such as group:NAME@DOMAIN or serviceAccount:NAME@DOMAIN"
