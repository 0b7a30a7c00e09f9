"""From an argument list to an exit code: finds the command, runs it, and is the one place where errors end.

Command modules are imported only when they run. Typer is imported here; `__main__` answers what needs no Typer.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import FrameType
from typing import Any, TextIO, cast

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

from .command_table import COMMANDS
from .context import AppContext
from .errors import ExitCode, OpsviError, PluginError, Terminated, UsageError
from .global_options import GlobalOptions, take_globals
from .help_text import root_help

# The parser's own errors (unknown option, missing argument): Typer names no public class for their common base.
ParserError = cast("type[Exception]", typer.BadParameter.__mro__[2])


def load_command(name: str, app: AppContext) -> Any:
    """The parser tree of a command, built in or of a plugin. Raises UsageError with a suggestion."""
    if name in COMMANDS:
        module, _, attribute = COMMANDS[name].target.partition(":")
        target = getattr(import_module(module), attribute)
    else:
        target = _plugin_command(name, app)
    command = typer.main.get_command(target)
    command.name = name
    return command


def _plugin_command(name: str, app: AppContext) -> typer.Typer:
    target = app.plugins.load("command", name)
    if not isinstance(target, typer.Typer):
        raise PluginError(f"command {name!r} of a plugin is not a typer.Typer", hint=f"opsvi plugins info {name}")
    return target


def parse_globals(argv: Sequence[str], app: AppContext) -> tuple[Any, list[str], GlobalOptions]:
    """Find the command and take the global options out of its arguments, wherever they stand."""
    options, rest = take_globals(argv, app.options, stop_at_word=True)
    if not rest:
        return None, [], options
    if rest[0].startswith("-") and rest[0] not in ("-", "--"):
        raise UsageError(f"there is no option {rest[0]}", hint="`opsvi --help` lists the options")
    app.options = options
    root = load_command(rest[0], app)
    path, args = [rest[0]], rest[1:]
    command = root
    while isinstance(command, TyperGroup):
        before, words = take_globals(args, options, stop_at_word=True)
        if not words or words[0] not in command.commands:
            break
        path.append(words[0])
        options, command, args = before, command.commands[words[0]], words[1:]
    if runs_alone(command):
        valued = {
            name
            for param in command.params
            if isinstance(param, TyperOption) and not param.is_flag and not param.count
            for name in (*param.opts, *param.secondary_opts)
        }
        positionals = sum(isinstance(param, TyperArgument) for param in command.params)
        options, args = take_globals(args, options, takes_value=valued.__contains__, positionals=positionals)
    else:
        options, args = before, words
    return root, [*path[1:], *args], options


def runs_alone(command: Any) -> bool:
    """True for a command, and for a group that does something without a subcommand, as `chat` does."""
    return not isinstance(command, TyperGroup) or command.invoke_without_command


def dispatch(argv: Sequence[str], app: AppContext) -> int:
    """Run one command. Errors are raised, not printed."""
    command, args, app.options = parse_globals(argv, app)
    if command is None:
        app.out.write(root_help(app.use_color))
        return ExitCode.OK
    app.command = command.name
    if page := _help_page(command, args, app):
        app.out.write(page)
        return ExitCode.OK
    try:
        # Not `command.main`: it ends the process itself when a pipe is closed. Help was answered above.
        with command.make_context(f"opsvi {command.name}", args, obj=app, help_option_names=[]) as context:
            code = command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    except ParserError as error:
        raise _usage_error(error, command) from error
    return code if isinstance(code, int) else ExitCode.OK


def _help_page(command: Any, args: Sequence[str], app: AppContext) -> str:
    """The page of the command that `args` end in, when help is asked for or a group was named alone."""
    path, words = [command.name], list(args)
    while isinstance(command, TyperGroup) and words and words[0] in command.commands:
        path.append(words[0])
        command = command.commands[words.pop(0)]
    unknown = bool(words) and not runs_alone(command)
    if unknown or not (app.options.help or (not words and not runs_alone(command))):
        return ""
    from .command_help import command_help

    return command_help(" ".join(["opsvi", *path]), command, app.use_color)


def _usage_error(error: Exception, command: Any) -> UsageError:
    message = str(getattr(error, "format_message", lambda: error)()).rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else f"opsvi {command.name}"
    return UsageError(message[:1].lower() + message[1:], hint=f"{path} --help")


def report(error: OpsviError, app: AppContext) -> None:
    """Print an error on stderr."""
    _write(app.err, app.error_text(error))


def _write(stream: TextIO, text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody is left to read it
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(text.encode("ascii", "backslashreplace").decode())
        stream.flush()


def run(argv: Sequence[str], app: AppContext | None = None) -> int:
    """Run opsvi and return its exit code. Every error ends here."""
    app = app or AppContext()
    try:
        with _signals():
            code = dispatch(argv, app)
            app.out.flush()
            return code
    except OpsviError as error:
        return _fail(error, app)
    except (typer.Abort, KeyboardInterrupt):
        _write(app.err, "\n")
        return ExitCode.INTERRUPTED
    except Terminated:
        return ExitCode.TERMINATED
    except BrokenPipeError:
        _silence(app.out)
        return ExitCode.OK
    except OSError as error:
        if app.options.debug:
            _write(app.err, app.redactor.redact(traceback.format_exc()))
        _silence(app.out)
        where = f"{error.filename}: " if error.filename else ""
        return _fail(
            OpsviError(f"{where}{error.strerror or error}", hint="check the path, its rights and the disk"), app
        )
    except Exception as error:  # noqa: BLE001  # the last line of defence
        return _crash(error, app)
    finally:
        with contextlib.suppress(KeyboardInterrupt):  # the second: everything is killed by now
            app.close()


def _fail(error: OpsviError, app: AppContext) -> int:
    if app.options.debug:
        _write(app.err, app.redactor.redact(traceback.format_exc()))
    report(error, app)
    return error.exit_code


def _crash(error: Exception, app: AppContext) -> int:
    """A bug of ours or of a plugin: the traceback goes to a file, redacted, and its path to the user."""
    trace = app.redactor.redact(traceback.format_exc())
    if app.options.debug:
        _write(app.err, trace)
    message = f"unexpected {type(error).__name__}: {error}".splitlines()[0]
    hint = "repeat it with --debug for the traceback"
    with contextlib.suppress(OSError, OpsviError):
        from .foundation.files import write_atomic

        path = app.paths.state / "last-crash.txt"
        write_atomic(path, trace)
        hint = f"the report is in {path}; --debug prints it"
    report(OpsviError(message, hint=hint), app)
    return ExitCode.FAILURE


def _silence(stream: TextIO) -> None:
    """Point stdout at /dev/null, so that the interpreter's flush at exit does not fail again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM unwinds like an exception; SIGINT already does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: an embedding program keeps its own handlers
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(argv: Sequence[str]) -> int:
    """The console script, after the answers that need no Typer."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    code = run(argv)
    # Nothing is left to be put in order: a further Ctrl-C ends the process, without a traceback of its last steps.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return code
