"""`opsvi prompts` and `prompt -t`: the library of templates, their variables, checks and chains."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from servers.scripted_model import scripted

from opsvi_cli.llm.fencing import fenced
from opsvi_cli.llm.prompt_library import PACKAGED

Run = Callable[..., Any]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
GREET = """\
---
description: Greets
variables:
  name: {description: who is greeted}
  times: {type: int, default: 2}
  tone: {choices: [warm, cold], default: warm}
---
Greet {{ name }} {{ times + 1 }} times, {{ tone }}.
"""


def schema(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.schema.json").read_text())


@pytest.fixture
def own(home: Path) -> Path:
    """The folder of the user's templates, with one in it."""
    folder = home / "config" / "prompts"
    folder.mkdir(parents=True)
    (folder / "greet.md").write_text(GREET)
    return folder


def test_list(opsvi: Run, own: Path) -> None:
    (own / "broken.md").write_text("---\nvariables: [\n---\n")
    (own / "notes.txt").write_text("no template")
    rows = opsvi("prompts", "list", "--json").json
    jsonschema.validate(rows, schema("prompts-list"))
    by_name = {row["name"]: row for row in rows}
    assert (by_name["greet"]["origin"], by_name["greet"]["variables"]) == ("own", ["name", "times", "tone"])
    assert "not YAML" in by_name["broken"]["error"]
    assert {path.stem for path in PACKAGED.glob("*.md")} <= set(by_name)
    assert "notes" not in by_name
    assert "greet\town\tGreets" in opsvi("prompts", "list").out


def test_what_is_packaged_can_be_used(opsvi: Run) -> None:
    done = opsvi("prompts", "check", "--json")
    assert done.code == 0
    jsonschema.validate(done.json, schema("prompts-check"))
    assert len(done.json) >= 10
    for row in done.json:
        assert row["ok"], row
        assert row["name"] in opsvi("prompts", "list").out


def test_run_with_variables(opsvi: Run, own: Path) -> None:
    args = ("prompt", "-t", "greet", "-m", "echo")
    assert opsvi(*args, "-p", "name=Ada").out == "Greet Ada 3 times, warm.\n"
    assert opsvi(*args, "-p", "name={{ 7*7 }}", "-p", "times=4", "-p", "tone=cold").out == (
        "Greet {{ 7*7 }} 5 times, cold.\n"
    )
    assert opsvi("prompts", "run", "greet", "-p", "name=Ada", "-m", "echo").out == "Greet Ada 3 times, warm.\n"


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ([], "needs name: who is greeted"),
        (["name=Ada", "times=many"], "times: 'many' is not a whole number"),
        (["name=Ada", "tone=hot"], "tone: 'hot' is not one of warm, cold"),
        (["name=Ada", "size=3"], "has no variable 'size'; it has name, times, tone"),
        (["name"], "not NAME=VALUE"),
    ],
)
def test_values_are_checked(opsvi: Run, own: Path, params: list[str], says: str) -> None:
    done = opsvi("prompt", "-t", "greet", "-m", "echo", *(part for value in params for part in ("-p", value)))
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_text_goes_where_the_template_says(opsvi: Run, own: Path) -> None:
    (own / "about.md").write_text("About {{ input | fence('text') }} end")
    (own / "rules.md").write_text("Be brief.")
    (own / "voice.md").write_text("---\nsystem: You are {{ who }}.\nvariables: {who: a cat}\n---\n")
    assert opsvi("prompt", "-t", "about", "-m", "echo", stdin="x").out == f"About {fenced('x', 'text')} end\n"
    assert opsvi("prompt", "-t", "rules", "hi", "-m", "echo").out == "Be brief.\n\nhi\n"
    record = opsvi("prompt", "-t", "voice", "hi", "--dry-run", "--json").json
    assert [item["text"] for item in record["messages"]] == ["You are a cat.", "hi"]
    done = opsvi("prompt", "-t", "about", "-m", "echo")
    assert (done.code, "template about needs a text" in done.err) == (2, True)


