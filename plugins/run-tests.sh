#!/bin/sh
# run-tests.sh NAME [PACKAGE...]: installs plugins/opsvi-NAME and opsvi from their folders, with what its tests need, into
# the environment .venv-NAME, and runs its tests. What is installed already is used again.
set -eu
name=$1
shift
plugins=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$plugins")
here=$plugins/opsvi-$name
venv=$root/.venv-$name
if [ ! -e "$venv/.installed" ] || [ "$root/pyproject.toml" -nt "$venv/.installed" ] ||
    [ "$here/pyproject.toml" -nt "$venv/.installed" ]; then
    if command -v uv >/dev/null 2>&1; then
        [ -e "$venv/bin/python" ] || uv venv --quiet --python "${PYTHON:-python3}" "$venv"
        uv pip install --quiet --python "$venv" --editable "$root" --editable "$here" pytest pytest-timeout "$@"
    else
        [ -e "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            --editable "$root" --editable "$here" pytest pytest-timeout "$@"
    fi
    touch "$venv/.installed"
fi
cd "$here"
exec "$venv/bin/python" -m pytest tests -q -c "$here/pyproject.toml"
