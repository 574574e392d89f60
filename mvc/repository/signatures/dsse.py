"""DSSE: the bytes that a signature in an envelope is of. Source: https://github.com/secure-systems-lab/dsse, version 1.

"DSSEv1" SP length(type) SP type SP length(payload) SP payload
"""

from __future__ import annotations


def encoded(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding of a payload, which is signed."""
    type_ = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(type_), type_, len(payload), payload)
