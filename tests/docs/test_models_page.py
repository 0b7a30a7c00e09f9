"""The shell blocks of the page about models are run; its tables are compared with the presets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from opsvi_cli.builtin.openai_presets import COMPATIBLE, PRESETS, QUIRKS, Preset

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"


def test_models_page_does_what_it_says(run_page: Callable[[Path], None]) -> None:
    run_page(PAGE)


def test_the_tables_name_every_preset_and_every_quirk() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, preset in PRESETS.items():
        if name == COMPATIBLE:
            continue
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert f"`{preset.variable}`" in row if preset.variable else "| none |" in row
        assert not preset.keyless or preset.base_url in row
    settings = text[text.index("| Setting | Values |") : text.index("`timeout` (seconds")]
    assert all(f"`{quirk}`" in settings for quirk in QUIRKS)
    assert set(QUIRKS) < {field.name for field in fields(Preset)}


def test_the_plugins_of_providers_are_named() -> None:
    from opsvi_cli.plugin_host.bundled import BUNDLED

    text = PAGE.read_text(encoding="utf-8")
    for (kind, name), plugin in BUNDLED.items():
        if kind == "provider":
            assert any(f"`{name}`" in row and f"| `{plugin}` |" in row for row in text.splitlines()), name
        else:
            assert any(f"`{name}`" in line and plugin in line for line in text.splitlines()), (kind, name)


def test_every_key_of_a_preset_is_a_known_variable() -> None:
    from opsvi_cli.foundation.environment import OTHER_VARIABLES

    assert {preset.variable for preset in PRESETS.values() if preset.variable} <= set(OTHER_VARIABLES)
