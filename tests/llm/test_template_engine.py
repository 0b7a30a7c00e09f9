"""Templates are data of strangers: they see plain values, reach nothing, and come to an end."""

from __future__ import annotations

import pytest

from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.bounded import Limits
from opsvi_cli.llm.fencing import fenced
from opsvi_cli.llm.template_engine import names_in, render_templates


def render(text: str, **values: object) -> str:
    return render_templates({"prompt": text}, values).texts["prompt"]


def test_values_and_fences() -> None:
    source = {"text": "T", "fenced": "<T>"}
    text = "{{ a }} {{ source }} {{ source.text }} {{ many[0].b }} {% for n in range(2) %}{{ n }}{% endfor %}"
    assert render(text, a="{{ b }}", source=source, many=[{"b": 1}]) == "{{ b }} <T> T 1 01"
    assert render("{{ a | fence('x') }}", a="```\n") == fenced("```", "x")


def test_names_are_found_without_rendering() -> None:
    names, errors = names_in({"one": "{{ a }}{% set b = 1 %}{{ b }}{{ 'x' * 10 ** 10 }}", "two": "{% if"})
    assert names == {"one": ["a"]}
    assert errors["two"].startswith("line 1: ")
    assert render_templates({"x": "{{ a }}"}, {"a": 1}, ["{{ c }}", "{% if"]).used == {"a", "c"}


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ x.__init__.__globals__ }}",
        "{{ range.__self__ }}",
        "{{ x.append(1) }}",
        "{{ '{0.__class__}'.format(x) }}",
        "{{ x | attr('__class__') | attr('__mro__') }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ lipsum.__globals__ }}",
        "{{ self.__init__ }}",
        "{{ undefined_name }}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    ],
)
def test_nothing_is_reached(text: str) -> None:
    with pytest.raises(UsageError, match="prompt: "):
        render(text, x=[1])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}",
            "more than",
        ),
        ("{{ 'x' * 10000000000 }}", "memory"),
        ("{{ 2 ** 99999999999 }}", ""),
        ("{{ 'x' | center(99999999999) }}", "memory"),
        ("{% for a in range(99999) %}{{ x }}{% endfor %}", "more than 4000000 characters"),
        ("{% for a in range(10 ** 9) %}{% endfor %}", "Range too big"),
    ],
)
def test_bombs_come_to_an_end(text: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(cpu_seconds=1, memory_bytes=600_000_000)
    monkeypatch.setattr("opsvi_cli.llm.template_engine.LIMITS", limits)
    with pytest.raises(UsageError) as caught:
        render(text, x="x" * 1000)
    assert says in caught.value.message
    assert "\n" not in caught.value.message
