"""Finding out an id in a thread of its own, while whoever needs it waits for it, and not for ever."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from argus.delivery.latch import Latch

Found = TypeVar("Found")


class Search(Generic[Found]):
    """One question, answered once: by `find`, or by `otherwise` where that takes too long or fails.

    `find` is given what tells that nobody waits for it any more, and may return None: no answer.
    `otherwise` is told why it is asked.
    """

    def __init__(
        self,
        find: Callable[[Latch], Found | None],
        otherwise: Callable[[str], Found],
        limit_s: float,
    ) -> None:
        self._find = find
        self._otherwise = otherwise
        self._limit_s = limit_s
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._decided = Latch()
        self._to_decide = [True]  # to be taken once
        self._answer: Found | None = None
        self._is_started = False

    def start(self) -> None:
        """Begin to look, unless that has been done."""
        if os.getpid() != self._pid and not self._decided.is_set:
            self._begin()  # in a forked child there is no such thread
        if self._is_started:
            return
        self._is_started = True
        try:
            threading.Thread(target=self._run, name="argus-search", daemon=True).start()
        except RuntimeError as error:  # no thread can be had
            self._decide(None, str(error))

    @property
    def answer(self) -> Found | None:
        """The answer; None as long as there is none."""
        return self._answer if self._decided.is_set else None

    def wait(self) -> Found:
        """The answer, which is there within `limit_s`."""
        self.start()
        if not self._decided.wait(self._limit_s):
            self._decide(None, f"no answer within {self._limit_s:g} s")
            self._decided.wait(self._limit_s)  # another thread was faster, and is about to
        answer = self._answer
        return self._otherwise("no answer") if answer is None else answer

    def _run(self) -> None:
        try:
            self._decide(self._find(self._decided), "nobody has answered")
        except Exception as error:
            self._decide(None, repr(error))

    def _decide(self, found: Found | None, reason: str) -> None:
        try:
            self._to_decide.pop()
        except IndexError:
            return  # it is too late
        self._answer = self._otherwise(reason) if found is None else found
        self._decided.set()
