"""Texts of well-known licenses, recognised by their titles or by sentences that only they have.

    LICENSE  ─ lower case, words only ─►  "gnu affero general public license version 3"  ─►  AGPL-3.0

A title counts at the beginning of a text only, since licenses name each other. Whether later versions may be chosen is not
in the text of a license, so `AGPL-3.0` is all that it shows.
"""

from __future__ import annotations

import re

MAX_BYTES = 256 << 10
"""Bytes of a text that is looked at, at most."""
_BEGINNING = 600
"""Characters in which a title is looked for."""
_LENGTH = 1_500
"""Characters of a short license, in which words that another one lacks are looked for."""
_WORDS = re.compile(r"[a-z0-9.]+")

_TITLES = (
    ("gnu affero general public license version 3", "AGPL-3.0"),
    ("gnu lesser general public license version 3", "LGPL-3.0"),
    ("gnu lesser general public license version 2.1", "LGPL-2.1"),
    ("gnu library general public license version 2", "LGPL-2.0"),
    ("gnu general public license version 3", "GPL-3.0"),
    ("gnu general public license version 2", "GPL-2.0"),
    ("apache license version 2.0", "Apache-2.0"),
    ("mozilla public license version 2.0", "MPL-2.0"),
    ("eclipse public license v 2.0", "EPL-2.0"),
    ("eclipse public license v2.0", "EPL-2.0"),
    ("european union public licence v 1.2", "EUPL-1.2"),
    ("boost software license version 1.0", "BSL-1.0"),
    ("academic free license afl v 3.0", "AFL-3.0"),
    ("the artistic license 2.0", "Artistic-2.0"),
    ("do what the fuck you want to public license", "WTFPL"),
    ("creativeml open rail m", "LicenseRef-CreativeML-OpenRAIL-M"),
    ("bigscience open rail m", "LicenseRef-BigScience-OpenRAIL-M"),
    ("bigcode open rail m", "LicenseRef-BigCode-OpenRAIL-M"),
    ("llama 4 community license agreement", "LicenseRef-Llama-4-Community"),
    ("llama 3.3 community license agreement", "LicenseRef-Llama-3.3-Community"),
    ("llama 3.2 community license agreement", "LicenseRef-Llama-3.2-Community"),
    ("llama 3.1 community license agreement", "LicenseRef-Llama-3.1-Community"),
    ("meta llama 3 community license agreement", "LicenseRef-Llama-3-Community"),
    ("llama 2 community license agreement", "LicenseRef-Llama-2-Community"),
    ("gemma terms of use", "LicenseRef-Gemma"),
    ("community data license agreement permissive version 2.0", "CDLA-Permissive-2.0"),
    ("community data license agreement permissive version 1.0", "CDLA-Permissive-1.0"),
    ("open data commons open database license", "ODbL-1.0"),
    ("attribution noncommercial noderivatives 4.0 international", "CC-BY-NC-ND-4.0"),
    ("attribution noncommercial sharealike 4.0 international", "CC-BY-NC-SA-4.0"),
    ("attribution noncommercial 4.0 international", "CC-BY-NC-4.0"),
    ("attribution noderivatives 4.0 international", "CC-BY-ND-4.0"),
    ("attribution sharealike 4.0 international", "CC-BY-SA-4.0"),
    ("attribution 4.0 international", "CC-BY-4.0"),
    ("cc0 1.0 universal", "CC0-1.0"),
    ("history of the software", "PSF-2.0"),
)
"""Titles as words in lower case, the longer one first where one has the other's words."""
_GRANT = "permission is hereby granted free of charge to any person obtaining a copy of this software"
_FEE = "permission to use copy modify and or distribute this software for any purpose with or without fee"
_BSD = "redistribution and use in source and binary forms with or without modification are permitted provided that"
_SENTENCES = (
    (_GRANT, "MIT"),
    (_FEE, "ISC"),
    (_BSD, "BSD-2-Clause"),
    ("by obtaining using and or copying this software and or its associated documentation", "MIT-CMU"),
    ("this is free and unencumbered software released into the public domain", "Unlicense"),
    ("altered source versions must be plainly marked as such and must not be misrepresented", "Zlib"),
)
"""Sentences of a license; the first one in a text counts."""
_FURTHER = {
    "MIT": (("the above copyright notice",), "MIT", "MIT-0"),
    "ISC": (("provided that the above copyright notice",), "ISC", "0BSD"),
    "BSD-2-Clause": (
        ("neither the name", "names of its contributors", "name of the author may not be used to endorse"),
        "BSD-3-Clause",
        "BSD-2-Clause",
    ),
}
"""Words that two licenses differ in: the one with any of them, and the one without."""


def recognise(text: str) -> str | None:
    """Return the identifier of the license whose text this is, the first one of several; None for another text."""
    plain = " ".join(word.rstrip(".") for word in _WORDS.findall(text[:MAX_BYTES].lower()))
    plain = plain.replace("open railm", "open rail m").replace("openrail m", "open rail m")
    beginning = plain[:_BEGINNING]
    at = {name: beginning.find(title) for title, name in reversed(_TITLES) if title in beginning}
    at |= {name: plain.find(sentence) for sentence, name in _SENTENCES if sentence in plain}
    if not at:
        return None
    first = min(at, key=lambda name: at[name])
    if first not in _FURTHER:
        return first
    words, having, lacking = _FURTHER[first]
    rest = plain[at[first] : at[first] + _LENGTH]
    return having if any(word in rest for word in words) else lacking
