"""Writes the parts of these documents that the code knows better: columns, commands, metrics.

cog calls these functions from the marked blocks of the documents (`make docs`), and checks that
the blocks are fresh (`make lint`). Everything else in the documents is written by hand.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from archiver import contract, health

ROOT = Path(__file__).parents[1]
WIDTH = 96

# Fields of a query's header that need more words.
LABELS = {"by": "broken down by", "edge": "edge cases"}


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    return "".join(map(_line, (head, ("---",) * len(head), *rows)))


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def columns() -> str:
    """Return the archive's columns: name, type, where in the JSON it comes from, meaning."""
    types = {field.name: str(field.type) for field in contract.schema()}
    rows = [
        (f"`{column.name}`", f"`{types[column.name]}`", _origin(column), column.doc)
        for column in contract.COLUMNS
    ]
    return table(("column", "type", "from the JSON of", "meaning"), rows)


def _origin(column: contract.Column) -> str:
    """Say where a column comes from, naming kinds with the same paths together."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for kind, paths in column.paths.items():
        kinds.setdefault(paths, []).append(kind)
    return "<br>".join(
        f"{', '.join(names)}: {' or '.join(f'`{path}`' for path in paths)}"
        for paths, names in kinds.items()
    )


def queries(folder: str) -> str:
    """Return the headers of the SQL files of a folder, each under its name."""
    return "\n".join(_query(path) for path in sorted((ROOT / "sql" / folder).glob("*.sql")))


def _query(path: Path) -> str:
    """Return a query's header as Markdown: its sentence, its fields, its columns as a table."""
    header = re.match(r"(--.*\n)*", path.read_text("utf-8"))
    assert header is not None
    first, *fields = re.sub("^-- ?", "", header.group(), flags=re.MULTILINE).splitlines()
    name, _, sentence = first.partition(":")
    listed, rows = [], []
    for label, _, text in (field.partition(":") for field in fields):
        if label.startswith("  "):
            rows.append((f"`{label.strip()}`", text.strip()))
        elif label == "facts":
            listed.append("- **chats**: `--chats` lists those behind its rows\n")
        elif label != "columns":
            listed.append(f"- **{LABELS.get(label, label)}**: {text.strip()}\n")
    meaning = table(("column", "meaning"), rows) if rows else ""
    return "\n".join(
        filter(None, (f"### {name}\n", f"{sentence.strip()}\n", "".join(listed), meaning))
    )


def signs() -> str:
    """Return the recorder's vital signs as Prometheus sees them."""
    rows = [
        (f"`{sign.name}`", "counter" if sign.name.endswith("_total") else "gauge", sign.doc)
        for sign in health.SIGNS
    ]
    return table(("metric", "type", "meaning"), rows)


def library() -> str:
    """Return what programs may use of `analytics`, from its signatures and docstrings."""
    import analytics
    from analytics import config

    settings = ", ".join(f"`{name}`" for name in config.KEYS)
    parts = [_described("analytics.open", analytics.open), f"The settings: {settings}.\n"]
    for kind in (analytics.Project, analytics.Answer):
        parts.append(f"## {kind.__name__}\n\n{inspect.getdoc(kind)}\n")
        names = [name for name in vars(kind) if not name.startswith("_")]
        parts += [_described(name, getattr(kind, name), depth=3) for name in names]
    return "\n".join(parts)


def _described(name: str, member: Any, depth: int = 2) -> str:
    """Return a function, method or property as Markdown."""
    told = ""
    if not isinstance(member, property):
        told = f"```text\n{_signature(name.rpartition('.')[2], member)}\n```\n\n"
    return f"{'#' * depth} {name}\n\n{told}{inspect.getdoc(member)}\n"


def _signature(name: str, function: Callable[..., Any]) -> str:
    """Return how a function is called; too long a line is one of each argument."""
    found = inspect.signature(function)
    arguments = [one for one in found.parameters.values() if one.name != "self"]
    line = str(found.replace(parameters=arguments)).replace("'", "")
    if len(name + line) <= WIDTH:
        return name + line
    inner, _, answer = line.removeprefix("(").rpartition(") -> ")
    split = re.sub(r", (?=\*|\w+:)", ",\n    ", inner)
    return f"{name}(\n    {split},\n) -> {answer}"


def commands(name: str) -> str:
    """Return the help of a program's commands, sub-commands included."""
    module = __import__(f"{name}.cli", fromlist=["cli"])
    return "\n".join(
        f"{'#' * (2 + depth)} {path}\n\n```text\n{usage}\n```\n"
        for path, depth, usage in _helps(module.cli, name)
    )


def _helps(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[str, int, str]]:
    context = click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    )
    depth = context.command_path.count(" ")
    yield context.command_path, depth, inspect.cleandoc(command.get_help(context))
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from _helps(found, child, context)
