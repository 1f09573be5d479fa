"""Asks the platform whether somebody pressed the stop button of a batch."""

from __future__ import annotations

import time

from argus.core.jsonl import parsed_object
from argus.core.settings import Settings
from argus.core.verdicts import Answer, Reply, retry_after_s
from argus.delivery.notices import Notices
from argus.delivery.trust import trust
from argus.transport.address import Address, stop_path
from argus.transport.client import HttpClient
from argus.transport.patience import Patience

_TIMEOUT_S = 10.0
_REFUSED_PAUSE_S = 60.0


class StopPoll:
    """One batch's stop flag. For one thread."""

    def __init__(self, batch_id: str, settings: Settings, notices: Notices) -> None:
        def complain(message: str) -> None:
            notices.debug("%s", message)

        self._path = stop_path(batch_id)
        self._client = HttpClient(
            Address.parse(settings.url or ""),
            settings.token,
            trust(settings, complain),
            complain,
            _do_nothing,
        )

    def ask(self) -> tuple[bool, float | None]:
        """Whether to stop, and the seconds until the next question where the platform wants more
        than usual."""
        answer = self._client.request("GET", self._path, None, _TIMEOUT_S)
        return is_requested(answer), longer_pause_s(answer, time.time())

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def is_requested(answer: Answer) -> bool:
    """Whether an answer says stop. Older servers name the flag otherwise; only a real true counts."""
    if not isinstance(answer, Reply) or answer.status != 200:
        return False
    flags = parsed_object(answer.body) or {}
    return flags.get("requested") is True or flags.get("stop_requested") is True


def longer_pause_s(answer: Answer, wall_now: float) -> float | None:
    """The pause that an answer asks for; None for the usual one."""
    if not isinstance(answer, Reply):
        return None
    if answer.status in (401, 403):
        return _REFUSED_PAUSE_S
    return retry_after_s(answer.retry_after, wall_now) if answer.status in (429, 503) else None


def _do_nothing(_: Patience) -> None:
    """A poll has nothing else to do while it waits."""
