"""Read the end of a failed job's log: decide on a retry, and describe the failure to the user."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from workflow_scripts._endings import ENDED, NOT_RETRIED

MAX_LINES = 12
"""Longest quotation from a log in the terminal."""
TAIL_BYTES = 20_000
MAX_LINE = 300
FULL_DISK_BYTES = 1_000_000
"""A disk with less free than this can have ended a job that left no error in its log."""
ERROR = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Training|Exit)\b")


def is_retried(log: Path | None, since: float) -> bool:
    """Tell whether another attempt may succeed after one that wrote this log.

    Args:
        log: log of the job, if it has one.
        since: POSIX time; an older log is of an earlier run and says nothing.
    """
    return _tail(log, since)[-1:] != [NOT_RETRIED]


def describe_failure(rule: str, wildcards: Mapping[str, str], log: Path | None, since: float) -> str:
    """Describe a failed job in few lines: its rule, what was wrong, its log, and what to do.

    Args:
        rule, wildcards: which job it is.
        log, since: as for `is_retried`.
    """
    values = ", ".join(f"{name}={value}" for name, value in wildcards.items())
    tail = _tail(log, since)
    if tail[-1:] == [NOT_RETRIED]:
        advice = "correct what this names, then give the same command again"
    elif tail[-1:] == [ENDED]:
        advice = "read the log; the same command given again goes on from here"
    elif log and log.parent.is_dir() and shutil.disk_usage(log.parent).free < FULL_DISK_BYTES:
        advice = f"No space left on device: make room on the disk of {log.parent}, then give the same command again"
    else:
        advice = (
            "the log has no error, so the job was killed or never started: look at the message above and at its memory "
            f"and time, which --set-resources {rule}:mem_mb=... and {rule}:runtime=... raise"
        )
    lines = [f"{rule} failed{f' ({values})' if values else ''}", *(f"  {line}" for line in _quotation(tail))]
    return "\n".join([*lines, f"  log: {log or 'none'}", f"  what to do: {advice}"])


def _tail(log: Path | None, since: float) -> list[str]:
    """Return the last lines of a log that was written since then, without empty ones."""
    try:
        if log is None or log.stat().st_mtime < since:
            return []
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line.rstrip() for line in lines if line.strip()]


def _quotation(tail: list[str]) -> list[str]:
    """Return the error at the end of a log: from the last line that names one."""
    if tail[-1:] not in ([ENDED], [NOT_RETRIED]):
        return []
    starts = [number for number, line in enumerate(tail[:-1]) if ERROR.match(line)]
    lines = tail[starts[-1] if starts else -2 : -1]
    more = [f"... {len(lines) - MAX_LINES} more lines"] if len(lines) > MAX_LINES else []
    return [line[:MAX_LINE] for line in lines[:MAX_LINES]] + more
