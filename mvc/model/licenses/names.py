"""Names of licenses that SPDX does not have: other spellings, the keys of model hubs, and licenses of models.

    apache 2.0, apache-2  ─►  Apache-2.0            llama3.1  ─►  LicenseRef-Llama-3.1-Community

A license that is not on SPDX's list gets an identifier with `LicenseRef-`, as SPDX expressions spell it.
Source of the keys: https://huggingface.co/docs/hub/repositories-licenses.
"""

from __future__ import annotations

import re

from mvc.model.licenses import spdx

_REFERENCES = {
    "openrail": "OpenRAIL",
    "openrail++": "OpenRAIL++-M",
    "bigscience-openrail-m": "BigScience-OpenRAIL-M",
    "creativeml-openrail-m": "CreativeML-OpenRAIL-M",
    "bigscience-bloom-rail-1.0": "BigScience-BLOOM-RAIL-1.0",
    "bigcode-openrail-m": "BigCode-OpenRAIL-M",
    "openmdw-1.0": "OpenMDW-1.0",
    "deepfloyd-if-license": "DeepFloyd-IF",
    "fair-noncommercial-research-license": "FAIR-Noncommercial-Research",
    "intel-research": "Intel-Research",
    "h-research": "H-Research",
    "apple-amlr": "Apple-AMLR",
    "apple-ascl": "Apple-ASCL",
    "llama2": "Llama-2-Community",
    "llama3": "Llama-3-Community",
    "llama3.1": "Llama-3.1-Community",
    "llama3.2": "Llama-3.2-Community",
    "llama3.3": "Llama-3.3-Community",
    "llama4": "Llama-4-Community",
    "grok2-community": "Grok-2-Community",
    "gemma": "Gemma",
}
"""Licenses of models, by the key of the Hugging Face Hub; each has this name behind `LicenseRef-`."""
PREFIX = "LicenseRef-"
_SPELLINGS = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache2.0": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache version 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "expat": "MIT",
    "x11/mit": "MIT",
    "bsd 2-clause": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "modified bsd": "BSD-3-Clause",
    "agpl": "AGPL-3.0",
    "agplv3": "AGPL-3.0",
    "agpl v3": "AGPL-3.0",
    "agpl-3": "AGPL-3.0",
    "agpl 3.0": "AGPL-3.0",
    "gnu agpl v3": "AGPL-3.0",
    "gnu affero general public license v3.0": "AGPL-3.0",
    "gplv2": "GPL-2.0",
    "gpl v2": "GPL-2.0",
    "gpl-2": "GPL-2.0",
    "gpl 2.0": "GPL-2.0",
    "gplv3": "GPL-3.0",
    "gpl v3": "GPL-3.0",
    "gpl-3": "GPL-3.0",
    "gpl 3.0": "GPL-3.0",
    "gnu general public license v3.0": "GPL-3.0",
    "lgplv2.1": "LGPL-2.1",
    "lgplv3": "LGPL-3.0",
    "lgpl-3": "LGPL-3.0",
    "mpl 2.0": "MPL-2.0",
    "mpl2": "MPL-2.0",
    "mozilla public license 2.0": "MPL-2.0",
    "cc0": "CC0-1.0",
    "public domain": "LicenseRef-Public-Domain",
    "cc by 4.0": "CC-BY-4.0",
    "cc by-sa 4.0": "CC-BY-SA-4.0",
    "cc by-nc 4.0": "CC-BY-NC-4.0",
    "cc by-nc-sa 4.0": "CC-BY-NC-SA-4.0",
    "cc by-nd 4.0": "CC-BY-ND-4.0",
    "cc by-nc-nd 4.0": "CC-BY-NC-ND-4.0",
    "bsl": "BSL-1.0",
    "the unlicense": "Unlicense",
    "pddl": "PDDL-1.0",
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-By-1.0",
    "proprietary": "LicenseRef-Proprietary",
    "all rights reserved": "LicenseRef-Proprietary",
    "commercial": "LicenseRef-Proprietary",
}
"""Other spellings, in lower case, without the word license at the end."""
_PAGES = (
    (r"(?:www\.)?apache\.org/licenses/license-2\.0", "Apache-2.0"),
    (r"(?:www\.)?gnu\.org/licenses/(?:old-licenses/)?(a?gpl-[23]\.0|lgpl-(?:2\.1|3\.0))(?:\.html|\.txt)?", r"\1"),
    (r"creativecommons\.org/licenses/(by[a-z-]*)/([1-4]\.[05])", r"cc-\1-\2"),
    (r"creativecommons\.org/publicdomain/zero/1\.0", "CC0-1.0"),
    (r"(?:www\.)?opensource\.org/licen[sc]es?/([a-z0-9.+-]+?)(?:\.php|\.html)?", r"\1"),
    (r"choosealicense\.com/licenses/([a-z0-9.+-]+)", r"\1"),
    (r"spdx\.org/licenses/([a-z0-9.+-]+?)(?:\.html)?", r"\1"),
    (r"(?:www\.)?mozilla\.org/(?:[a-z-]+/)?mpl/2\.0", "MPL-2.0"),
)
"""Pages of licenses, as expressions, and their names."""
_ADDRESS = re.compile(r"https?://(\S+?)/?\Z")
_DECORATION = re.compile(r"\s*(?:\([^()]*\)|<?https?://\S*)\s*\Z")
_WORD = re.compile(r"\s+licen[sc]e\Z")
_HUB_KEYS_TEXT = (
    "apache-2.0 mit afl-3.0 artistic-2.0 bsl-1.0 bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda-1.0 cc0-1.0 "
    "cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 "
    "cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 "
    "cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 "
    "gpl-2.0 gpl-3.0 lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 osl-3.0 postgresql ofl-1.1 ncsa unlicense "
    "zlib"
)
"""Keys of the Hub that are SPDX's in lower case."""
_HUB_KEYS = frozenset(_HUB_KEYS_TEXT.split())


