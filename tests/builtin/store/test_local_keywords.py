"""Keyword search of the store `local`: any text is a query, in any script, and no query is slow for being long."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsvi_cli.builtin.store_local import keywords
from opsvi_cli.sdk import DocumentWrite

TEXTS = {
    "disk": "The disk was full, so the journal could not be written.",
    "address": "The gateway answers at 10.0.0.1 and logs ERR-4711 to app_main.log.",
    "other": "Port 10 and rack 0 are empty; 4711 is a scent.",
    "naive": "Ein naïver Überblick über das Café.",
    "chinese": "数据库备份失败，磁盘空间不足。",
    "japanese": "サーバーのバックアップは毎晩二時に実行されます。",
    "korean": "데이터베이스 백업이 실패했습니다.",
    "thai": "การสำรองข้อมูลล้มเหลว",
    "hindi": "सर्वर का बैकअप विफल हुआ।",
    "arabic": "فشل النسخ الاحتياطي لقاعدة البيانات.",
    "russian": "Резервное копирование завершилось ошибкой.",
    "hamlet": "To be, or not to be.",
    "letter": "x",
}


@pytest.fixture
def store(local: Any, manifest: Any, document: Callable[..., DocumentWrite]) -> Iterator[Any]:
    with contextlib.closing(local().open("notes", manifest, write=True)) as opened:
        opened.write([document(id_, text, size=1000) for id_, text in TEXTS.items()])
        yield opened


def found(store: Any, text: str, k: int = 10) -> list[str]:
    return [hit.chunk_id.removesuffix(".0") for hit in store.keyword_search(text, k)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("full disks", "disk"),
        ("writing journals", "disk"),
        ("10.0.0.1", "address"),
        ("ERR-4711", "address"),
        ("app_main.log", "address"),
        ("NAIVER uberblick", "naive"),
        ("cafe\u0301", "naive"),
        ("备份", "chinese"),
        ("磁盘空间", "chinese"),
        ("バックアップ", "japanese"),
        ("毎晩", "japanese"),
        ("백업", "korean"),
        ("ข้อมูล", "thai"),
        ("बैकअप", "hindi"),
        ("النسخ", "arabic"),
        ("копирование", "russian"),
        ("to be or not to be", "hamlet"),
        ("x", "letter"),
    ],
)
def test_finds(store: Any, query: str, first: str) -> None:
    assert found(store, query)[0] == first


def test_a_phrase_in_quotes_weighs_more(store: Any, document: Callable[..., DocumentWrite]) -> None:
    store.write([document("near", "alpha beta gamma", size=99), document("far", "beta gamma alpha", size=99)])
    assert found(store, '"alpha beta"') == ["near", "far"]
    assert found(store, '"beta gamma alpha"') == ["far", "near"]


def test_repeated_words_weigh_more(store: Any, document: Callable[..., DocumentWrite]) -> None:
    store.write([document("p", "pump station"), document("v", "valve station")])
    assert found(store, "pump valve valve")[0] == "v"
    assert found(store, "pump pump valve")[0] == "p"


def test_function_words_alone_do_not_bring_everything(store: Any) -> None:
    assert found(store, "what is the gateway and where") == ["address"]


ODD = """
" "" ' "open a|AND NEAR(a|b) text: text|:|disk -disk ^disk disk* (disk a\0b * disk|OR NOT|disk {a} \\ \ud800 😀 %_
;|DROP|TABLE|chunks ﬁ \u0301 "a""b" +a a.b:c
"""


@pytest.mark.parametrize("query", [piece.replace("|", " ") for piece in ODD.split()])
def test_no_text_is_a_syntax_error(store: Any, query: str) -> None:
    store.keyword_search(query, 5)
    assert store.count()[0] == len(TEXTS)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_any_text_is_a_query(store: Any, text: str) -> None:
    store.keyword_search(text, 3)


# SQLite's tokenizer knows the characters of an older Unicode: newer letters and emoji are beyond what it promises.
KNOWN = st.characters(categories=["L", "N", "M", "P", "Zs", "So"]).filter(
    lambda char: unicodedata.ucd_3_2_0.category(char) == unicodedata.category(char)
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(KNOWN, min_size=1, max_size=40))
def test_a_document_is_found_by_its_own_words(store: Any, document: Callable[..., DocumentWrite], text: str) -> None:
    """What cuts queries and what cuts documents agree on every word."""
    chosen = [word for word in keywords.words(text) if len(word) > 1]
    store.write([document("own", text, size=1000)])
    for word in chosen:
        assert "own" in found(store, word, 50), word


def test_a_long_text_is_cut_to_its_rarest_words(store: Any) -> None:
    filler = " ".join(f"filler{n}" for n in range(40))
    text = f"{filler} disk gateway"
    expression = keywords.expression(store._db, text)
    assert expression is not None
    assert len(set(expression.split(" OR "))) == keywords.MAX_TERMS
    assert set(found(store, text)) == {"disk", "address"}


def test_common_words_go_first_when_a_text_is_cut(store: Any, document: Callable[..., DocumentWrite]) -> None:
    words = [f"word{n:02}" for n in range(40)]
    store.write([document(f"many{n}", " ".join(words[:20]), size=999) for n in range(5)])
    store.write([document("few", " ".join(words[20:]), size=999)])
    expression = keywords.expression(store._db, " ".join(words))
    assert expression is not None
    kept = {term.strip('"') for term in expression.split(" OR ")}
    assert set(words[20:]) <= kept
    assert len(kept) == 32


def test_pairs_of_characters() -> None:
    assert keywords.grams("磁盘空 x 盘") == "磁盘 盘空 盘"
    assert keywords.grams("plain English") == ""
