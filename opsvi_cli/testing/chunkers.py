"""The contract of `sdk.Chunker`."""

from __future__ import annotations

import itertools
from typing import Any

from opsvi_cli.sdk import Chunker, Document, Page, Section

from .contract import Contract, is_text, show

_PROSE = "The disk of the server is full. Rotate the logs first, then call the person on duty. " * 40
_MARKDOWN = (
    "# Duty\n\nIntro.\n\n## Calls\n\n- one\n- two\n\n```sh\n# no heading\necho\n```\n\n| a | b |\n|---|---|\n" * 20
)
_BLANK = ("", " ", "\n\n", " \t\r\n\f\u00a0\u2003 ")

DOCUMENTS = {
    "prose": Document(_PROSE),
    "one word": Document("word"),
    "Markdown with headings": Document(
        _MARKDOWN,
        title="Duty",
        sections=(Section(("Duty",), 1, 0, len(_MARKDOWN)), Section(("Duty", "Calls"), 2, 16, 60)),
    ),
    "pages": Document(_PROSE, pages=(Page(1, 0, 1000), Page(2, 1000, 1000), Page(3, 1000, len(_PROSE)))),
    "no place to cut": Document("x" * 20_000),
    "blank lines around words": Document("\n \n" * 500 + "word" + "\r\n\t" * 500),
    "many scripts": Document("日本語のテキスト。 e\u0301" * 300 + "שלום עולם " * 100 + "👨\u200d👩\u200d👧🇩🇪" * 200),
    "half a pair, and a nul": Document("before \ud800 after \0 end " * 100),
}


def check_chunker(chunker: Chunker) -> None:
    """Hold a chunker to its contract: spans ascending, inside the text, never blank, the same again.

    Raises ContractError.
    """
    with Contract(chunker) as contract:
        with contract.attempt("reading `fingerprint`"):
            contract.expect(
                is_text(chunker.fingerprint), "`fingerprint` must be a text", f"it is {show(chunker.fingerprint)}"
            )
        before = getattr(chunker, "fingerprint", None)
        for what, document in DOCUMENTS.items():
            spans = _spans(contract, chunker, document, what)
            if spans is None:
                continue
            contract.expect(bool(spans), "a document with words must give a span", f"{what} gave none")
            again = _spans(contract, chunker, document, what)
            contract.expect(again == spans, "a document must give the same spans again", f"{what} gave others")
        for text in _BLANK:
            spans = _spans(contract, chunker, Document(text), "a blank document")
            contract.expect(not spans, "a blank document must give no span", f"{text!r} gave {show(spans)}")
        contract.equal(
            getattr(chunker, "fingerprint", None), before, "`fingerprint` must stay the same while it is used"
        )


def _spans(contract: Contract, chunker: Chunker, document: Document, what: str) -> list[Any] | None:
    most = 10 * len(document.text) + 100
    spans: list[Any] | None = None
    with contract.attempt(f"cutting {what}"):
        spans = list(itertools.islice(chunker.spans(document), most))
    if spans is None or not contract.expect(len(spans) < most, "spans must end", f"{what} gave {most}"):
        return None
    before = (-1, -1)
    for span in spans:
        whole = isinstance(span, tuple) and len(span) == 2 and all(type(n) is int for n in span)
        if not contract.expect(whole, "a span must be a tuple of two whole numbers", f"{what} gave {show(span)}"):
            return None
        start, end = span
        inside = contract.expect(
            0 <= start < end <= len(document.text),
            "a span must be inside the text and not empty",
            f"{what} of {len(document.text)} characters gave {span}",
        )
        contract.expect(span > before, "spans must be in ascending order", f"{what} gave {span} after {before}")
        before = span
        contract.expect(
            not inside or bool(document.text[start:end].strip()), "no span may be blank", f"{what} gave {span}"
        )
    return spans
