r"""JSON that others wrote: texts that cannot be encoded, and nesting without a bound, are errors as any other fault is.

'{"name": "\ud800"}'   ValueError: it has half of a surrogate pair
'[[[[[[[[[[[[[[[[…'    ValueError: it is nested too deeply
"""

from __future__ import annotations

import json
from typing import Any


def loads(data: bytes) -> Any:
    """Return the value of a JSON text. Raises ValueError.

    Python accepts halves of surrogate pairs, as an escape and as bytes, and encoding such a text fails later.
    """
    try:
        value = json.loads(data)
        if b"\\u" in data or b"\xed" in data:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it has half of a surrogate pair") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value