def test_a_variable_of_type_file_is_read(opsvi: Run, own: Path, tmp_path: Path) -> None:
    (own / "diff.md").write_text("---\nvariables: {old: {type: file}}\n---\n{{ old | fence('old') }}")
    (tmp_path / "a.txt").write_text("before\n")
    assert opsvi("prompt", "-t", "diff", "-p", "old=a.txt", "-m", "echo").out == f"{fenced('before', 'old')}\n"
    assert opsvi("prompt", "-t", "diff", "-p", "old=none.txt", "-m", "echo").code == 2
    (own / "thief.md").write_text("---\nvariables: {key: {type: file, default: /etc/hostname}}\n---\n{{ key }}")
    done = opsvi("prompt", "-t", "thief", "-m", "echo")
    assert (done.code, "a file has no default" in done.err) == (2, True)


def test_settings_of_a_template_and_flags_over_them(opsvi: Run, own: Path) -> None:
    (own / "data.toml").write_text('prompt = "x"\nmodel = "echo"\nschema = "a int"\ntemperature = 0.5\nsystem = "s"\n')
    record = opsvi("prompt", "-t", "data", "--dry-run", "--json").json
    assert (record["model"], record["temperature"], record["schema"]["required"]) == ("echo", 0.5, ["a"])
    args = ("-m", "echo/slow", "--temperature", "1", "--schema", "b", "--system", "t", "--dry-run", "--json")
    over = opsvi("prompt", "-t", "data", *args).json
    assert (over["model"], over["temperature"], over["schema"]["required"]) == ("echo/slow", 1.0, ["b"])
    assert over["messages"][0]["text"] == "t"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ a }}", "a is used and not declared"),
        ("---\nvariables: {a: 1}\n---\nx", "variable a is declared and not used"),
        ("{% if %}", "prompt: line 1:"),
        ("---\nmodel: nope/x\n---\nx", "model nope/x:"),
        ("---\nschema: {type: 7}\n---\nx", "`schema`: not a JSON Schema"),
        ("---\nmodle: x\n---\nx", "unknown name 'modle'"),
        ("---\nmodel: echo\nx", "the front matter has no end"),
        ("---\ntemperature: .inf\n---\nx", "`temperature` is a number of 0 or more"),
        ("---\ntemperature: -1\n---\nx", "`temperature` is a number of 0 or more"),
        (f"---\na: {'[' * 5000}\n---\nx", "too many brackets in one another"),
        (f"---\na: {'x' * 100_000}\n---\nx", "longer than 100000 characters"),
        ("---\nvariables: {a: {type: text}}\n---\n{{ a }}", "there is no type 'text'"),
        ("---\nvariables: {a: {type: int, default: x}}\n---\n{{ a }}", "'x' is not a whole number"),
        ("---\na: &x [1]\nb: *x\n---\nx", "YAML aliases"),
        ("---\nsteps: [{prompt: x}]\n---\nbody", "no text of its own"),
        ("---\nsteps: [{name: a}]\n---\n", "it has no prompt"),
        ("{{ ''.x", "prompt: line 1:"),
        ("---\nsteps: [{name: a, prompt: '{{ steps.b.answer }}'}, {name: b, prompt: x}]\n---\n", "no step b before it"),
        (
            "---\nsteps: [{name: a, prompt: x, system: '{{ steps[\"a\"] }}'}]\n---\n",
            "step a, system: there is no step a",
        ),
    ],
)
def test_check(opsvi: Run, tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "t.md").write_text(text)
    done = opsvi("prompts", "check", "./t.md", "--json")
    assert (done.code, done.json[0]["ok"]) == (1, False)
    assert problem in " ".join(done.json[0]["problems"])
    assert problem in opsvi("prompts", "check", "t.md").err


