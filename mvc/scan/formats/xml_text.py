"""XML: what makes a parser read another file, in any encoding that parsers know, and what readers of XML build or run.

    <object class="java.lang.ProcessBuilder">        <data library="/tmp/a.so"/>        <svg><script>…
    <!ENTITY x SYSTEM "file:///etc/passwd">      <!DOCTYPE PMML SYSTEM "http://…">      <xi:include href="/etc/passwd"/>

PMML, OpenVINO and many others are XML. Parsers differ in what they follow. Document types of the formats of the W3C and
Apple are not fetched in practice: their parsers know them. Source: XML 1.0, 4.2.2, 4.3.3 and appendix F; XInclude 1.0.
"""

from __future__ import annotations

import re

from mvc.formats.source import Source, TooLongError
from mvc.scan.formats.model_config import is_outside
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

MAX_TEXT = 8 * 1024 * 1024
"""Bytes of a text that is searched; of a longer one, those before and behind its first element are most of it."""

ENTITY = Rule("xml-entity", Verdict.HOSTILE, "A parser of XML that follows entities would read {}.")
INCLUSION = Rule("xml-inclusion", Verdict.HOSTILE, "A parser of XML that follows inclusions would read {}.")
ENCODING = Rule("xml-encoding", Verdict.UNREADABLE, "A parser of XML may decode it by {}, which the scan does not.")
CLASS = Rule("xml-class", Verdict.HOSTILE, "A reader of objects in XML would build and call {}.")
LIBRARY = Rule("xml-library", Verdict.CODE, "A reader of the model needs code that it names: {}.")
SCRIPT = Rule("xml-script", Verdict.CODE, "A program that shows the picture may run the script in it.")
RULES = (ENTITY, INCLUSION, ENCODING, CLASS, LIBRARY, SCRIPT)

_BEGINNING = 4096
_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|!DOCTYPE|!--|[A-Za-z_][\w:.-]*[\s/>])", re.IGNORECASE)
_WIDE_START = re.compile(rb"(?:\xff\xfe)?<\0[?!A-Za-z]\0|(?:\xfe\xff)?\0<\0[?!A-Za-z]")
_EBCDIC = b"\x4c\x6f\xa7\x94"
_NAMES = (".xml", ".pmml", ".svg", ".html", ".htm", ".xmi", ".xsl", ".xslt", ".plist")
_WIDE = {
    b"\xff\xfe<\0": "utf-16", b"\xfe\xff\0<": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be",
}  # fmt: skip
_UNREAD = {
    _EBCDIC: "EBCDIC", b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"<\0\0\0": "UTF-32",
    b"\0\0\0<": "UTF-32",
}  # fmt: skip
_DECLARED = re.compile(r"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)")
_LIKE_ASCII = re.compile(
    r"(utf-?(8|16|16le|16be)|us-ascii|ascii|latin-?1|(iso-?8859|windows|cp125|koi8|euc|gb|big5|shift|tis|mac).*)\Z",
    re.IGNORECASE,
)
"""Encodings whose bytes below 128 are those of ASCII, and those that are decoded here."""
_LITERAL = r"[\"']([^\"']*)[\"']"
_ENTITY = re.compile(
    rf"<!ENTITY\s+(?:%\s+)?[^\s>]+\s+(?:SYSTEM|PUBLIC\s+(?:\"[^\"]*\"|'[^']*'))\s*{_LITERAL}", re.IGNORECASE
)
_TYPE = re.compile(rf"<!DOCTYPE\s+[^\s>\[]+\s+(?:SYSTEM|PUBLIC\s+(?:\"[^\"]*\"|'[^']*'))\s*{_LITERAL}", re.IGNORECASE)
_KNOWN_TYPE = re.compile(r"(https?:)?//(www\.)?(w3\.org|apple\.com)/|about:legacy-compat\Z")
_INCLUDE = re.compile(rf"<(?:[\w.-]+:)?include\b[^<>]*?\bhref\s*=\s*{_LITERAL}")
_CLASS = re.compile(
    r"[\"'](?:http://xml\.apache\.org/xalan/java/|xalan://)?"
    r"(java\.beans\.(?:XMLDecoder|EventHandler)|java\.lang\.(?:ProcessBuilder|Runtime)|javax\.script\.\w+)[\"']"
)
"""Classes by which XMLDecoder and XStream of Java, and Xalan, run programs."""
_LIBRARY = re.compile(
    r"\b(?:library|implementation|plugin)\s*=\s*[\"']([^\"']*\.(?:so|dll|dylib|py)(?:\.[0-9.]+)?)[\"']"
    r"|<(?:\w+:)?Apply\b[^>]*?\bfunction\s*=\s*[\"'](\w+(?:\.\w+)+)[\"']|<Source\s+filename\s*=\s*[\"']([^\"']+\.cl)[\"']"
)
"""A library of OpenVINO's layers, a function of PMML that is a class of Java, and a kernel of OpenCL."""
_PICTURE = re.compile(
    r"[^<]{0,100}(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<(?:\w+:)?svg[\s>]", re.IGNORECASE | re.DOTALL
)
_SCRIPT = re.compile(r"<(?:\w+:)?script[\s>/]|<[^<>]*?\son(?:[a-z]{4,})\s*=|javascript:", re.IGNORECASE)
_XINCLUDE = "http://www.w3.org/2001/XInclude"


def matches(start: bytes, source: Source) -> bool:
    """Return whether it begins as XML, or is named so and may be XML in another encoding."""
    is_named = source.name.lower().endswith(_NAMES)
    if _START.match(start) or _WIDE_START.match(start) or start.startswith(_EBCDIC):
        return True
    return is_named and start.startswith((b"<", *_UNREAD))


def scan(source: Source, scan: Scan) -> None:
    """Report what a parser would read besides. Raises TooLongError."""
    data = source.bulk(0, min(source.size, MAX_TEXT))
    unread = next((name for magic, name in _UNREAD.items() if data.startswith(magic)), "")
    if unread:
        scan.report(ENCODING, detail=unread)
        return
    encoding = next((name for magic, name in _WIDE.items() if data.startswith(magic)), "latin-1")
    text = data.decode(encoding, "replace")
    declared = _DECLARED.search(text[:1024])
    if declared is not None and not _LIKE_ASCII.match(declared[1].strip()):
        scan.report(ENCODING, detail=declared[1])
    for match in _ENTITY.finditer(text):
        scan.report(ENTITY, detail=match[1])
    for match in _TYPE.finditer(text):
        if is_outside(match[1]) and not _KNOWN_TYPE.match(match[1]):
            scan.report(ENTITY, detail=match[1])
    for match in _INCLUDE.finditer(text) if _XINCLUDE in text else ():
        if is_outside(match[1]):
            scan.report(INCLUSION, detail=match[1])
    for match in _CLASS.finditer(text):
        scan.report(CLASS, names=[match[1]], detail=match[1])
    for match in _LIBRARY.finditer(text):
        scan.report(LIBRARY, detail=next(filter(None, match.groups())))
    if _PICTURE.match(text[:_BEGINNING]) and _SCRIPT.search(text):
        scan.report(SCRIPT)
    if source.size > MAX_TEXT and ("<!DOCTYPE" in text.upper() or _XINCLUDE in text):
        raise TooLongError(f"it is XML with a document type, of more than {MAX_TEXT >> 20} MiB")
