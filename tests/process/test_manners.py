"""The manners of a good command line, each as one shell command that must print `ok`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MANNERS: dict[str, str] = {
    # Streams
    "data on stdout, messages on stderr": "opsvi query backups -m echo 2>/dev/null | grep -q . && echo ok",
    "errors leave stdout empty": '[ -z "$(opsvi query hi -m nope 2>/dev/null)" ] && echo ok',
    "no progress when stderr is no terminal": (
        "opsvi ingest docs -c fresh 2>e >/dev/null; ! grep -qP '\\r|\\x1b' e && echo ok"
    ),
    "dash reads stdin": "echo hello world | opsvi ingest - --name x.txt >/dev/null && echo ok",
    "piped text is context": "echo FACT-4711 | opsvi query q -m echo | grep -q FACT-4711 && echo ok",
    "data expected but stdin is a terminal": (
        'script -qec "timeout 20 opsvi ingest - --name x" /dev/null >/dev/null; [ $? -eq 2 ] && echo ok'
    ),
    "reader closes early": (
        "opsvi plugins list 2>e | true; c=${PIPESTATUS[0]}; [ ! -s e ] && [[ $c = 0 || $c = 141 ]] && echo ok"
    ),
    "reader closes a long stream early": (
        'opsvi prompt "$(seq 20000)" -m echo 2>e | head -1 >/dev/null; c=${PIPESTATUS[0]};'
        " ! grep -q Traceback e && [[ $c = 0 || $c = 141 ]] && echo ok"
    ),
    "full disk on stdout, help": "opsvi --help >/dev/full 2>e; [ $? -eq 1 ] && [ $(wc -l <e) -le 2 ] && echo ok",
    "full disk on stdout, command": (
        "opsvi search backups --json >/dev/full 2>e; [ $? -eq 1 ] && [ $(wc -l <e) -le 2 ] && echo ok"
    ),
    "streaming is flushed": "opsvi prompt 'a b c' -m echo --stream | timeout 20 head -c1 | grep -q . && echo ok",
    "files from a shell's <(command)": (
        "opsvi prompt q -f <(printf FACT) --system @<(printf SYS) -m echo --dry-run >o && grep -q FACT o &&"
        " grep -q SYS o && opsvi tokens <(printf abcd) | grep -qx '~1 tokens' && echo ok"
    ),
    "closed stdout": "opsvi prompt hi -m echo >&- 2>e && opsvi --version >&- 2>>e && [ ! -s e ] && echo ok",
    "closed stderr": "[ $(opsvi prompt hi -m echo --usage 2>&-) = hi ] && echo ok",
    "closed stdin": "opsvi plugins list <&- >/dev/null && opsvi search backups <&- >/dev/null && echo ok",
    "closed stdin, query": "opsvi query backups <&- >/dev/null && echo ok",
    # Exit codes
    "usage error is 2": "opsvi ingest --nope 2>/dev/null; [ $? -eq 2 ] && echo ok",
    "no results is success": '[ "$(opsvi search zzzzqqq --mode keyword --json)" = "[]" ] && echo ok',
    "no results in a fresh home": 'export OPSVI_HOME=$D/new; [ "$(opsvi search zzz --json)" = "[]" ] && echo ok',
    "some inputs failed is 3": "opsvi ingest docs/backup.md bad.pdf >/dev/null 2>&1; [ $? -eq 3 ] && echo ok",
    "missing key is 4 and names the way out": (
        "opsvi query q -m openai/gpt-5 2>e; [ $? -eq 4 ] && grep -q 'opsvi secrets set' e && echo ok"
    ),
    "missing key with the provider alone": (
        "opsvi query q -m openai 2>e; [ $? -eq 4 ] && grep -q 'opsvi secrets set' e && echo ok"
    ),
    "ctrl-c is 130": (
        'timeout --preserve-status -s INT 3 opsvi prompt "$(seq 500)" -m echo/slow >/dev/null 2>e; c=$?;'
        " [ $c -eq 130 ] && ! grep -q Traceback e && echo ok"
    ),
    "ctrl-c in a piped chat is 130": (
        "seq 500 | tr '\\n' ' ' | timeout --preserve-status -s INT 3 opsvi chat -m echo/slow >/dev/null 2>e; c=$?;"
        " [ $c -eq 130 ] && ! grep -q Traceback e && echo ok"
    ),
    "sigterm is 143": (
        'timeout --preserve-status -s TERM 3 opsvi prompt "$(seq 500)" -m echo/slow >/dev/null 2>e;'
        " [ $? -eq 143 ] && ! grep -q Traceback e && echo ok"
    ),
    "a broken plugin does not break the rest": (
        "OPSVI_PLUGINS=broken_plugin opsvi --version >/dev/null &&"
        " OPSVI_PLUGINS=broken_plugin opsvi search backups >/dev/null 2>&1 && echo ok"
    ),
    # Help
    "-h everywhere": "opsvi -h >/dev/null && opsvi ingest -h >/dev/null && opsvi help ingest >/dev/null && echo ok",
    "bare opsvi": "opsvi | grep -q Commands && echo ok",
    "a bare group": "opsvi collections | grep -q Commands && echo ok",
    "help has examples": "opsvi ingest -h | grep -qi example && echo ok",
    "help follows COLUMNS": "[ $(COLUMNS=60 opsvi -h | LC_ALL=C.UTF-8 wc -L) -le 60 ] && echo ok",
    "help is 80 columns when piped": "[ $(opsvi ingest -h | LC_ALL=C.UTF-8 wc -L) -le 80 ] && echo ok",
    "did you mean": "opsvi ingset 2>&1 | grep -q 'Did you mean' && echo ok",
    "did you mean a subcommand": "opsvi collections lst 2>&1 | grep -qi 'did you mean' && echo ok",
    "version": "opsvi --version | grep -Eq '^opsvi [0-9.]+$' && echo ok",
    "topics": "for t in environment exit-codes formatting filters; do opsvi help $t >/dev/null || exit 1; done; echo ok",
    "no abbreviations": "opsvi ing x 2>/dev/null; [ $? -eq 2 ] && echo ok",
    # Machine output
    "json": "opsvi plugins list --json | python3 -c 'import json,sys; json.load(sys.stdin)' && echo ok",
    "json before the command": "opsvi --json plugins list | python3 -c 'import json,sys; json.load(sys.stdin)' && echo ok",
    "jsonl": "opsvi ingest docs --jsonl 2>/dev/null | python3 -c 'import json,sys; [json.loads(x)[\"status\"] for x in sys.stdin]' && echo ok",
    "json picks fields": "opsvi plugins list --json nope 2>&1 | grep -q 'Available fields' && echo ok",
    "json errors": (
        'opsvi query q -m nope --json 2>&1 >/dev/null | python3 -c \'import json,sys; json.load(sys.stdin)["error"]["hint"]\' && echo ok'
    ),
    "piped tables are tab separated": "opsvi plugins list | awk -F'\\t' 'NF<2{exit 1}' && echo ok",
    "same input, same bytes": "cmp <(opsvi plugins list --json) <(opsvi plugins list --json) && echo ok",
    "utc times": (
        'opsvi collections list --json | python3 -c \'import json,sys; assert json.load(sys.stdin)[0]["created"].endswith("Z")\''
        " && echo ok"
    ),
    # Terminals
    "no escapes when piped": "! opsvi -h | grep -q $'\\033' && echo ok",
    "NO_COLOR": '! NO_COLOR=yes script -qec "opsvi plugins list" /dev/null | grep -Pq "\\x1b\\[[0-9;]*3[0-7]m" && echo ok',
    "--color always": "opsvi --color always plugins list | grep -q $'\\033' && echo ok",
    "--color never wins": "! FORCE_COLOR=1 opsvi plugins list --color never | grep -q $'\\033' && echo ok",
    "TERM=dumb": "! TERM=dumb script -qec \"opsvi plugins list\" /dev/null | grep -q $'\\033' && echo ok",
    "ascii locale": "LC_ALL=C PYTHONUTF8=0 PYTHONIOENCODING=ascii opsvi search umlaut >/dev/null && echo ok",
    "pager closes early": (
        "PAGER='head -1' script -qec \"stty rows 5; opsvi help formatting\" /dev/null >/dev/null; [ $? -eq 0 ] && echo ok"
    ),
    # Prompts and safety
    "never prompts without a terminal": "opsvi collections delete default </dev/null 2>&1 | grep -q -- --yes && echo ok",
    "destructive acts need --yes": (
        "opsvi collections delete default </dev/null 2>/dev/null; [ $? -eq 2 ] &&"
        " opsvi collections list | grep -q default && echo ok"
    ),
    "dry run touches nothing": (
        "a=$(find $D -type f | sort | xargs md5sum); opsvi ingest docs -c other -n >/dev/null 2>&1;"
        ' [ "$a" = "$(find $D -type f | sort | xargs md5sum)" ] && echo ok'
    ),
    "secrets are not shown": "! OPENAI_API_KEY=sk-LEAK0123456789abcdef opsvi -vv config list 2>&1 | grep -q sk-LEAK && echo ok",
    "key file mode": (
        "echo sk-k | opsvi secrets set openai 2>/dev/null && [ $(stat -c %a $(opsvi secrets path)) = 600 ] && echo ok"
    ),
    "a second ingest does no work": (
        'opsvi ingest docs --json 2>/dev/null | python3 -c \'import json,sys; c=json.load(sys.stdin)["counts"];'
        ' assert c["unchanged"] > 0 and not c["added"]\' && echo ok'
    ),
    # Settings and verbosity
    "precedence and origin": "OPSVI_MODEL=a opsvi config get model --show-origin | grep -qi env && echo ok",
    "help writes nothing": (
        "unset OPSVI_HOME; HOME=$D/h XDG_CONFIG_HOME=$D/x XDG_DATA_HOME=$D/x XDG_STATE_HOME=$D/x XDG_CACHE_HOME=$D/x"
        " opsvi --version >/dev/null; HOME=$D/h XDG_CONFIG_HOME=$D/x XDG_DATA_HOME=$D/x XDG_STATE_HOME=$D/x"
        " XDG_CACHE_HOME=$D/x opsvi ingest --help >/dev/null; [ ! -e $D/h ] && [ ! -e $D/x ] && echo ok"
    ),
    "-q is silent": '[ -z "$(opsvi -q ingest docs 2>&1 >/dev/null)" ] && echo ok',
    "-v says more": "[ $(opsvi -vv search backups 2>&1 >/dev/null | wc -l) -ge $(opsvi search backups 2>&1 >/dev/null | wc -l) ] && echo ok",
    "errors have a hint": (
        "opsvi query q -m nope 2>e; grep -q '^hint:' e && ! grep -q Traceback e && [ $(wc -l <e) -le 3 ] && echo ok"
    ),
    "--debug shows the traceback": "opsvi query q -m nope --debug 2>&1 | grep -q Traceback && echo ok",
    "completion is valid bash": "opsvi completion bash | bash -n && echo ok",
    "man page": "opsvi man | head -1 | grep -q '^.TH OPSVI' && echo ok",
}


@pytest.fixture
def shell(opsvi_process: Callable[..., object], home: Path, tmp_path: Path) -> Callable[[str], tuple[str, str]]:
    """Run a bash snippet in a folder with documents, a collection and `opsvi` on the PATH."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "backup.md").write_text("# Backup\n\nBackups are kept for ninety days.\n")
    (docs / "umlaut.txt").write_text("Der umlaut ä und die Übung.\n", encoding="utf-8")
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.7\n\x00\x01 broken")
    (tmp_path / "broken_plugin.py").write_text("import a_module_that_is_not_there\n")
    assert opsvi_process("ingest", docs, "-q").code == 0  # type: ignore[attr-defined]
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "opsvi").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m opsvi_cli "$@"\n')
    (programs / "opsvi").chmod(0o755)

    def call(snippet: str) -> tuple[str, str]:
        env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "D": str(home), "PYTHONPATH": str(tmp_path)}
        env.pop("COLUMNS", None)
        env["TERM"] = "xterm"
        done = subprocess.run(
            ["bash", "-c", snippet], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=100, check=False
        )
        return done.stdout, done.stderr

    return call


@pytest.mark.parametrize("name", MANNERS)
def test_manners(name: str, shell: Callable[[str], tuple[str, str]]) -> None:
    out, err = shell(MANNERS[name])
    assert out.splitlines()[-1:] == ["ok"], f"{MANNERS[name]}\nstdout: {out[-500:]}\nstderr: {err[-1500:]}"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_while_the_process_ends_is_no_traceback(home: Path, tmp_path: Path) -> None:
    program = (
        "import atexit, os, signal, sys; from opsvi_cli.__main__ import main;"
        "atexit.register(os.kill, os.getpid(), signal.SIGINT);"
        "sys.argv = ['opsvi', 'prompt', 'hi', '-m', 'echo']; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "hi\n", "")