def test_show(opsvi: Run, own: Path) -> None:
    assert opsvi("prompts", "show", "greet").out == GREET
    record = opsvi("prompts", "show", "greet", "--json").json
    jsonschema.validate(record, schema("prompts-show"))
    assert record["variables"][1] == {
        "name": "times",
        "type": "int",
        "description": "",
        "default": 2,
        "required": False,
        "choices": [],
    }
    assert "Greet Ada 3 times, warm." in opsvi("prompts", "show", "greet", "-p", "name=Ada").out
    missing = opsvi("prompts", "show", "gret")
    assert (missing.code, "did you mean 'greet'?" in missing.err) == (1, True)


def test_new_save_and_remove(opsvi: Run, home: Path) -> None:
    folder = home / "config" / "prompts"
    assert opsvi("prompts", "path").out == f"{folder}\n"
    assert opsvi("prompts", "new", "fresh").code == 0
    assert opsvi("prompts", "check", "fresh").code == 0, "what `new` gives can be used"
    assert (folder / "fresh.md").stat().st_mode & 0o777 == 0o600
    assert opsvi("prompts", "new", "haiku", stdin="Write a haiku about {{ input }}").code == 0
    assert opsvi("prompt", "-t", "haiku", "rain", "-m", "echo").out == "Write a haiku about rain\n"
    again = opsvi("prompts", "new", "haiku", stdin="other")
    assert (again.code, "haiku" in (folder / "haiku.md").read_text()) == (2, True)
    saved = opsvi("prompt", "Say {{ what }}", "--system", "be brief", "--schema", "a", "--save", "say")
    assert (saved.code, saved.out) == (0, "")
    record = opsvi("prompt", "-t", "say", "-p", "what=hi", "--dry-run", "--json").json
    assert [item["text"] for item in record["messages"]] == ["be brief", "Say hi"]
    assert record["schema"]["required"] == ["a"]
    assert opsvi("prompts", "rm", "say").code == 2, "nobody is there to agree"
    assert opsvi("prompts", "rm", "say", "--yes").code == 0
    assert opsvi("prompt", "-t", "say", "-m", "echo").code == 1
    assert opsvi("prompts", "rm", "summarize", "--yes").code == 2
    for name in ("../x", "a/b", "", ".x", "x.md"):
        assert opsvi("prompts", "new", name, stdin="text").code == 2


def test_new_makes_variables_of_the_names_in_a_text(opsvi: Run) -> None:
    made = opsvi("prompts", "new", "tell", stdin="Tell {{ who }} about {{ input }}")
    assert (made.code, "warning" in made.err) == (0, False)
    assert opsvi("prompts", "run", "tell", "tea", "-p", "who=Ada", "-m", "echo").out == "Tell Ada about tea\n"
    wrong = opsvi("prompts", "new", "bad", stdin="---\nmodle: x\n---\nx")
    assert (wrong.code, "prompts check" in wrong.err) == (2, False), "what was not kept cannot be checked"


def test_messages_name_the_template_as_it_was_given(opsvi: Run, own: Path, tmp_path: Path) -> None:
    (tmp_path / "t.md").write_text("{{ nope }}")
    (own / "deep.toml").write_text('[[steps]]\nname = "a"\nprompt = "{{ steps.b.answer }}"\n')
    (tmp_path / "broken.md").write_text("---\nmodle: x\n---\nx")
    for name, says in (
        ("./t.md", "opsvi: template ./t.md, prompt: 'nope' is undefined\nhint: opsvi prompts check ./t.md\n"),
        ("deep", "opsvi: step a: template deep, prompt: 'dict object' has no attribute 'b'\n"),
        ("broken.md", "opsvi: template broken.md: unknown name 'modle'"),
    ):
        done = opsvi("prompt", "-t", name, "-m", "echo")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(says)
    assert "hint: opsvi prompts check broken.md\n" in opsvi("prompt", "-t", "broken.md", "-m", "echo").err


def test_run_takes_what_prompt_takes(opsvi_process: Run) -> None:
    """Else a template could not be asked with them by its own command."""

    def options(*command: str) -> set[str]:
        return set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", opsvi_process(*command, "--help").out, re.MULTILINE))

    assert options("prompt") - options("prompts", "run") == {"--template", "--save"}


