"""Random calls of the whole public API with hostile values, and what must come of them."""

from __future__ import annotations

import copy
import pickle
import random
import time
from typing import Any

from argus import (
    JobContext,
    Reporter,
    derive_batch_id,
    emit,
    get_batch_id,
    new_batch_id,
    set_batch_id,
    sub_env,
)
from argus.core import schema
from tests.hostile import EXCEPTIONS, huge_values, values

_KNOWN = sorted({name for fields in schema.FIELDS.values() for name in fields} - {"epoch"})
_NAMES = [*_KNOWN, "ts", "timestamp", "self", "x", "", "\ud800", "a b", "k" * 1_000, "args"]
_ARGUMENTS = [
    *("experiment_type", "source_project", "command", "n_total", "heartbeat", "stop_polling"),
    *("resource_snapshot", "token", "auto_upload_dirs", "batch_id", "resume_from"),
]
_DAEMONS = {"heartbeat", "stop_polling", "resource_snapshot"}


class Fuzz:
    """A call that raises is an AssertionError. `events` counts those that must arrive, and
    `longest_s` is the most of its own thread's time that a call has taken."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.values = values()
        self.huge = huge_values()
        self.calls = 0
        self.events = 0
        self.longest_s = 0.0
        self.longest = ""

    def value(self) -> Any:
        return self.random.choice(self.huge if self.random.random() < 0.03 else self.values)

    def fields(self, names: list[str]) -> dict[str, Any]:
        chosen = self.random.sample(names, self.random.randrange(min(len(names), 3) + 1))
        return {name: self.value() for name in chosen}

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        begun = time.thread_time()
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise AssertionError(_shown(function, args, kwargs)) from error
        finally:
            took_s = time.thread_time() - begun
            if took_s > self.longest_s:
                self.longest_s, self.longest = took_s, _shown(function, args, kwargs)

    def reported(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A call that must make one event."""
        self.events += 1
        return self.call(function, *args, **kwargs)

    def batch(self, calls: int) -> Reporter:
        """A whole one, its daemons off: what they report is not counted."""
        self.reporter(self.fields(_ARGUMENTS))  # with whatever daemons, and never opened
        given = {k: v for k, v in self.fields(_ARGUMENTS).items() if k not in _DAEMONS}
        reporter = self.reporter({**given, **dict.fromkeys(_DAEMONS, False)})
        self.reported(reporter.__enter__)
        for _ in range(self.random.randrange(1, 3)):
            fields = self.fields(["model", "dataset"])
            job = self.call(reporter.job, self.value(), **fields)
            assert 1 <= len(job.job_id) <= 256
            self.reported(job.__enter__)
            for _ in range(calls):
                self.any_call(reporter, job)
            self.leave(job)
        self.leave(reporter)
        return reporter

    def reporter(self, arguments: dict[str, Any]) -> Reporter:
        prefix = (self.value(),) if self.random.random() < 0.5 else ()
        reporter: Reporter = self.call(Reporter, *prefix, **arguments)
        assert 1 <= len(reporter.batch_id) <= 128
        assert type(reporter.batch_id) is str
        return reporter

    def leave(self, context: Any) -> None:
        error = self.random.choice([None, None, *(kind("x") for kind in EXCEPTIONS)])
        if self.random.random() < 0.2:
            error = SystemExit(self.value())
        self.reported(context.__exit__, None if error is None else type(error), error, None)

    def any_call(self, reporter: Reporter, job: JobContext) -> None:
        event = self.random.choice([*schema.EVENT_TYPES, self.value(), self.value()])
        known = ["epoch", "job_id", "batch_id", "event", *_NAMES]
        value, fields = self.value(), self.fields(_NAMES)
        template = self.random.choice([value, "$x ${x} $self"])
        choices: list[Any] = [
            lambda: self.reported(job.epoch, value, **fields),
            lambda: self.reported(job.epoch, self.calls, **fields),
            lambda: self.reported(job.epoch, **fields),
            lambda: self.call(job.metrics, value),
            lambda: self.call(job.metrics, fields),
            lambda: self.reported(job.log, value, level=self.value()),
            lambda: self.call(job.upload, value, glob=self.value(), wait=self.value()),
            lambda: self.reported(reporter.emit, event, **self.fields(known)),
            lambda: self.reported(emit, event, **self.fields(known)),
            lambda: self.call(new_batch_id, value),
            lambda: self.call(set_batch_id, value),
            lambda: self.call(get_batch_id),
            lambda: self.call(derive_batch_id, value, self.value(), "sha", prefix=self.value()),
            lambda: self.call(sub_env, template, **fields),
            lambda: self.call(lambda: (reporter.stopped, job.stopped, repr(reporter), repr(job))),
            lambda: self.call(lambda: (copy.deepcopy(job), pickle.dumps(reporter))),
        ]
        self.random.choice(choices)()


def _shown(function: Any, args: Any, kwargs: Any) -> str:
    given = {str(name)[:20]: type(value) for name, value in (*enumerate(args), *kwargs.items())}
    return f"{function.__name__} of { {name: type.__repr__(kind) for name, kind in given.items()} }"
