"""The bucket policy of S3 by which only certain roles move certain refs.

Source: "Actions, resources, and condition keys for Amazon S3" and "IAM JSON policy elements", AWS. Copies, uploads in parts
and forms all need s3:PutObject for the name that they create.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mvc import errors
from mvc.remotes.backends.address import Address
from mvc.remotes.permissions.protected import Access

ROLE = "arn:aws:iam::ACCOUNT:role/ROLE"
"""The placeholder of a role."""
MAX_BYTES = 20 * 1024
"""The largest bucket policy that S3 accepts, in bytes."""
WRITES = (
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionTagging",
    "s3:ReplicateObject",
)
"""Actions that create an object, or that decide who reads it and which rules expire it."""
DELETES = ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ReplicateDelete")
"""Actions that delete an object, or hide it behind a delete marker."""
_ARN = re.compile(r"arn:(aws[a-z-]*):iam::(?:[0-9]{12}|ACCOUNT):(?:role|user)/[A-Za-z0-9+=,.@_/*?-]+\Z")
_SPECIAL = re.compile(r"[*?$]")


def policy(address: Address, options: Mapping[str, str], access: Access) -> str:
    """Return the JSON of a bucket policy. Raises BadPrincipal, TooManyProtected."""
    access = access._replace(roles=access.roles or (ROLE,)).checked(_fault, ROLE)
    if access.pushers:
        reason = "a bucket policy only denies, so who pushes keeps other rights and is not named; leave out --pusher"
        raise errors.BadPrincipal(who=access.pushers[0], reason=reason, example=ROLE)
    partition = _partition(options.get("region", ""), access)
    path = _SPECIAL.sub(lambda sign: f"${{{sign[0]}}}", f"{address.path}/" if address.path else "")
    resources = [f"arn:{partition}:s3:::{address.host}/{path}refs/*/{folder}/*" for folder in access.folders]
    statements = [
        _deny("MvcOnlyTheRoleMoves", [*WRITES, *DELETES], resources)
        | {"Condition": {"ArnNotLike": {"aws:PrincipalArn": [*access.roles]}}},
        _deny("MvcNobodyDeletes", [*DELETES], resources),
        _deny("MvcNobodyOverwrites", ["s3:PutObject"], resources)
        | {"Condition": {"Null": {"s3:if-none-match": "true"}}},
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)
    if len(text.encode()) > MAX_BYTES:
        raise errors.TooManyProtected(count=len(access.refs), limit=f"a bucket policy has at most {MAX_BYTES:,} bytes")
    return text


def _deny(name: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": resources}


def _partition(region: str, access: Access) -> str:
    """Return the partition of AWS, by the first role, else by the bucket's region."""
    named = _ARN.match(access.roles[0])
    if named is not None and access.roles[0] != ROLE:
        return named[1]
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _fault(role: str) -> str | None:
    if ":assumed-role/" in role:
        return "it is a session; name its role"
    return None if _ARN.match(role) else "it is not the ARN of a role or a user"
