"""Hidden characters go, offsets follow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opsvi_cli.rag.scrub import scrub, scrub_text
from opsvi_cli.sdk import Document, Page, Section


def test_what_goes_and_what_stays() -> None:
    assert scrub_text("\x1b[31mred\x1b[0m\x07 \u202eevil\u202c ze\u200bro so\u00adft") == "red evil zero soft"
    assert scrub_text("\x1b]0;title\x07x\x1b]8;;http://e\x1b\\y") == "xy"
    assert scrub_text("a\r\nb\rc\fd\u2028e\tf") == "a\nb\nc\nd\ne\tf"
    assert scrub_text("half \ud800") == "half \ufffd"
    assert scrub_text("tag\U000e0041s \ufeff") == "tags "
    kept = "क\u094d\u200dष 👩\u200d💻 می\u200cخواهم"
    assert scrub_text(kept) == kept


def test_pages_and_sections_still_show_the_same_words() -> None:
    text = "\ufeffone\x00\r\n# He\u200bad\r\nwords\x1b[0m"
    heading = text.index("#")
    made = scrub(
        Document(
            text,
            title="a\x1b[1mb\nc",
            metadata={"k\x00": ["v\u202e", {"n": "\ud800"}]},
            pages=(Page(1, 0, heading), Page(2, heading, len(text))),
            sections=(Section(("He\u200bad",), 1, heading, len(text)),),
        )
    )
    assert made.text == "one\n# Head\nwords"
    assert made.text[made.pages[0].start : made.pages[0].end] == "one\n"
    assert made.text[made.sections[0].start : made.sections[0].end] == "# Head\nwords"
    assert made.sections[0].path == ("Head",)
    assert made.title == "ab c"
    assert made.metadata == {"k": ["v", {"n": "\ufffd"}]}


@given(
    st.lists(st.sampled_from(["a", "\n", "\r\n", "\x00", "\u200b", "\x1b[1m", "\ud800", "é"]), max_size=40), st.data()
)
def test_an_offset_keeps_the_text_before_it(pieces: list[str], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(pieces)))
    text, offset = "".join(pieces), len("".join(pieces[:cut]))
    made = scrub(Document(text, pages=(Page(1, 0, offset), Page(2, offset, len(text)))))
    page = made.pages[0]
    assert page.end == made.pages[1].start
    assert made.pages[1].end == len(made.text)
    # A mark such as \r\n or an escape may join over the cut; what is left of it is the same up to that.
    if not text[:offset].endswith(("\r", "\x1b")):
        assert made.text[: page.end] == scrub_text(text[:offset])
