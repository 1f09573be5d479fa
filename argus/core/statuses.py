"""What a run, a batch or a job is called by those who write it."""

from __future__ import annotations

RUNNING = "running"
DONE = "done"
FAILED = "failed"
PREEMPTED = "preempted"  # a batch alone: a failure of nobody