def test_projects_have_templates_once_they_are_trusted(opsvi: Run, tmp_path: Path) -> None:
    (tmp_path / "opsvi.toml").write_text('collection = "x"\n')
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "ours.md").write_text("ours")
    assert opsvi("prompt", "-t", "ours", "-m", "echo").code == 1
    assert opsvi("config", "trust", "--yes").code == 0
    assert opsvi("prompt", "-t", "ours", "-m", "echo").out == "ours\n"
    (tmp_path / "secret").write_text("key of the user")
    (tmp_path / "prompts" / "summarize.md").symlink_to("../secret")
    assert "key of the user" not in opsvi("prompt", "-t", "summarize", "x", "-m", "echo").out
    origins = {row["name"]: row["origin"] for row in opsvi("prompts", "list", "--json").json}
    assert (origins["ours"], origins["summarize"]) == ("project", "packaged")


CHAIN = """\
---
system: You are careful.
variables: {n: 2}
steps:
  - name: list
    schema: "items [str]"
    prompt: List {{ n }} of {{ input }}
  - name: pick
    model: echo
    system: You choose.
    prompt: Of {{ steps.list.answer["items"] | join("+") }} about {{ input }}
---
"""


def test_a_chain(opsvi: Run, own: Path) -> None:
    (own / "chain.md").write_text(CHAIN)
    assert opsvi("prompts", "check", "chain").code == 0
    answer = '{"items": ["{{ 1 }}", "b"]}'
    with scripted(answer) as server:
        env = {"OPSVI_MODEL": "openai/m", "OPSVI_PROVIDERS__OPENAI__BASE_URL": server.url}
        args = ("prompts", "run", "chain", "tea", "--no-stream")
        assert opsvi(*args, env=env).out == "Of {{ 1 }}+b about tea\n"
        record = opsvi(*args, "--json", env=env).json
        assert server.asked[0]["messages"][0]["content"] == "You are careful."
        assert server.asked[0]["messages"][1]["content"] == "List 2 of tea"
    jsonschema.validate(record, schema("prompt"))
    assert record["answer"] == "Of {{ 1 }}+b about tea"
    assert [(step["name"], step["model"]) for step in record["steps"]] == [("list", "openai/m"), ("pick", "echo")]
    assert record["steps"][0]["answer"] == json.loads(answer)
    dry = opsvi("prompt", "-t", "chain", "tea", "--dry-run", "--json").json
    assert [step["name"] for step in dry["later_steps"]] == ["pick"]


def test_a_step_that_fails_says_which_and_keeps_the_others(opsvi: Run, own: Path) -> None:
    steps = "[{name: one, prompt: first}, {name: two, prompt: '{{ steps.one.answer }}', schema: a}]"
    (own / "chain.md").write_text(f"---\nsteps: {steps}\n---\n")
    args = ("prompt", "-t", "chain", "-m", "echo", "--schema-retries", "0")
    done = opsvi(*args)
    assert (done.code, done.out) == (1, "")
    assert "step two: echo: the answer does not satisfy" in done.err
    assert done.err.startswith("step one answered:\nfirst\nfirst\nopsvi: step two: "), "in the order in which they came"
    machine = opsvi(*args, "--json")
    assert machine.code == 1
    jsonschema.validate(machine.json, schema("prompt"))
    assert machine.json["steps"] == [{"name": "one", "answer": "first", "model": "echo"}]
    assert machine.json["error"]["message"].startswith("step two: ")


def test_a_dry_run_keeps_nothing(opsvi: Run) -> None:
    assert opsvi("prompt", "Say hi", "--save", "hi", "--dry-run").code == 2
    assert opsvi("prompts", "show", "hi").code == 1


@pytest.mark.parametrize("stdin", ["", " \n"])
def test_nothing_is_not_kept(stdin: str, opsvi: Run) -> None:
    done = opsvi("prompt", "--save", "nothing", stdin=stdin)
    assert (done.code, "nothing to keep" in done.err) == (2, True)
    assert opsvi("prompts", "show", "nothing").code == 1
