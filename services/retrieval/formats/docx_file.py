"""A Word document as Markdown; checked before it is unpacked."""

from __future__ import annotations

import io
import re
import zipfile
from xml.etree import ElementTree

import mammoth

from services.retrieval.formats.extract import Extract, Unreadable
from services.retrieval.formats.html_file import page_of
from services.retrieval.formats.limits import LARGEST_RATIO, LARGEST_UNPACKED, MOST_PARTS, RATIO_MATTERS_FROM
from services.retrieval.formats.plain import one_line, tidied

# The container of .doc and of encrypted .docx files.
_OLD_CONTAINER = b"\xd0\xcf\x11\xe0"
_MAIN_PART = "word/document.xml"
_PROPERTIES = "docProps/core.xml"
_ENCRYPTED = 0x1
# Office Open XML forbids document types (ECMA-376 part 2, 10.1.2); in one, entities could grow without end.
_DOCUMENT_TYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_PROLOG = 4096
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh"
_FIELDS = ("title", "creator", "subject", "description", "keywords")


def read_docx(data: bytes, _: str = "") -> Extract:
    """Return the document's text and properties; pictures are left out. Raises Unreadable."""
    if data.startswith(_OLD_CONTAINER):
        raise Unreadable("is encrypted or a document of Word 97 to 2003; save it as .docx without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            _check(parts)
            properties = _properties(parts)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise Unreadable(f"is no Word document ({error}); save it as .docx again") from error
    html = mammoth.convert_to_html(io.BytesIO(data), style_map=_STYLES, convert_image=lambda _: []).value
    page = page_of(html)
    return Extract(
        page.text,
        title=one_line(properties.get("title", "")),
        issuer=one_line(properties.get("creator", "")),
        unseen=tidied("\n".join(properties.values())),
    )


def _check(parts: zipfile.ZipFile) -> None:
    """Refuse what would grow too large, before anything is unpacked; the library reads no more than is declared."""
    infos = parts.infolist()
    unpacked, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if len(infos) > MOST_PARTS:
        raise Unreadable(f"holds {len(infos)} parts, expected at most {MOST_PARTS}; it is no ordinary document")
    if unpacked > LARGEST_UNPACKED or (unpacked > RATIO_MATTERS_FROM and unpacked > LARGEST_RATIO * max(packed, 1)):
        raise Unreadable(f"would grow from {packed} to {unpacked} bytes; it is no ordinary document")
    if any(info.flag_bits & _ENCRYPTED for info in infos):
        raise Unreadable("is encrypted; save it without a password")
    if _MAIN_PART not in parts.namelist():
        raise Unreadable(f"holds no {_MAIN_PART}, so it is no Word document; save it as .docx again")
    for info in infos:
        if info.filename.endswith((".xml", ".rels")):
            with parts.open(info) as part:
                if _DOCUMENT_TYPE.search(part.read(_PROLOG).replace(b"\x00", b"")):
                    raise Unreadable(f"{info.filename} declares a document type; save it as .docx again")


def _properties(parts: zipfile.ZipFile) -> dict[str, str]:
    if _PROPERTIES not in parts.namelist():
        return {}
    try:
        root = ElementTree.fromstring(parts.read(_PROPERTIES))
    except ElementTree.ParseError:
        return {}
    found = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in root}
    return {name: found[name] for name in _FIELDS if found.get(name)}
