"""Global options are found wherever they stand, and values stay values."""

from __future__ import annotations

import pytest

from opsvi_cli.errors import UsageError
from opsvi_cli.global_options import GlobalOptions, parse_duration, take_globals

VALUED = {"--system", "-m"}.__contains__


def take(*args: str, positionals: int = 1) -> tuple[GlobalOptions, list[str]]:
    return take_globals(args, GlobalOptions(), takes_value=VALUED, positionals=positionals)


def test_before_and_after_the_words() -> None:
    options, rest = take("-v", "text", "--json", "-q", "--timeout", "5s")
    assert (options.verbose, options.json, options.quiet, options.timeout) == (1, (), True, 5.0)
    assert rest == ["text"]


def test_the_value_of_an_option_is_no_flag() -> None:
    options, rest = take("--system", "--json", "text")
    assert options.json is None
    assert rest == ["--system", "--json", "text"]


def test_nothing_is_taken_after_a_separator() -> None:
    options, rest = take("--", "--json")
    assert options.json is None
    assert rest == ["--", "--json"]


@pytest.mark.parametrize(
    ("args", "positionals", "fields", "rest"),
    [
        (["--json", "rank,text", "word"], 1, ("rank", "text"), ["word"]),
        (["--json", "word"], 1, (), ["word"]),
        (["--json", "word"], 0, ("word",), []),
        (["--json=rank", "word"], 1, ("rank",), ["word"]),
        (["word", "--json", "Some Words"], 1, (), ["word", "Some Words"]),
    ],
)
def test_fields_of_json(args: list[str], positionals: int, fields: tuple[str, ...], rest: list[str]) -> None:
    options, left = take(*args, positionals=positionals)
    assert (options.json, left) == (fields, rest)


def test_short_switches_may_be_joined() -> None:
    options, rest = take("-vvy", "-k5")
    assert (options.verbose, options.yes, rest) == (2, True, ["-k5"])


def test_stops_at_the_command() -> None:
    options, rest = take_globals(["-v", "search", "--json"], GlobalOptions(), stop_at_word=True)
    assert (options.verbose, options.json, rest) == (1, None, ["search", "--json"])


@pytest.mark.parametrize("args", [["--timeout"], ["--timeout", "soon"], ["--color", "blue"], ["--quiet=yes"]])
def test_bad_values_are_usage_errors(args: list[str]) -> None:
    with pytest.raises(UsageError):
        take(*args)


@pytest.mark.parametrize(("text", "seconds"), [("30", 30), ("1.5s", 1.5), ("5m", 300), ("2h", 7200), ("200ms", 0.2)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text, "--timeout") == pytest.approx(seconds)
