"""Mail."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest

from opsvi_cli.builtin.processors.email import Email
from opsvi_cli.sdk import Document, DocumentError, Source

HEAD = "From: Ada <ada@example.org>\r\nTo: b@example.org, Carl <c@example.org>\r\nSubject: Disk full\r\n"


def message(**headers: str) -> EmailMessage:
    made = EmailMessage()
    for name, value in {"From": "ada@example.org", "Subject": "Hello", **headers}.items():
        made[name] = value
    return made


def test_headers_on_top_and_as_metadata(read: Any) -> None:
    more = "Date: Mon, 06 May 2024 10:00:00 +0200\r\nMessage-ID: <3@x>\r\nReferences: <1@x> <2@x>\r\n\r\nThe body.\r\n"
    (mail,) = read(Email, HEAD + more, "x.eml")
    assert mail.text == (
        "From: Ada <ada@example.org>\nTo: b@example.org, Carl <c@example.org>\n"
        "Date: 2024-05-06T10:00:00+02:00\nSubject: Disk full\n\nThe body."
    )
    assert mail.title == "Disk full"
    assert mail.metadata == {
        "subject": "Disk full",
        "from": "Ada <ada@example.org>",
        "to": ["b@example.org", "Carl <c@example.org>"],
        "date": "2024-05-06T10:00:00+02:00",
        "message_id": "<3@x>",
        "thread": "<1@x>",
    }


def test_plain_is_preferred_and_html_read_where_it_is_alone(read: Any) -> None:
    both = message()
    both.set_content("plain words")
    both.add_alternative("<p>html words</p>", subtype="html")
    (mail,) = read(Email, both.as_bytes(), "x.eml")
    assert "plain words" in mail.text
    assert "html words" not in mail.text
    alone = message()
    alone.set_content("<p>html <b>words</b></p><p style='display:none'>tracker</p>", subtype="html")
    (mail,) = read(Email, alone.as_bytes(), "x.eml")
    assert mail.text.endswith("html words")


def test_attachments_are_sources_with_safe_names(read: Any) -> None:
    made = message()
    made.set_content("see attached")
    for name in ("../../evil.txt", "..\\evil.txt", "/etc/cron", "a\u202egpj.exe", "x" * 400 + ".pdf"):
        made.add_attachment(b"data", maintype="application", subtype="octet-stream", filename=name)
    made.add_attachment(b"a,b", maintype="text", subtype="csv")
    mail, *attached = read(Email, made.as_bytes(), "x.eml")
    assert isinstance(mail, Document)
    names = [item.name for item in attached]
    assert names[:4] == ["evil.txt", "evil (2).txt", "cron", "agpj.exe"]
    assert len(names[4]) <= 120
    assert names[4].endswith(".pdf")
    assert names[5] == "attachment-6.csv"
    assert mail.metadata["attachments"] == names
    assert all(isinstance(item, Source) and item.uri == f"/docs/x.eml!attachment:{item.name}" for item in attached)
    assert attached[5].declared == "text/csv"


def test_an_attached_message_is_a_source(read: Any) -> None:
    inner = message(Subject="The inner one")
    inner.set_content("inner words")
    outer = message()
    outer.set_content("outer words")
    outer.add_attachment(inner)
    mail, attached = read(Email, outer.as_bytes(), "x.eml")
    assert "inner words" not in mail.text
    assert attached.name == "The inner one.eml"
    assert b"inner words" in attached.data


@pytest.mark.parametrize(
    ("raw", "there"),
    [
        (b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: a@b\r\n\r\nx", "Grüße"),
        ("Subject: sch\xf6n gr\xfc\xdft die M\xfcllerin\r\nFrom: a@b\r\n\r\nx".encode("latin-1"), "schön grüßt"),
        ((HEAD + "\r\nžluťoučký\r\n").encode("utf-16"), "žluťoučký"),
        (
            HEAD.encode() + b"Content-Type: text/plain; charset=no-such\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            b"c2VudGluZWw=",
            "sentinel",
        ),
        (HEAD.encode() + b"Content-Type: text/plain; charset=iso-8859-2\r\n\r\n" + "kůň".encode("iso-8859-2"), "kůň"),
        (HEAD.encode() + b"Content-Type: multipart/mixed\r\n\r\nsentinel", "sentinel"),
    ],
    ids=["encoded word", "raw bytes", "utf-16", "unknown charset", "charset", "no boundary"],
)
def test_odd_encodings(read: Any, raw: bytes, there: str) -> None:
    (mail,) = read(Email, raw, "x.eml")
    assert there in mail.text


@pytest.mark.parametrize(
    "raw",
    [
        "Subject: " + "=?utf-8?q?a?= " * 50_000 + "\r\nFrom: a@b\r\n\r\nsentinel",
        "Cc: " + "(" * 20_000 + "\r\n" + HEAD + "\r\nsentinel",
        "X-A: b\r\n" * 20_000 + HEAD + "\r\nsentinel",
        "Date: never\r\nMessage-ID: <<>>\r\n" + HEAD + "\r\nsentinel",
        HEAD
        + "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(3000))
        + "Content-Type: text/plain\r\n\r\nsentinel\r\n",
    ],
    ids=["encoded words", "address", "many headers", "bad values", "nested"],
)
def test_header_and_nesting_bombs_keep_the_body(read: Any, raw: str) -> None:
    mail, *_ = read(Email, raw, "x.eml")
    assert "sentinel" in mail.text
    assert len(mail.title) <= 32_000


def test_no_mail(read: Any) -> None:
    with pytest.raises(DocumentError, match="no mail"):
        read(Email, "\r\n\r\n", "x.eml")
