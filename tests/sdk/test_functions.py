"""Functions as tools: the schema that their hints give, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest

from opsvi_cli.errors import PluginError, UsageError
from opsvi_cli.sdk import Services, tool


@tool(side_effects=False)
def everything(
    services: Services,
    text: Annotated[str, "a text"],
    count: int = 3,
    ratio: float | None = None,
    tags: list[str] = [],  # noqa: B006  # a default of the schema, never changed
    kind: Literal["a", "b"] = "a",
    more: dict[str, int] | None = None,
) -> str:
    """Does everything.

    This is for readers, not for models.
    """
    return f"{services.name} {text} {count} {kind}"


def test_the_schema() -> None:
    assert everything.spec.name == "everything"
    assert everything.spec.description == "Does everything."
    assert everything.spec.parameters == {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "a text"},
            "count": {"type": "integer", "default": 3},
            "ratio": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
            "tags": {"type": "array", "items": {"type": "string"}, "default": []},
            "kind": {"enum": ["a", "b"], "default": "a"},
            "more": {
                "anyOf": [{"type": "object", "additionalProperties": {"type": "integer"}}, {"type": "null"}],
                "default": None,
            },
        },
        "required": ["text"],
        "additionalProperties": False,
    }


def test_a_call_is_checked_and_gets_the_services(opsvi_services: Callable[..., Any]) -> None:
    part = everything(opsvi_services("mine"))
    assert part.call({"text": "x", "kind": "b"}) == "mine x 3 b"
    for wrong in ({}, {"text": 1}, {"text": "x", "kind": "c"}, {"text": "x", "other": 1}):
        with pytest.raises(UsageError):
            part.call(wrong)


@dataclass
class Place:
    city: Annotated[str, "its name"]
    people: int | None = None


class Trip(TypedDict):
    places: list[Place]
    days: NotRequired[int]


@tool(side_effects=False)
def plan(start: Place, trip: Trip, via: Place | None = None, note: str = "") -> str:
    """Plans a trip.

    Args:
        start: where it begins,
            and ends
        note (str): words for travellers
        nobody: is no parameter
    """
    return f"{start.city} {start.people} {trip['days']} {via} {note}"


def test_records_and_what_the_docstring_says() -> None:
    properties: Any = plan.spec.parameters["properties"]
    place = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "its name"},
            "people": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["city"],
        "additionalProperties": False,
    }
    assert properties["start"] == {**place, "description": "where it begins, and ends"}
    assert properties["note"] == {"type": "string", "description": "words for travellers", "default": ""}
    assert properties["trip"] == {
        "type": "object",
        "properties": {"places": {"type": "array", "items": place}, "days": {"type": "integer"}},
        "required": ["places"],
        "additionalProperties": False,
    }
    assert plan.spec.description == "Plans a trip."


def test_dataclasses_are_built(opsvi_services: Callable[..., Any]) -> None:
    part = plan(opsvi_services("plan"))
    given = {"start": {"city": "Ulm"}, "trip": {"places": [], "days": 2}, "via": {"city": "Bonn", "people": 3}}
    assert part.call(given) == "Ulm None 2 Place(city='Bonn', people=3) "
    with pytest.raises(UsageError):
        part.call({"start": {"people": 1}, "trip": {"places": []}})


def test_asks_and_taints_unless_said_otherwise() -> None:
    @tool
    def careless(x: int) -> int:
        """Says nothing of itself."""
        return x

    assert (careless.side_effects, careless.taints, everything.side_effects) == (True, True, False)
    assert careless.function(4) == 4


def _no_type(x) -> int:  # type: ignore[no-untyped-def]
    """Says."""
    return 1


def _no_words(x: int) -> int:
    return x


def _star(*x: int) -> int:
    """Says."""
    return 1


def _odd(x: bytes) -> int:
    """Says."""
    return 1


@pytest.mark.parametrize("function", [_no_type, _no_words, _star, _odd])
def test_what_gives_no_schema_is_refused(function: Any) -> None:
    with pytest.raises(PluginError, match=function.__name__):
        tool(function)
