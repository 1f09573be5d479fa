"""Where a Reporter stands among the ranks of a launch and the attempts of a job.

Without a sign of either in the environment nothing of all that is loaded, and no file is touched.
"""

from __future__ import annotations

import os
from itertools import count

from argus import current
from argus.core.identity import fit_id
from argus.core.intervals import Intervals
from argus.core.schema import MAX_BATCH_ID
from argus.core.settings import DISABLED
from argus.core.values import bounded_text
from argus.guard import never_raises

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argus.delivery.channel import RunFacts
    from argus.delivery.notices import Notices
    from argus.launch.companion import Companion
    from argus.launch.place import Place
    from argus.reporter import Reporter

_SIGNS = (
    *("WORLD_SIZE", "LOCAL_RANK", "SLURM_JOB_ID", "SLURM_PROCID"),
    *("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SUBMITIT_LOCAL_JOB_ID"),
)
_numbers: dict[str, count[int]] = {}  # of the Reporters of this process, by their series
ALL = "all"
AUTO = "auto"


@never_raises(None)
def placed(reporter: Reporter, prefix: str, given_id: str, ranks: Any, resume: Any) -> Place | None:
    """The place of a new Reporter; None for one that stands alone. `ranks` is None or "all",
    `resume` None or "auto"."""
    settings, notices = reporter._settings, reporter._notices
    all_speak = _is_said(ranks, ALL, "ranks", notices)
    resumes = _is_said(resume, AUTO, "resume", notices)
    # Many a callback is heard on the first rank alone: those of the script are counted without it.
    series = f"{prefix}-" if reporter._is_callbacks else ""
    number = next(_numbers.setdefault(series, count(1)))
    has_signs = resumes or any(name in os.environ for name in _SIGNS)
    if settings.mode == DISABLED or not has_signs:
        return None
    from argus.launch.placing import place_of
    from argus.launch.wanted import Wanted

    wanted = Wanted(
        batch_prefix=prefix,
        batch_id=given_id or None,
        project=reporter._project,
        experiment_type=reporter._first_fields.get("experiment_type"),
        joins=reporter._joins,
        all_speak=all_speak,
        resumes=resumes,
        series=series,
        number=number,
    )
    return place_of(os.environ, wanted, settings, notices)


def first_id(place: Place | None, prefix: str, given_id: str) -> str:
    """The id of a batch; empty where only a record of an earlier attempt, or another rank, knows
    it."""
    if place is not None:
        return place.known_id
    return given_id or fit_id(current.new_batch_id(prefix), MAX_BATCH_ID)


def before_all(
    place: Place | None, facts: RunFacts, beside: Callable[[], None]
) -> Callable[[], None]:
    """What the sender of a run does first."""
    if place is None:
        return beside

    def prepare() -> None:
        place.prepare(facts)
        beside()

    return prepare


def accompanied(reporter: Reporter, place: Place | None) -> Companion | None:
    """What goes along with an open Reporter that is one of several ranks. Whoever is to speak for
    itself waits here until it knows its batch, for some seconds at most."""
    if place is None:
        return None
    if not place.is_silent:
        reporter._batch_id = place.settled_id()
        reporter._joins = reporter._joins or place.joins
    if place.rank is None:
        return None
    from argus.launch.companion import Companion

    intervals = reporter._intervals
    if not place.rank.is_first and not place.is_alone:
        snapshot_s = intervals.snapshot_s if place.rank.is_first_on_node else None
        reporter._intervals = Intervals(None, None, snapshot_s)

    def known(batch_id: str) -> None:
        reporter._batch_id = batch_id
        current.named(reporter)

    companion = Companion(place, intervals, lambda: reporter.stopped, reporter.stop, known)
    companion.start()
    return companion


def _is_said(value: Any, word: str, name: str, notices: Notices) -> bool:
    if value is None:
        return False
    if bounded_text(value) == word:
        return True
    notices.mistake(f'{name}= takes "{word}"; what it was given is left out')
    return False
