"""From what was typed at `opsvi prompt` to what is asked: files read, templates found and filled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.llm.chains import PromptRequest
from opsvi_cli.llm.json_answers import read_schema
from opsvi_cli.llm.prompting import compose, read_system

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext
    from opsvi_cli.llm.prompt_template import PromptTemplate
    from opsvi_cli.llm.prompt_variables import Variable

    from .prompt_options import PromptOptions


def build_request(app: AppContext, options: PromptOptions) -> PromptRequest:
    """What is asked. Raises UsageError for options that make no sense, OpsviError for files that cannot be read."""
    template, values = _template(app, options)
    stdin_taken = _takes_stdin(options)
    context = None if stdin_taken else app.read_stdin()
    files: list[Any] = []
    attachments: list[Any] = []
    if options.files or options.attach:
        # Reading documents is not needed, and not imported, for a question without files.
        from .prompt_input import read_attachments, read_files

        files = read_files(app, options.files)
        attachments, texts = read_attachments(app, options.attach)
        files += texts
    names_files = template is not None and any(variable.type == "file" for variable in template.variables)
    return PromptRequest(
        text=compose(options.typed, context, files),
        attachments=tuple(attachments),
        template=template,
        values=values,
        tainted=bool(context or files or attachments or names_files),
        system=read_system(options.system, app.cwd),
        schema=read_schema(options.schema, app.cwd) if options.schema is not None else None,
        model=options.model,
        base_url=options.base_url,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        stream=options.stream,
        schema_retries=options.schema_retries,
    )


def _takes_stdin(options: PromptOptions) -> bool:
    count = [*options.files, *options.attach].count("-")
    if count > 1:
        raise UsageError("`-` (standard input) can be given once")
    return count == 1


def _template(app: AppContext, options: PromptOptions) -> tuple[PromptTemplate | None, dict[str, Any]]:
    if options.template is None:
        if options.values:
            raise UsageError("-p gives values to a template, and there is none", hint="opsvi prompt -t TEMPLATE -p ...")
        return None, {}
    from opsvi_cli.llm.prompt_library import find_template

    template = find_template(app, options.template).load()
    return template, template_values(app, template, options.values)


def template_values(app: AppContext, template: PromptTemplate, given: Sequence[str]) -> dict[str, Any]:
    """The values of a template's variables; missing ones are asked for where a person is. Raises UsageError."""
    from opsvi_cli.llm.prompt_variables import parse_given, resolve

    return resolve(
        template.name,
        template.variables,
        parse_given(given),
        read_file=lambda path: _file(app, path),
        question=lambda variable: _answer(app, variable),
    )


def _file(app: AppContext, path: str) -> str:
    from .prompt_input import read_files

    return "\n\n".join(file.text for file in read_files(app, [path]))


def _answer(app: AppContext, variable: Variable) -> str | None:
    """What the person at the terminal says; None when nobody is there, or says nothing."""
    if not app.may_ask or app.stdin is None:
        return None
    choices = f" ({', '.join(variable.choices)})" if variable.choices else ""
    app.err.write(plain(f"{variable.name}{choices}: {variable.description or 'value'}\n> "))
    app.err.flush()
    return app.stdin.readline().strip() or None
