"""License expressions, such as `MIT OR (Apache-2.0 AND BSD-3-Clause)`, against lists of licenses with wildcards."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from mvc.model.licenses.expression import One, is_satisfied


def is_permitted(expression: str, allow: Sequence[str] | None, deny: Sequence[str]) -> bool:
    """Return whether a license expression is permitted: what it names is denied by no pattern, and allowed by one.

    Without `allow`, all that is not denied is allowed. A license counts as it is written, and by its SPDX identifier;
    `GPL-2.0-only WITH Classpath-exception-2.0` is one license. Letter case does not count.
    """

    def is_fine(one: One) -> bool:
        is_allowed = allow is None or any(_matches(name, allow) for name in one.spellings)
        return is_allowed and not any(_matches(name, deny) for name in one.spellings)

    return is_satisfied(expression, is_fine)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)
