"""Personal data: what is recognised, what only looks like it, and what happens to it on its way to a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from opsvi_cli.llm.pii import PersonalDataError, Redaction, clean_document, find
from opsvi_cli.llm.pii_kinds import ALWAYS, KINDS, Kind
from opsvi_cli.sdk import Document, Page, Section

EVERY = [kind for group in KINDS.values() for kind in group]
USUAL = [kind for name in ALWAYS for kind in KINDS[name]]
Run = Callable[..., Any]

# Published examples and numbers made for documentation, none of a person.
REAL = {
    "email": [
        "ana.novak+ops@example.co.uk",
        "<tom@example.org>",
        "mailto: x_y@sub.example.com.",
        "o'neil@example.ie",
        "mailto:ana@example.org",
        "josé@example.org",
        "x@münchen.example",
        "ana＠example.org",
        "ana@example.md",
    ],
    "iban": [
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO9386011117947",
        "de89 3704 0044 0532 0130 00",
        "DE89-3704-0044-0532-0130-00",
        "DE89\u00a03704\u202f0044 0532\n0130 00",
    ],
    "card": [
        "4111 1111 1111 1111",
        "5555-5555-5555-4444",
        "378282246310005",
        "3782 822463 10005",
        "6011111111111117",
        "nr=4111111111111111",
        "#4111111111111111",
        "4111–1111–1111–1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "４１１１ １１１１ １１１１ １１１１",
        "٤١١١١١١١١١١١١١١١",
    ],
    "fr-nir": ["1 84 12 76 451 089 46", "255081416802538", "1 84 12 2A 451 089 33"],
    "it-cf": ["RSSMRA85T10A562S"],
    "es-dni": ["12345678Z", "12345678-Z", "X1234567L"],
    "us-ssn": ["536-22-1234", "536 22 1234"],
    "de-tax": ["86095742719", "47 036 892 816"],
    "uk-nhs": ["943 476 5919", "943-476-5919"],
    "phone": [
        "+49 30 555 01010",
        "+1 (212) 555-0147",
        "0049 30 5550101",
        "+442079460958",
        "+33 1 23 45 67 89",
        "Tel.+49 30 5550101",
        "+47 22 22 22 22",
        "(+49 30 5550101)",
        "＋４９ ３０ ５５５０１０１",
    ],
    "ip": ["8.8.8.8", "2606:4700:4700::1111"],
}
ALIKE = {
    "email": [
        "icon@2x.png",
        "@handle",
        "a@b",
        "git@github.com:org/repo.git",
        "user@localhost",
        "a..b@example.org",
        "https://u@example.org/x",
        "postgres://ana:pw@db.example.org/x",
        "getty@tty1.service",
    ],
    "iban": [
        "DE89 3704 0044 0532 0130 01",
        "GB82WEST1234569876543",
        "XX89370400440532013000",
        "DE12 PARTS IN STOCK",
        "be685390-0754-7034",
        "se24 were sold on that day and more",
    ],
    "card": [
        "4111 1111 1111 1112",
        "1234 5678 9012 3456",
        "550e8400-e29b-41d4-a716-446655440000",
        "0.4111111111111111",
        "4111111111111111/7",
        "0000000000000000",
        "8111111111111118",
        "4111 1111 1111 1111 1111 1111",
        "2020 4111 1111 1111 1111",
    ],
    "fr-nir": ["1 84 12 76 451 089 47", "3 84 12 76 451 089 46", "1841276451089460"],
    "it-cf": ["RSSMRA85T10A562T", "RSSMRA85Z10A562S"],
    "es-dni": ["12345678A", "123456789Z", "00000000T", "12345678z"],
    "us-ssn": [
        "000-22-1234",
        "666-22-1234",
        "912-22-1234",
        "536-00-1234",
        "536-22-0000",
        "536221234",
        "123-45-6789",
        "536-22 1234",
    ],
    "de-tax": ["86095742718", "12345678901", "11111111111", "10000000000"],
    "uk-nhs": ["943 476 5918", "9434765919", "111 111 1111"],
    "phone": [
        "+1 234",
        "1+12345678901",
        "030 5550101",
        "+0 30 555 0101",
        "2024-01-15 +0100",
        "x=+49305550101",
        "+11111111111",
        "+999 123456789",
        "0049305550101",
        "10.1.2+12345678",
        "+48.208490",
        "+123.456789 -79.383200",
    ],
    "ip": ["127.0.0.1", "10.0.0.7", "1.2.3", "version 1.2.3.4.5", "999.1.1.1", "12:30:45", "a::b::c"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in REAL.items() for text in texts])
def test_found(name: str, text: str) -> None:
    labels = {kind.label for kind in KINDS[name]}
    (found,) = find(f"See {text}, please.", EVERY)
    assert found.kind.label in labels
    assert find(f"<{text}>\n", EVERY)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in ALIKE.items() for text in texts])
def test_look_alikes_are_left_alone(name: str, text: str) -> None:
    assert find(f"See {text} here.", KINDS[name]) == []


@pytest.mark.parametrize(
    "text",
    [
        "commit 4f1d2a3b9c0e8d7f6a5b4c3d2e1f0a9b8c7d6e5f, build 20261124.110327, pid 86095",
        "SELECT * FROM t WHERE id IN (1234567890, 9876543210) LIMIT 100 -- 2026-11-24T11:03:27+01:00",
        "ISBN 978-3-16-148410-0, ISSN 2049-3630, DOI 10.1000/182, RFC 5322, order 100-200-3000",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "pi = 3.14159265358979323846, epoch 1764000000, 1764000000000, -73.9857, 40.7484",
        "| 10 | 200 | 3000 | 40000 |\n| 11 | 210 | 3100 | 41000 |",
        "A = [[1, 2, 3], [4, 5, 6]]; x += 12345678; y = 0x7fff5fbff8c0; 192.168.1.10:8080",
    ],
)
def test_ordinary_text_holds_none(text: str) -> None:
    assert find(text, USUAL) == []


def test_the_text_of_a_json_file_stays_json() -> None:
    given = {"a": "Hi\nana@example.org\t+49 30 5550101\n4111 1111 1111 1111\nDE89370400440532013000"}
    cleaned = Redaction(USUAL).text(json.dumps(given))
    assert json.loads(cleaned) == {"a": "Hi\n[EMAIL_1]\t[PHONE_1]\n[CARD_1]\n[IBAN_1]"}


def test_words_without_spaces_are_not_taken_with_it() -> None:
    redaction = Redaction(USUAL)
    assert redaction.text("連絡先ana@example.orgまで") == "連絡先[EMAIL_1]まで"
    assert redaction.text("卡号4111111111111111。电话+49305550101。") == "卡号[CARD_1]。电话[PHONE_1]。"
    assert redaction.text("(+49 30 5550101) _ana@example.org_") == "([PHONE_1]) _[EMAIL_1]_"


def test_what_stands_behind_is_not_taken_with_it() -> None:
    redaction = Redaction(USUAL)
    assert redaction.text("DE89 3704 0044 0532 0130 00 BIC COBADEFF370") == "[IBAN_1] BIC COBADEFF370"
    assert redaction.text("+49 30 5550101 22.11.2026, 2 pm").startswith("[PHONE_1]")
    assert redaction.text("4111 1111 1111 1111 12/27") == "[CARD_1] 12/27"


def test_one_value_has_one_mark() -> None:
    redaction = Redaction(USUAL)
    first = redaction.text("ana@example.org and tom@example.org, DE89 3704 0044 0532 0130 00")
    assert first == "[EMAIL_1] and [EMAIL_2], [IBAN_1]"
    assert redaction.text("again TOM@example.org, DE89370400440532013000") == "again [EMAIL_2], [IBAN_1]"
    assert redaction.counts == {"e-mail address": 2, "IBAN": 1}


def test_offsets_follow_the_text() -> None:
    text = "# Team\n\nAna: ana@example.org\n\n# Next\n\nCall +49 30 5550101 now. End."
    half = text.index("# Next")
    document = Document(
        text,
        title="Mail ana@example.org",
        metadata={"from": "ana@example.org", "n": 1, "ok": True, "to": ["tom@example.org"]}
        | {"card": 4111111111111111, "ana@example.org": {"tom@example.org": 1}},
        pages=(Page(1, 0, half), Page(2, half, len(text))),
        sections=(Section(("Team",), 1, 0, half), Section(("Next",), 1, half, len(text))),
    )
    cleaned = clean_document(document, "redact", USUAL)
    assert cleaned.text == "# Team\n\nAna: [EMAIL_1]\n\n# Next\n\nCall [PHONE_1] now. End."
    assert cleaned.title == "Mail [EMAIL_1]"
    assert cleaned.metadata == {
        "from": "[EMAIL_1]",
        "n": 1,
        "ok": True,
        "to": ["[EMAIL_2]"],
        "card": "[CARD_1]",
        "[EMAIL_1]": {"[EMAIL_2]": 1},
    }
    assert [cleaned.text[page.start : page.end][:6] for page in cleaned.pages] == ["# Team", "# Next"]
    assert cleaned.text[cleaned.sections[1].start : cleaned.sections[1].end].endswith("End.")
    assert "personal data replaced" in cleaned.warnings[0]
    assert clean_document(Document("nothing"), "block", USUAL) == Document("nothing")
    assert clean_document(document, "warn", USUAL).text == text
    with pytest.raises(PersonalDataError, match="e-mail") as caught:
        clean_document(document, "block", USUAL)
    assert "ana@" not in caught.value.message


@pytest.mark.parametrize(
    "text", ["1 " * 60_000, "a@" * 60_000, "+1" * 60_000, "AB12 " * 30_000, "1." * 60_000, "a" * 120_000, ":" * 60_000]
)
def test_hostile_text_takes_no_time(text: str) -> None:
    assert isinstance(find(text, EVERY), list)


def test_prompts(opsvi: Run) -> None:
    text = "write to ana@example.org and +49 30 5550101"
    env = {"OPSVI_SAFETY__PII": "warn"}
    warned = opsvi("prompt", text, "-m", "echo", env=env)
    assert warned.code == 0
    assert warned.out == text + "\n"
    assert "1 x e-mail address, 1 x telephone number" in warned.err
    assert "ana@" not in warned.err
    redacted = opsvi("prompt", text, "-m", "echo", "--system", "ana@example.org", env={"OPSVI_SAFETY__PII": "redact"})
    assert redacted.out == "write to [EMAIL_1] and [PHONE_1]\n"
    logged = opsvi("logs", "show", "--json").json
    assert [message["text"] for message in logged["messages"]] == ["[EMAIL_1]", "write to [EMAIL_1] and [PHONE_1]"]
    blocked = opsvi("prompt", text, "-m", "echo", env={"OPSVI_SAFETY__PII": "block"})
    assert (blocked.code, blocked.out) == (1, "")
    assert "1 x e-mail address, 1 x telephone number" in blocked.err
    assert "ana@" not in blocked.err
    assert len(opsvi("logs", "list", "--json").json) == 2


def test_kinds_are_a_setting(opsvi: Run) -> None:
    env = {"OPSVI_SAFETY__PII": "redact", "OPSVI_SAFETY__PII_KINDS": "ip"}
    assert opsvi("prompt", "8.8.8.8 a@example.org", "-m", "echo", env=env).out == "[IP_1] a@example.org\n"
    wrong = opsvi("prompt", "x", "-m", "echo", env={**env, "OPSVI_SAFETY__PII_KINDS": "ipx"})
    assert wrong.code == 2
    assert "there is no kind 'ipx'" in wrong.err


def test_every_kind_is_tested() -> None:
    assert set(REAL) == set(ALIKE) == set(KINDS)
    assert all(isinstance(kind, Kind) for kind in EVERY)
