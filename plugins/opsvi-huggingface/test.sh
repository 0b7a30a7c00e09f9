#!/bin/sh
# Installs the plugin with its extra `local`, and runs the tests. PyTorch is large: the environment is that of
# opsvi-sentence-transformers, which needs it too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$root/.venv-sentence-transformers
stamp=$venv/.huggingface
if [ ! -e "$stamp" ] || [ "$root/pyproject.toml" -nt "$stamp" ] || [ "$here/pyproject.toml" -nt "$stamp" ]; then
    [ -e "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        torch==2.13.0 --editable "$root" --editable "$here[local]" pytest pytest-timeout
    touch "$stamp"
fi
cd "$here"
exec "$venv/bin/python" -m pytest tests -q -c "$here/pyproject.toml"
