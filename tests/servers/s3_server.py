"""S3 as moto has it, but that a name which must be free is looked up and written in one step, as S3 does it.

moto looks first and writes afterwards, and answers requests in threads: on a busy machine two could both create one name.
A bucket's policy is judged by `bucket_policy`.
Run as `python -m tests.servers.s3_server` with the arguments of `moto_server`.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from moto.s3.responses import S3Response
from moto.server import main

from tests.servers import bucket_policy

_LOCK = threading.Lock()
_put = S3Response.put_object


def _put_in_one_step(response: S3Response) -> Any:
    if not response.headers.get("If-None-Match"):
        return _put(response)
    with _LOCK:
        return _put(response)


if __name__ == "__main__":
    bucket_policy.install()
    S3Response.put_object = _put_in_one_step  # type: ignore[assignment]
    main(sys.argv[1:])
