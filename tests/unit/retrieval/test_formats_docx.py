from __future__ import annotations

import pytest

from services.retrieval.formats.extract import Unreadable
from services.retrieval.formats.read import extract
from tests.unit.retrieval import files

MEBIBYTE = 1 << 20


def refused(data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        extract(data, ".docx")
    return str(caught.value)


def test_headings_lists_and_tables_become_markdown() -> None:
    data = files.word_document("Fund", "Issuer", [["Name", "Fee"], ["VTI", "0.03%"]])

    found = extract(data, ".docx")

    assert found.text == (
        "# What it holds\n\nNearly every listed company. 几乎所有上市公司。\n\n## What can go wrong\n\n"
        "- Shares fall.\n- Currencies move.\n\n| Name | Fee |\n| --- | --- |\n| VTI | 0.03% |"
    )
    assert (found.title, found.issuer, found.pages) == ("Fund", "Issuer", ())


@pytest.mark.parametrize("megabytes", [60, 300])
def test_a_zip_bomb_is_refused_before_it_is_unpacked(megabytes: int) -> None:
    data = files.changed_zip(files.word_document(), word__extra_dot_xml=b" " * (megabytes * MEBIBYTE))

    assert "it is no ordinary document" in refused(data)


def test_a_document_type_is_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><d>&b;</d>'

    assert "word/extra.xml declares a document type" in refused(
        files.changed_zip(files.word_document(), word__extra_dot_xml=bomb)
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no zip", "is no Word document (File is not a zip file)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is encrypted or a document of Word 97 to 2003"),
        (files.word_document()[:2000], "is no Word document"),
        (files.changed_zip(files.word_document(), word__document_dot_xml=b"<broken"), "cannot be read as .docx"),
    ],
)
def test_a_file_that_is_no_word_document_is_refused(data: bytes, reason: str) -> None:
    assert reason in refused(data)


def test_a_spreadsheet_is_no_word_document() -> None:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")

    assert "holds no word/document.xml" in refused(buffer.getvalue())
