"""Holds the documents to the product: commands, links, and nothing of anybody's machine."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import duckdb
import pytest

import analytics.cli
import archiver.cli
from archiver import contract
from archiver.manifest import compacted_name
from archiver.recording import Recording, wall_clock

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = {"archiver": archiver.cli.cli, "analytics": analytics.cli.cli}
WRITTEN = (
    "",
    ".cfg",
    ".md",
    ".py",
    ".service",
    ".sh",
    ".sql",
    ".svg",
    ".toml",
    ".txt",
    ".yaml",
    ".ipynb",
)


def commands(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command of a program with the words that call it."""
    context = click.Context(command, info_name=name, parent=parent)
    yield context.command_path, command
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from commands(found, child, context)


COMMANDS = dict(pair for name, cli in PROGRAMS.items() for pair in commands(cli, name))


def called(document: Path) -> Iterator[list[str]]:
    """Yield the words of each call of our programs, or of make, in a document's shell blocks."""
    for block in re.findall(
        r"^```sh\n(.*?)^```", document.read_text("utf-8"), re.MULTILINE | re.DOTALL
    ):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] in {*PROGRAMS, "make"}:
                yield words


def sources() -> Iterator[Path]:
    """Yield every file that somebody wrote."""
    for top in sorted(ROOT.iterdir()):
        if top.is_file():
            yield top
        elif top.name in {
            ".ci",
            "analytics",
            "archiver",
            "deploy",
            "docs",
            "notebooks",
            "sql",
            "tests",
        }:
            yield from (path for path in sorted(top.rglob("*")) if path.is_file())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_is_in_the_reference(name):
    assert COMMANDS[name].help
    assert re.search(
        rf"^#+ {re.escape(name)}$", (ROOT / "docs" / "cli.md").read_text("utf-8"), re.MULTILINE
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name):
    options = [param for param in COMMANDS[name].params if isinstance(param, click.Option)]

    assert not [option.name for option in options if not option.help]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_documents_exist_with_their_options(document):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for program, *words in called(document):
        if program == "make":
            assert set(words) <= set(targets), words
            continue
        name = program
        while words and f"{name} {words[0]}" in COMMANDS:
            name = f"{name} {words.pop(0)}"
        known = {option for param in COMMANDS[name].params for option in param.opts}
        asked = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert not isinstance(COMMANDS[name], click.Group), f"{name} {words}"
        assert asked <= known | {"--help", "--version"}, name


def test_every_line_of_the_log_is_explained():
    sources = (path.read_text("utf-8") for path in (ROOT / "archiver").glob("*.py"))
    events = {name for text in sources for name in re.findall(r'\blog\.\w+\(\s*"(\w+)', text)}
    told = (ROOT / "docs" / "operations.md").read_text("utf-8")
    (log,) = re.findall(r"^## Log\n.*?(?=^## )", told, flags=re.MULTILINE | re.DOTALL)

    rows = re.findall(r"^\| (`.*?) \|", log, flags=re.MULTILINE)
    explained = [name.strip("`") for row in rows for name in row.split(", ")]

    assert len(events) > 10
    assert sorted(explained) == sorted(events)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_in_documents_lead_somewhere(document):
    text = re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(document: Path) -> set[str]:
    """Return the anchors that a web page makes of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.fixture
def beside_an_archive(tmp_path, monkeypatch):
    """Work in a folder in which ARCHIVE is an archive of a recorded capture."""
    recording = Recording(tmp_path / "ARCHIVE", "main", ["6b0482710586eb286f450689"])
    capture = ROOT / "tests" / "data" / "captures" / "four_chats.frames.jsonl.gz"
    with gzip.open(capture, "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["dir"] == "in":
                recording.keep([line["data"].encode()], int(line["t"] * 1e6), 1)
    recording.close(wall_clock())
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("beside_an_archive")
def test_other_tools_read_an_archive_as_the_format_says():
    text = (ROOT / "docs" / "format.md").read_text("utf-8")
    once, query = re.findall(r"^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    pandas, _spark = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)

    ((_, chats),) = duckdb.sql(query).fetchall()
    names: dict[str, Any] = {}
    exec(pandas, names)  # noqa: S102 (our own document)

    assert chats == 3  # the fourth never left preflight, and so was never published
    assert names["chats"]["entity_id"].nunique() == 3

    count = duckdb.sql(f"select count(*) from ({once})").fetchall()
    part, *_ = Path("ARCHIVE").glob(contract.parts_glob())
    shutil.copy(part, part.with_name(compacted_name(1, 1)))  # as within the grace
    assert duckdb.sql(f"select count(*) from ({once})").fetchall() == count


def test_no_file_names_a_place_on_somebody_s_machine():
    place = re.compile(r"(?<![\w.:/}\])])/(?:work|root|home|Users|tmp|opt/pypi)/", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        if path.suffix in WRITTEN and "__pycache__" not in path.parts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if place.search(line) and path != Path(__file__)
    ]

    assert not found
