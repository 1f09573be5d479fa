"""`argus serve` and a training as processes of their own, for a browser to watch."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.server.events import Client

ROOT = Path(__file__).resolve().parents[3]
_END_S = 20.0

# Ends only when it is told to: whoever forgets, waits for the bound.
TRAINING = """
import math, threading
from argus import Reporter

with Reporter("live", source_project="paper", n_total=1, stop_polling=0.2, config={"lr": 0.5}) as r:
    with r.job("j1", model="lstm", dataset="etth1") as j:
        for epoch in range(30_000):
            j.epoch(epoch, train_loss=math.exp(-epoch / 50), val_loss=float("nan") if epoch == 3 else 0.5)
            if j.stopped:
                break
            threading.Event().wait(0.02)
        j.metrics({"epochs": epoch})
"""


class Serving:
    """A running `argus serve` on `runs`, and a connection to it."""

    def __init__(self, runs: Path, port: int = 0) -> None:
        command = ["-m", "argus", "serve", "--port", str(port), "--runs", str(runs)]
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=_environ(),
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().split(",")[0].rpartition(":")[2])
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = Client(self.port)

    def end(self) -> None:
        """Interrupt it, and wait. Also where it has ended already."""
        self.client.connection.close()
        self.process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
        try:
            self.process.communicate(timeout=_END_S)
        finally:
            self.process.kill()


def lasting_port() -> int:
    """A free port that no outgoing connection is given meanwhile: below those that are handed out."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) != 0:
                return port


def training(url: str, state: Path) -> subprocess.Popen[bytes]:
    """A training that reports to `url` until it is stopped."""
    environ = {**_environ(), "ARGUS_URL": url, "ARGUS_STATE_DIR": str(state)}
    return subprocess.Popen([sys.executable, "-c", TRAINING], cwd=ROOT, env=environ)


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ARGUS_")}
