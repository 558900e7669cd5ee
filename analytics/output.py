"""Where an answer goes: to stdout, or into a file, whole or not at all, for its owner only.

It knows nothing of what the answer is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from analytics.errors import SettingWrong


def write(text: str, output: Path | None) -> None:
    """Print an answer, or put it into a file."""
    if output is None:
        click.echo(text, nl=False)
        return
    with published(output) as draft:
        draft.write_text(text, "utf-8")


def make_folder(folder: Path) -> None:
    """Make a folder for its owner only, if it is not there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingWrong(f"{folder}: cannot make it ({error.strerror})") from error


@contextmanager
def published(output: Path) -> Iterator[Path]:
    """Yield an empty file to write; on success it becomes `output`.

    Its name does not end in `.parquet`, so that no reader of a folder meets it half written.
    """
    draft = output.with_name(f".{output.name}.{os.getpid()}.draft")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            yield draft
            draft.replace(output)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise SettingWrong(f"{output}: cannot write it ({error.strerror})") from error
