"""Layers, origins, profiles, variables and the errors of the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.paths import find_paths
from opsvi_cli.foundation.settings import Settings, load_settings

Load = Callable[..., Settings]


@pytest.fixture
def base(tmp_path: Path) -> dict[str, str]:
    return {
        "OPSVI_HOME": str(tmp_path / "home"),
        "HOME": str(tmp_path / "user"),
        "XDG_CONFIG_DIRS": str(tmp_path / "etc"),
    }


@pytest.fixture
def load(tmp_path: Path, base: dict[str, str]) -> Load:
    def call(
        env: Mapping[str, str] | None = None,
        *,
        file: str | None = None,
        profile: str | None = None,
        strict: bool = True,
        cwd: Path = tmp_path,
    ) -> Settings:
        full = {**base, **(env or {})}
        return load_settings(
            find_paths(full), full, cwd=str(cwd), file=file, profile=profile, strict=strict, warn=lambda _line: None
        )

    return call


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_defaults_have_the_origin_default(load: Load) -> None:
    settings = load()
    assert settings.retrieval.k == 5
    assert settings.origin(("retrieval", "k")).kind == "default"
    assert settings.files == ()


def test_each_layer_wins_over_the_one_below(load: Load, tmp_path: Path) -> None:
    def k(env: dict[str, str] | None = None, **more: object) -> tuple[int, str]:
        settings = load(env, **more)
        return settings.retrieval.k, str(settings.origin(("retrieval", "k")))

    system = write(tmp_path / "etc" / "opsvi" / "config.toml", "[retrieval]\nk = 11\n")
    assert k() == (11, f"system {system}")
    user = write(tmp_path / "home" / "config" / "config.toml", "[retrieval]\nk = 12\n[profiles.p.retrieval]\nk = 15\n")
    assert k() == (12, f"user {user}")
    project = write(tmp_path / "opsvi.toml", "[retrieval]\nk = 13\n")
    assert k() == (13, f"project {project}")
    extra = write(tmp_path / "extra.toml", "[retrieval]\nk = 14\n")
    assert k(file=str(extra)) == (14, f"config {extra}")
    assert k(file=str(extra), profile="p") == (15, f"profile p in {user}")
    assert k({"OPSVI_RETRIEVAL__K": "16"}, file=str(extra), profile="p") == (16, "env OPSVI_RETRIEVAL__K")


def test_the_first_of_several_system_directories_wins(load: Load, tmp_path: Path) -> None:
    write(tmp_path / "a" / "opsvi" / "config.toml", 'collection = "a"\n')
    write(tmp_path / "b" / "opsvi" / "config.toml", 'collection = "b"\nchunker = "fixed"\n')
    settings = load({"XDG_CONFIG_DIRS": f"{tmp_path}/a:{tmp_path}/b"})
    assert (settings.collection, settings.chunker) == ("a", "fixed")


def test_the_project_is_found_upwards_but_not_above_home(load: Load, tmp_path: Path) -> None:
    deep = tmp_path / "user" / "project" / "src"
    deep.mkdir(parents=True)
    write(tmp_path / "opsvi.toml", 'collection = "outside"\n')
    assert load(cwd=deep).collection == "default"
    write(tmp_path / "user" / "project" / "opsvi.toml", 'collection = "inside"\n')
    assert load(cwd=deep).collection == "inside"


def test_profile_by_variable_and_unknown_profile(load: Load, tmp_path: Path) -> None:
    write(tmp_path / "home" / "config" / "config.toml", '[profiles.work]\nmodel = "echo"\n')
    assert load({"OPSVI_PROFILE": "work"}).model == "echo"
    with pytest.raises(UsageError, match="no profile 'wrok'") as error:
        load(profile="wrok")
    assert "work" in error.value.hint


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("OPSVI_MODEL", "openai/x", ("model",), "openai/x"),
        ("OPSVI_INGEST__INCLUDE", "*.md, *.txt", ("ingest", "include"), ["*.md", "*.txt"]),
        ("OPSVI_INGEST__INCLUDE", '["a,b", "c"]', ("ingest", "include"), ["a,b", "c"]),
        ("OPSVI_CACHE__ENABLED", "no", ("cache", "enabled"), False),
        ("OPSVI_HTTP__READ_TIMEOUT", "2", ("http", "read_timeout"), 2.0),
        ("OPSVI_PROVIDERS__OPENAI__BASE_URL", "http://h/v1", ("providers", "openai", "base_url"), "http://h/v1"),
        ("OPSVI_PROVIDERS__OPENAI__TIMEOUT", "30", ("providers", "openai", "timeout"), 30),
        ("OPSVI_PROVIDERS__X__API_KEY", "123456", ("providers", "x", "api_key"), "123456"),
    ],
)
def test_variables(load: Load, name: str, text: str, path: tuple[str, ...], value: object) -> None:
    settings = load({name: text})
    assert settings.value(path) == value
    assert str(settings.origin(path)) == f"env {name}"


def test_a_variable_finds_the_part_whose_name_has_a_hyphen(load: Load, tmp_path: Path) -> None:
    write(tmp_path / "home" / "config" / "config.toml", "[parts.my-part]\nsize = 1\n")
    assert load({"OPSVI_PARTS__MY_PART__SIZE": "2"}).parts == {"my-part": {"size": 2}}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[retrieval]\nkk = 1\n", "no setting 'retrieval.kk'", "retrieval.k"),
        ("colection = 'x'\n", "no setting 'colection'", "'collection'"),
        ("retrieval = 3\n", "no setting 'retrieval'", ""),
        ("[retrieval]\nk = 'five'\n", "retrieval.k: 'five' is not a whole number", ""),
        ("[retrieval]\nk = true\n", "retrieval.k: True is not a whole number", ""),
        ("[retrieval]\nk = 0\n", "retrieval.k: 0 is too small: 1", ""),
        ("[retrieval]\nmode = 'magic'\n", "'magic' is none of hybrid, dense, keyword", ""),
        ("[http]\nread_timeout = inf\n", "inf is not a number", ""),
        ("[cache]\nenabled = 1\n", "1 is not true or false", ""),
        ("[ingest]\ninclude = 'a'\n", "is not a list", ""),
        ("model = 3\n", "3 is not a text", ""),
        ("[providers.x]\nwhen = 2024-01-01\n", "is not a text, number", ""),
        ("[providers]\nx = 1\n", "no setting 'providers.x'", ""),
        ("not toml", "is not valid TOML", "opsvi config edit"),
        ("profiles = 1\n", "profiles is not a table", ""),
    ],
)
def test_what_is_wrong_in_a_file_is_named(load: Load, tmp_path: Path, text: str, message: str, hint: str) -> None:
    path = write(tmp_path / "home" / "config" / "config.toml", text)
    with pytest.raises(UsageError) as error:
        load()
    assert error.value.message.startswith(f"{path}: ")
    assert message in error.value.message
    assert hint in error.value.hint
    assert error.value.hint


def test_a_file_that_is_not_utf8(load: Load, tmp_path: Path) -> None:
    path = write(tmp_path / "home" / "config" / "config.toml", "")
    path.write_bytes(b'model = "\xff\xfe"\n')
    with pytest.raises(UsageError, match="UTF-8"):
        load()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("OPSVI_RETRIEVAL__K", "many", "OPSVI_RETRIEVAL__K: 'many' is not a whole number"),
        ("OPSVI_RETRIEVAL__KAY", "1", "OPSVI_RETRIEVAL__KAY: there is no setting"),
        ("OPSVI_MODLE", "x", "OPSVI_MODLE: there is no setting"),
    ],
)
def test_what_is_wrong_in_a_variable_is_named(load: Load, name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        load({name: text})
    assert error.value.message.startswith(message)


def test_a_near_variable_is_suggested_as_a_variable(load: Load) -> None:
    with pytest.raises(UsageError) as error:
        load({"OPSVI_MODLE": "x"})
    assert error.value.hint == "Did you mean 'OPSVI_MODEL'?"


def test_variables_of_other_programs_are_left_alone(load: Load) -> None:
    assert load({"OPSVI_DEPLOYMENT_STAGE_OF_OURS": "x"}).model == ""


def test_an_empty_variable_empties_a_text_and_leaves_a_number(load: Load, tmp_path: Path) -> None:
    write(tmp_path / "home" / "config" / "config.toml", 'model = "echo"\n[retrieval]\nk = 9\n')
    settings = load({"OPSVI_MODEL": "", "OPSVI_RETRIEVAL__K": ""})
    assert (settings.model, settings.retrieval.k) == ("", 9)


def test_without_strict_the_rest_is_usable_and_every_problem_kept(load: Load, tmp_path: Path) -> None:
    write(tmp_path / "home" / "config" / "config.toml", 'model = "echo"\nnope = 1\n[retrieval]\nk = "x"\n')
    settings = load(strict=False)
    assert settings.model == "echo"
    assert settings.retrieval.k == 5
    assert {problem.key for problem in settings.problems} == {"nope", "retrieval.k"}


def test_a_config_file_that_is_not_there(load: Load) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load(file="nowhere.toml")


def test_reading_settings_writes_nothing(load: Load, tmp_path: Path) -> None:
    load()
    assert not (tmp_path / "home").exists()