def identifier(text: str) -> str | None:
    """Return the identifier of one license by its name, key, spelling or page; None for an unknown one."""
    name = " ".join(text.strip().lower().split())
    page = _ADDRESS.match(name)
    if page is not None:
        return next((identifier(match.expand(to)) for at, to in _PAGES if (match := re.fullmatch(at, page[1]))), None)
    for form in dict.fromkeys((name, name.replace("_", "-"), short := _shortened(name), short.removeprefix("the "))):
        known = spdx.LICENSES.get(form) or _SPELLINGS.get(form)
        if known is None and form in _REFERENCES:
            known = PREFIX + _reference(form)
        if known is not None:
            return known
    return _own_reference(text.strip())


def hub_key(identifier_: str) -> str | None:
    """Return the key of the Hugging Face Hub for an identifier; None if the Hub has none."""
    plain = family(identifier_).lower()
    if plain in _HUB_KEYS:
        return plain
    return next((key for key in _REFERENCES if PREFIX + _reference(key) == identifier_), None)


def family(identifier_: str) -> str:
    """Return an identifier without `-only`, `-or-later` and `+`: the text of a license does not have these."""
    return identifier_.removesuffix("-only").removesuffix("-or-later").removesuffix("+")


def _reference(key: str) -> str:
    """Return the name of a license of models, of the letters that an identifier may have."""
    return _REFERENCES[key].replace("+", "-plus")


def _shortened(name: str) -> str:
    """Return a name without commas, and without an address, a remark in parentheses and the word license at its end."""
    return _WORD.sub("", _DECORATION.sub("", name.replace(",", " ").replace("  ", " "))).strip()


def _own_reference(text: str) -> str | None:
    """Return a text that is an identifier of its author's own, `LicenseRef-Acme`; None for another text."""
    is_own = re.fullmatch(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+", text) is not None
    return text if is_own else None
