#!/bin/sh
# Installs opsvi and the example plugins into an environment of their own and runs the tests of each.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$root/.venv-examples
if [ ! -e "$venv/.installed" ]; then
    "${PYTHON:-python3}" -m venv "$venv"
    set -- --editable "$root"
    for plugin in "$here"/*/; do set -- "$@" --editable "$plugin"; done
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" mypy pytest pytest-timeout
    touch "$venv/.installed"
fi
for plugin in "$here"/*/; do
    cd "$plugin"
    "$venv/bin/python" -m mypy --strict src
    "$venv/bin/python" -m pytest tests -q -c pyproject.toml
done
