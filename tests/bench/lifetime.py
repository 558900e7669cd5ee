"""Watches a process from outside: its memory, its threads, its open files, over its life.

Reads /proc only. It says what grew; whether that is too much is the caller's to say.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

WARM_UP = 0.2
"""The share of a life in which a process may still be growing into its work."""


@dataclass(frozen=True)
class Sample:
    """What a process took at an instant; memory in MB."""

    at: float
    memory: float
    peak: float
    threads: int
    files: int


@dataclass(frozen=True)
class Growth:
    """Medians of the first and the last quarter of a life after its warm-up."""

    before: float
    after: float

    @property
    def size(self) -> float:
        """How much more there was at the end; negative where it was less."""
        return self.after - self.before


@dataclass
class Lifetime:
    """One process and its samples."""

    pid: int
    samples: list[Sample] = field(default_factory=list)

    def look(self) -> None:
        """Take a sample, unless the process has just ended."""
        proc = Path(f"/proc/{self.pid}")
        try:
            lines = (proc / "status").read_text().splitlines()
            files = len(list((proc / "fd").iterdir()))
        except OSError:
            return
        told = {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}
        if "VmRSS" in told:  # a process that has ended and is not waited for has none
            memory, peak = (int(told[name][0]) / 1000 for name in ("VmRSS", "VmHWM"))
            threads = int(told["Threads"][0])
            self.samples.append(Sample(time.monotonic(), memory, peak, threads, files))

    @property
    def seconds(self) -> float:
        """How long it was watched."""
        return self.samples[-1].at - self.samples[0].at if self.samples else 0.0

    @property
    def peak(self) -> float:
        """The most memory that it ever had, in MB."""
        return max((sample.peak for sample in self.samples), default=0.0)

    def growth(self, name: str) -> Growth:
        """Return how its `memory`, `threads` or `files` changed."""
        settled = self.samples[round(len(self.samples) * WARM_UP) :]
        values = [float(getattr(sample, name)) for sample in settled]
        quarter = max(1, len(values) // 4)
        return Growth(statistics.median(values[:quarter]), statistics.median(values[-quarter:]))
