"""The notebook runs to its last cell on a recorded desk, and is kept without answers."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "capacity.ipynb"


@pytest.fixture
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_is_kept_without_answers(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]

    assert code
    assert not [cell for cell in code if cell.outputs or cell.execution_count]


@pytest.mark.slow
def test_it_leads_from_arrivals_to_a_plan(notebook, recorded, monkeypatch):
    monkeypatch.setenv("ARCHIVE", str(recorded))
    monkeypatch.setenv("DESK_TZ", "Europe/Rome")
    where = {"metadata": {"path": str(NOTEBOOK.parent)}}

    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where).execute()

    shown = [
        (output.get("data", {}), output)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    errors = [output for _, output in shown if output.output_type in {"error", "stream"}]
    pictures = [data["image/svg+xml"] for data, _ in shown if "image/svg+xml" in data]
    texts = [data["text/plain"] for data, _ in shown if "image/svg+xml" not in data]
    assert not errors
    assert len(pictures) == 8
    assert all(picture.startswith("<svg") for picture in pictures)
    assert texts[0] == "'23.8 days recorded, 2026-03-02 to 2026-03-26'"
    assert any("'played_service_level_ratio'" in text for text in texts)
