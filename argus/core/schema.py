"""The event schema 1.1 as data: types, scopes, limits, and the fields a platform reads.

One table serves both sides: the encoder makes fields fit it, the monitor checks against it.
"""

from __future__ import annotations

SCHEMA_VERSION = "1.1"

MAX_BATCH_ID = 128
MAX_JOB_ID = 256
MAX_EVENTS_PER_REQUEST = 500

# The kinds of a field. A NUMBER may be null, and may travel as one of NON_FINITE.
INTEGER = "integer"
NUMBER = "number"
TEXT = "text"
BOOLEAN = "boolean"
OBJECT = "object"
TEXTS = "texts"

NON_FINITE = ("NaN", "Infinity", "-Infinity")

# What each event type's `data` may hold beside extra keys, which are always kept.
FIELDS: dict[str, dict[str, str]] = {
    "batch_start": {"experiment_type": TEXT, "n_total_jobs": INTEGER, "command": TEXT},
    "batch_done": {"n_done": INTEGER, "n_failed": INTEGER, "total_elapsed_s": NUMBER},
    "batch_failed": {
        "error": TEXT,
        "reason": TEXT,
        "n_done": INTEGER,
        "n_failed": INTEGER,
        "total_elapsed_s": NUMBER,
    },
    "job_start": {"model": TEXT, "dataset": TEXT, "config_digest": TEXT, "run_dir": TEXT},
    "job_epoch": {
        "epoch": INTEGER,
        "train_loss": NUMBER,
        "val_loss": NUMBER,
        "lr": NUMBER,
        "batch_time_ms": NUMBER,
    },
    "job_done": {
        "status": TEXT,
        "elapsed_s": NUMBER,
        "train_epochs": INTEGER,
        "metrics": OBJECT,
        "resources": OBJECT,
    },
    "job_failed": {"status": TEXT, "error": TEXT, "reason": TEXT, "elapsed_s": NUMBER},
    "resource_snapshot": dict.fromkeys(
        (
            "gpu_util_pct",
            "gpu_mem_mb",
            "gpu_mem_total_mb",
            "gpu_temp_c",
            "cpu_util_pct",
            "ram_mb",
            "ram_total_mb",
            "disk_free_mb",
            "disk_total_mb",
            "proc_cpu_pct",
            "proc_ram_mb",
            "proc_gpu_mem_mb",
        ),
        NUMBER,
    ),
    "log_line": {"line": TEXT, "level": TEXT},
    "env_snapshot": {
        "git_sha": TEXT,
        "git_branch": TEXT,
        "git_dirty": BOOLEAN,
        "python_version": TEXT,
        "pip_freeze": TEXTS,
        "hydra_config_digest": TEXT,
        "hydra_config_content": TEXT,
        "hostname": TEXT,
    },
}

EVENT_TYPES = frozenset(FIELDS)

# These carry a job_id; all others must not.
JOB_EVENTS = frozenset({"job_start", "job_epoch", "job_done", "job_failed", "log_line"})

# Fields without which a platform rejects the event.
REQUIRED: dict[str, frozenset[str]] = {"job_epoch": frozenset({"epoch"})}

# Lifecycle events: they are sent at once, and are the last to be dropped.
LIFECYCLE = frozenset(
    {"batch_start", "batch_done", "batch_failed", "job_start", "job_done", "job_failed"}
)

# Extra keys of `data` that a platform would take for its own.
RESERVED_KEYS = frozenset({"timestamp", "ts"})

SOURCE_KEYS = ("project", "host", "user", "commit", "command")
