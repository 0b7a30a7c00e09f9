"""The language of `--where`: what it means, and errors that say where it stops making sense."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsvi_cli.errors import UsageError
from opsvi_cli.rag.where import parse_where
from opsvi_cli.sdk import And, Compare, Filter, Not, Or


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("year >= 2020", Compare("year", "gte", 2020)),
        ("year<2020", Compare("year", "lt", 2020)),
        ("a = 1", Compare("a", "eq", 1)),
        ("a == -1.5e3", Compare("a", "eq", -1500.0)),
        ("a != null", Compare("a", "ne", None)),
        ("a = TRUE", Compare("a", "eq", True)),
        ("lang == de", Compare("lang", "eq", "de")),
        ("day == 2024-05-01", Compare("day", "eq", "2024-05-01")),
        ("""name = 'it''s'""", None),
        ("name = 'say \"x\"'", Compare("name", "eq", 'say "x"')),
        (r'name = "a\"b\\c\n"', Compare("name", "eq", 'a"b\\c\n')),
        ('source ~ "*.pdf"', Compare("source", "glob", "*.pdf")),
        ("source ~ *.pdf", Compare("source", "glob", "*.pdf")),
        ('tags contains "urgent"', Compare("tags", "contains", "urgent")),
        ("a in (1, 'x', null)", Compare("a", "in", [1, "x", None])),
        ("a in ()", Compare("a", "in", [])),
        ("a not in (1)", Compare("a", "nin", [1])),
        ("author exists", Compare("author", "exists", True)),
        ("author not exists", Compare("author", "exists", False)),
        ("not (author exists)", Not(Compare("author", "exists", True))),
        ("not author exists", Not(Compare("author", "exists", True))),
        ("not not a = 1", Not(Not(Compare("a", "eq", 1)))),
        ("front-matter.year = 1", Compare("front-matter.year", "eq", 1)),
        ("`odd name (1)` = 1", Compare("odd name (1)", "eq", 1)),
        ("`and` = 'or'", Compare("and", "eq", "or")),
        ("größe > 3", Compare("größe", "gt", 3)),
        ("a=1 AND b=2 and c=3", And((Compare("a", "eq", 1), Compare("b", "eq", 2), Compare("c", "eq", 3)))),
        (
            "a=1 or b=2 and not c=3",
            Or((Compare("a", "eq", 1), And((Compare("b", "eq", 2), Not(Compare("c", "eq", 3)))))),
        ),
        ("(a=1 or b=2) and c=3", And((Or((Compare("a", "eq", 1), Compare("b", "eq", 2))), Compare("c", "eq", 3)))),
    ],
)
def test_means(text: str, expected: Filter | None) -> None:
    if expected is None:
        with pytest.raises(UsageError):
            parse_where(text)
    else:
        assert parse_where(text) == expected


@pytest.mark.parametrize(
    ("text", "problem", "position"),
    [
        ("", "expected the name of a field, found the end", 1),
        ("year >= ", "expected a value, found the end", 8),
        ("year", "expected a comparison", 5),
        ("year >= 2020 source = 1", "expected `and`, `or` or the end, found 'source'", 14),
        ("(a = 1", "expected ')', found the end", 7),
        ("a = 1)", "expected `and`, `or` or the end, found ')'", 6),
        ("a in 1", "expected '(', found '1'", 6),
        ("a in (1,)", "expected a value, found ')'", 9),
        ("a & b", "'&' has no meaning here", 3),
        ('a = "open', "this quote is not closed", 5),
        ("a ~ 5", "`~` takes a pattern", 5),
        ("a > null", "only numbers and strings have an order", 5),
        ("and = 1", "expected the name of a field", 1),
        ("1 = 1", "expected the name of a field", 1),
        ("a not = 1", "after `not`", 7),
        ("a = 1e999", "too large", 5),
        ("a = " + "9" * 5000, "too long", 5),
        ("(" * 200 + "a = 1" + ")" * 200, "nested more than 50 deep", 52),
    ],
)
def test_an_error_is_one_line_and_points_at_the_place(text: str, problem: str, position: int) -> None:
    with pytest.raises(UsageError) as caught:
        parse_where(text)
    assert problem in caught.value.message
    assert f"at character {position}:" in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 200 or len(text) > 100
    assert caught.value.hint == "opsvi help filters"


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse_where(text)


WORDS = st.sampled_from(
    ["a", "b.c", "=", "!=", "<", "~", "in", "(", ")", ",", "not", "and", "or", "exists", "1", "'x'"]
)


@given(st.lists(WORDS, max_size=12))
def test_any_order_of_words_is_a_filter_or_a_usage_error(words: list[Any]) -> None:
    with contextlib.suppress(UsageError):
        parse_where(" ".join(words))
