"""A SLURM of one machine: munge, controller and node as processes of a test, in a directory of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Callable

from tests.platform.subprocesses import free_port

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
LIMIT_S = 60.0  # of anything that takes a second or two on a machine with nothing else to do

_CONF = """
ClusterName=argus{port}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CredType=cred/munge
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
KillWait=5
MinJobAge=300
RequeueExit=99
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:8
"""


def missing() -> str:
    """Why there is no SLURM here, in one line; empty where there is one."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        return "slurmd must be started by root"
    wanted = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "scontrol")
    absent = [name for name in wanted if shutil.which(name, path=PATH) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


class Slurm:
    """A running cluster of one node."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def environ(self) -> dict[str, str]:
        """That of the test, which the tasks of a job are given too."""
        return {**os.environ, "PATH": PATH, "SLURM_CONF": str(self.root / "slurm.conf")}

    def start(self) -> None:
        host = socket.gethostname().partition(".")[0]
        for name in ("state", "spool"):
            (self.root / name).mkdir()
        conf = _CONF.format(host=host, root=self.root, port=free_port(), node_port=free_port())
        (self.root / "slurm.conf").write_text(conf)
        key = self.root / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        files = {"key": "munge.key", "pid": "munge.pid", "log": "munge.log", "seed": "munge.seed"}
        options = [f"--{name}-file={self.root / value}" for name, value in files.items()]
        options.append(f"--socket={self.root / 'munge.socket'}")
        self._begin("munged", "--foreground", "--force", *options)
        until((self.root / "munge.socket").exists, "munged")
        self._begin("slurmctld", "-D", "-c")
        until(lambda: self.run("scontrol", "ping", check=False).count("is UP") > 0, "slurmctld")
        self._begin("slurmd", "-D", "-N", host)
        until(lambda: self.run("sinfo", "-h", "-o", "%t").strip() == "idle", "slurmd")

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in reversed(self._processes):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10.0)
            process.kill()
            process.wait()

    def run(self, *words: str, check: bool = True) -> str:
        """The output of a command."""
        done = subprocess.run(
            words,
            env=self.environ,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{words}: {done.stdout}\n{self.logs()}"
        return done.stdout

    def submit(self, script: str, *options: str) -> str:
        """The id of a job that runs `script`."""
        file = self.root / f"job-{time.monotonic_ns()}.sh"
        file.write_text(f"#!/bin/bash\n{script}\n")
        output = f"--output={self.root}/%j.out --open-mode=append"
        return self.run("sbatch", "--parsable", *output.split(), *options, str(file)).strip()

    def output(self, job: str) -> str:
        """What the script of a job has printed, in all its starts."""
        return (self.root / f"{job}.out").read_text()

    def state(self, job: str) -> str:
        return self.run("squeue", "-h", "-t", "all", "-j", job, "-o", "%T", check=False).strip()

    def requeue(self, job: str) -> None:
        """Have a job that runs start again, now and not in two minutes."""
        self.run("scontrol", "requeue", job)
        until(lambda: self.state(job) == "PENDING", f"{job}: requeued", self.logs)
        until(
            lambda: self._is_started_now(job),
            f"{job}: started again",
            lambda: self.reason(job) + self.logs(),
        )

    def _is_started_now(self, job: str) -> bool:
        # Until its first start is cleared away, the two minutes may be set anew; and within the second
        # in which its credential was revoked, a new one would be revoked, too.
        if self.waits_s(job) > 10.0:
            self.run("scontrol", "update", f"JobId={job}", "StartTime=now+3", check=False)
        return self.state(job) in ("RUNNING", "COMPLETED")

    def waits_s(self, job: str) -> float:
        """How long a job is not to start, in seconds from now; 0 where that is not so."""
        begins = self.run("squeue", "-h", "-t", "PENDING", "-j", job, "-o", "%S", check=False)
        try:
            return datetime.fromisoformat(begins.strip()).timestamp() - time.time()
        except ValueError:  # N/A, or no such job
            return 0.0

    def reason(self, job: str) -> str:
        """Why a job waits."""
        return self.run("squeue", "-h", "-t", "all", "-j", job, "-o", "%r", check=False).strip()

    def wait_for_state(self, job: str, *states: str) -> None:
        until(lambda: set(self.state(job).split()) <= set(states), f"{job}: {states}", self.logs)

    def logs(self) -> str:
        """The ends of all there is to read, for a test that has failed."""
        found = sorted([*self.root.glob("*.log"), *self.root.glob("*.out")])
        return "\n".join(f"== {path.name}\n{path.read_text()[-2000:]}" for path in found)

    def _begin(self, *words: str) -> None:
        with open(self.root / f"{words[0]}.stdout.log", "wb") as log:
            self._processes.append(
                subprocess.Popen(
                    words, env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            )


@contextlib.contextmanager
def running() -> Iterator[Slurm]:
    """A cluster that ends with the block."""
    # Sockets lie in it, whose paths must be short.
    with tempfile.TemporaryDirectory(prefix="slurm-") as root:
        cluster = Slurm(Path(root))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def until(condition: Callable[[], bool], what: str, logs: Callable[[], str] = lambda: "") -> None:
    """Wait until something is so. Fails after a while."""
    deadline, pause = time.monotonic() + LIMIT_S, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not in time\n{logs()}"
        pause.wait(0.1)
