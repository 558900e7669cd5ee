"""Records a lively desk for a long time while everything goes wrong: `make soak SECONDS=3600`.

What goes wrong is in `torment`, what must hold is in `judge`. ROUNDS is how often the recorder is
killed, SEED chooses when. Prints what happened; ends with status 1 if an entity that was sent is
neither archived nor in a gap, if the archive claims a time that it cannot know, if something grows
in the recorder that lives on, or if a fault did not happen.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from judge import Kept, Verdict, claimed_seconds, judge, kept, reasons, sent
from torment import BIN, SURVIVOR, VICTIM, Recorder, Torment

MAY_GROW = {"memory": 4.0, "threads": 0.0, "files": 0.0}
PEAK = 200.0


def finish(archive: Path, recorders: tuple[Recorder, ...]) -> None:
    """Seal what is left, and let our own check read everything."""
    for one in recorders:
        command = [BIN / "archiver", "seal", "--archive", archive, "--recorder", one.name]
        subprocess.run(command, check=True)
    if subprocess.run([BIN / "archiver", "verify", "--archive", archive], check=False).returncode:
        sys.exit(f"'archiver verify' found something: {archive}")


def cuts(torment: Torment) -> int:
    """Return how many of the survivor's connections were lost other than by the desk's death."""
    lost = torment.survivor.log.read_text().count(" event=disconnected ")
    return lost - len(torment.desk.dead)


def account(name: str, verdict: Verdict, project: Kept) -> Iterator[str]:
    """Yield what became of what was sent to one recorder; return nothing of it."""
    yield f"{name}: {len(project.gaps)} gaps: {', '.join(reasons(project.gaps))}"
    yield (
        f"  {verdict.sent:,} entities sent, {verdict.archived:,} archived,"
        f" {verdict.in_gaps:,} in gaps, {verdict.lost:,} lost, {verdict.strange} frames never sent"
    )
    held = verdict.sent - verdict.archived
    yield (
        f"  covered: {verdict.claimed:,} of the {held:,} entities not archived lie in a time that"
        f" is claimed (frames took up to {verdict.lag:.2f} s)"
    )


def growths(recorder: Recorder) -> Iterator[tuple[str, bool]]:
    """Yield how the longest life of a recorder went, and whether that is fine."""
    life = max(recorder.lives, key=lambda life: life.seconds)
    for name, limit in MAY_GROW.items():
        growth = life.growth(name)
        unit = " MB" if name == "memory" else ""
        text = f"{name} {growth.before:.4g} → {growth.after:.4g}{unit}"
        yield text, growth.size <= limit
    peak = max(life.peak for life in recorder.lives)
    yield f"peak {peak:.1f} MB", peak < PEAK


def report(torment: Torment, archive: Path) -> tuple[list[str], list[str]]:
    """Return what happened, and what must not have happened."""
    victim, survivor, desk = torment.victim, torment.survivor, torment.desk
    told = [
        f"{victim.kills} kills, {victim.sealers_killed} of them with the process that seals",
        f"{cuts(torment)} cuts (every {desk.cut_every:.0f} s), {len(desk.dead)} deaths of the desk",
    ]
    has_fired = victim.kills >= torment.rounds and cuts(torment) > 0 and desk.dead
    faults = [] if has_fired else ["a fault did not happen"]
    logs, archived = sent(desk.logs), kept(archive)
    missing = 0
    for one, project in ((victim, VICTIM), (survivor, SURVIVOR)):
        verdict = judge(logs[project], archived[project])
        told += account(one.name, verdict, archived[project])
        missing += verdict.in_gaps
        dark = claimed_seconds(archived[project].covered, one.dead)
        dark += max(0.0, claimed_seconds(archived[project].covered, desk.dead) - verdict.lag)
        told.append(f"  {dark:.3f} s claimed in which it or the desk was dead")
        if not verdict.archived or verdict.lost or verdict.claimed or verdict.strange or dark:
            faults.append(f"{one.name}: {verdict}, {dark:.3f} s claimed in the dark")
        figures = list(growths(one))
        longest = max(life.seconds for life in one.lives)
        told.append(f"  longest life {longest:.0f} s: {', '.join(text for text, _ in figures)}")
        if one is survivor:
            faults += [f"grows: {text}" for text, is_fine in figures if not is_fine]
    return told, faults if missing else [*faults, "nothing was missing, so nothing was judged"]


def main(seconds: float, rounds: int, seed: int) -> None:
    """Torment recorders, then account for everything that was sent."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    began = time.monotonic()
    torment = Torment(folder, seconds, rounds, seed)
    torment.run()
    finish(folder / "archive", (torment.victim, torment.survivor))
    told, faults = report(torment, folder / "archive")
    print(f"{seconds:.0f} s, {time.monotonic() - began:.0f} s with the judgement", *told, sep="\n")
    if faults:
        sys.exit("\n".join([*faults, f"everything is in {folder}"]))
    shutil.rmtree(folder)


if __name__ == "__main__":
    _seconds = float(os.environ.get("SECONDS", "3600"))
    _rounds = int(os.environ.get("ROUNDS", max(1, round(_seconds / 60))))
    main(_seconds, _rounds, int(os.environ.get("SEED", "1")))
