"""Entry point. Answers `--version`, the root help and completions before anything heavy is imported."""

from __future__ import annotations

import sys

from . import __version__


def main() -> None:
    """The console script `opsvi`."""
    _open_closed_streams()
    argv = sys.argv[1:]
    if argv in (["--version"], ["-V"]):
        _print(f"opsvi {__version__}\n")
    elif argv[:1] == ["__complete"]:
        from .completion import answer

        _print(answer(argv[1:]))
    elif argv in ([], ["-h"], ["--help"]):
        import os

        from .help_text import root_help

        bold = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        _print(root_help(bold))
    else:
        from .app import main as run

        sys.exit(run(argv))


def _open_closed_streams() -> None:
    """What the shell closed (`>&-`) is None in Python, and would fail wherever it is written to."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            import os

            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # open to the end


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _close_stdout()
    except OSError as error:
        sys.stderr.write(f"opsvi: cannot write the output: {error.strerror}\n")
        _close_stdout()
        sys.exit(1)


def _close_stdout() -> None:
    """Point stdout at /dev/null, so that the interpreter's flush at exit does not fail again."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
