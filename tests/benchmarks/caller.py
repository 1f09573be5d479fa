"""The measured program: one process of one implementation. Prints one JSON object.

    python caller.py IMPLEMENTATION TASK [name=value ...]

One file, which needs nothing of this project, so that it runs unchanged in the environments of other
reporters. Imports little, so that what is measured finds nothing loaded already. The platform, the
state directory and whatever else an implementation wants come by environment variables.
"""

import os
import sys
import time
from array import array

FIELDS = {"train_loss": 0.5, "val_loss": 0.6, "lr": 1e-4}
DELIVERY_S = 300.0  # until what was called must be with the platform


def nothing(*args, **kwargs):
    """What there is to close where nothing was opened."""


# The implementations. Each opens its block and returns two functions: the call, and the end.


def open_argus(daemons=0, every_s=0.0):
    """Ours. `every_s`: daemons that are this busy; 0 leaves the default."""
    on = every_s or bool(daemons)
    return entered(heartbeat=on, stop_polling=on, resource_snapshot=on)


def open_first_argus(daemons=0):
    """`argus-reporter` 0.1.3, where everything must be given."""
    on = bool(daemons)
    return entered(
        experiment_type="x",
        source_project="bench",
        n_total=1,
        heartbeat=on,
        stop_polling=on,
        resource_snapshot=on,
        monitor_url=os.environ["ARGUS_URL"],
        token=os.environ["ARGUS_TOKEN"],
    )


def entered(**arguments):
    from argus import Reporter

    reporter = Reporter("bench", **arguments)
    reporter.__enter__()
    job = reporter.job("j1", model="m", dataset="d")
    job.__enter__()

    def close():
        job.__exit__(None, None, None)
        reporter.__exit__(None, None, None)

    return job.epoch, close


class BareAppend:
    """The least that a call can cost which remembers what it was given."""

    def __init__(self):
        from collections import deque

        self.rows: deque[object] = deque()

    def epoch(
        self,
        /,
        epoch=None,
        *,
        train_loss=None,
        val_loss=None,
        lr=None,
        batch_time_ms=None,
        **extra,
    ):
        self.rows.append((epoch, train_loss, val_loss, lr, batch_time_ms, extra))


def open_append(daemons=0):
    return BareAppend().epoch, nothing


def open_nothing(daemons=0):
    """The loop alone."""
    return nothing, nothing


def open_wandb(daemons=0):
    wandb = module("wandb")
    run = wandb.init(project="bench", mode="offline")
    return lambda epoch, **fields: run.log({"epoch": epoch, **fields}), run.finish


def open_trackio(daemons=0):
    trackio = module("trackio")
    trackio.init(project="bench", embed=False)
    return lambda epoch, **fields: trackio.log({"epoch": epoch, **fields}), trackio.finish


def open_swanlab(daemons=0):
    swanlab = module("swanlab")
    swanlab.init(project="bench", mode="offline", logdir="swanlog")
    return lambda epoch, **fields: swanlab.log(fields, step=epoch), swanlab.finish


def open_tensorboardx(daemons=0):
    writer = module("tensorboardX").SummaryWriter("runs")

    def epoch(epoch, **fields):
        for name, value in fields.items():
            writer.add_scalar(name, value, epoch)

    return epoch, writer.close


def open_mlflow(daemons=0):
    mlflow = module("mlflow")
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.start_run()
    return (
        lambda epoch, **fields: mlflow.log_metrics(fields, step=epoch, synchronous=False),
        mlflow.end_run,
    )


IMPLEMENTATIONS = {
    "argus": open_argus,
    "argus-reporter": open_first_argus,
    "append": open_append,
    "nothing": open_nothing,
    "wandb": open_wandb,
    "trackio": open_trackio,
    "swanlab": open_swanlab,
    "tensorboardX": open_tensorboardx,
    "mlflow": open_mlflow,
}
MODULES = {"argus-reporter": "argus"}  # of peers whose module is named otherwise
PEERS = ("argus-reporter", "wandb", "trackio", "swanlab", "tensorboardX", "mlflow")


def module(name):
    from importlib import import_module

    return import_module(name)


# The tasks. Each returns its figures.


def peers(impl):
    """The versions of the peers that are installed for this interpreter."""
    from importlib import metadata

    found = {}
    for name in PEERS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    return found


def calls(impl, count=2000, pause_us=0, daemons=0, stall_s=0.0, waits=0):
    """`count` calls, a pause after each. `stall_s`: each write to a journal blocks so long."""
    if stall_s:
        stall_journal(stall_s)
    call, close = IMPLEMENTATIONS[impl](daemons=daemons)
    if waits:  # for the others: all begin together
        print("ready", flush=True)
        sys.stdin.readline()
    cpu_before, began_at = cpu_s(), time.perf_counter()
    figures = spread(timed(call, 0, count, pause_us / 1e6))
    close()
    return {
        **figures,
        "until_closed_s": time.perf_counter() - began_at,
        "cpu_s": cpu_s(),
        "cpu_per_call_us": (cpu_s() - cpu_before) / count * 1e6,
    }


def opening(impl):
    """From the constructor until the block is entered, where all is imported already."""
    if impl == "argus":
        import argus  # noqa: F401
    elif impl in PEERS:
        module(MODULES.get(impl, impl))
    began_at = time.perf_counter()
    _, close = IMPLEMENTATIONS[impl](daemons=1)
    opened_ms = (time.perf_counter() - began_at) * 1e3
    close()
    return {"open_ms": opened_ms}


def memory(impl, count=5000, settle_s=3.0):
    """Growth of what is resident, from a bare interpreter until everything has been at work."""
    before = resident_bytes()
    if impl == "http.client":
        module("http.client")
        return {"growth_mib": (resident_bytes() - before) / 2**20}
    busy = {"every_s": settle_s / 6} if impl == "argus" else {}
    call, close = IMPLEMENTATIONS[impl](daemons=1, **busy)
    for i in range(count):
        call(i, **FIELDS)
        if not i % 100:
            time.sleep(0.001)
    time.sleep(settle_s)  # for the daemons to come by, and the sender to send
    growth_mib = (resident_bytes() - before) / 2**20
    close()
    return {"growth_mib": growth_mib}


def snapshot(impl, count=200):
    """CPU time of one look at the machine."""
    sample = sampler()
    sample(time.monotonic())
    before = time.thread_time_ns()
    for _ in range(count):
        sample(time.monotonic())
    return {"snapshot_us": (time.thread_time_ns() - before) / count / 1e3}


def sampler():
    from pathlib import Path

    from argus.resources.sampler import Sampler

    return Sampler.for_this_platform(Path.cwd(), nothing).sample


def idle(impl, settle_s=11.0, watch_s=60.0):
    """CPU seconds an hour of an open block where nothing is called. It settles first: the daemons
    load what they need at their first turn, once and for all."""
    _, close = IMPLEMENTATIONS[impl](daemons=1)
    time.sleep(settle_s)
    cpu_before, began_at = time.process_time(), time.perf_counter()
    time.sleep(watch_s)
    used_s = time.process_time() - cpu_before
    hours = (time.perf_counter() - began_at) / 3600
    close()
    return {"cpu_s_per_h": used_s / hours}


def late(impl, count=5_000_000, edge=20_000):
    """The first `edge` calls against the last ones; what is between them has been delivered."""
    call, close = IMPLEMENTATIONS[impl]()
    first = spread(timed(call, 0, edge))
    until_delivered(edge)
    before = resident_bytes()
    for i in range(edge, count - edge):
        call(i, **FIELDS)
    until_delivered(count - edge)
    last = spread(timed(call, count - edge, edge))
    growth_mib = (resident_bytes() - before) / 2**20
    close()
    return {"first_us": first["p50_us"], "last_us": last["p50_us"], "growth_mib": growth_mib}


def until_delivered(events):
    """Wait until the platform has so many; without asking through what is measured."""
    import json

    end_at = time.monotonic() + DELIVERY_S
    while time.monotonic() < end_at:
        if json.loads(fetched(b"GET /stats HTTP/1.0\r\n\r\n"))["events"] >= events:
            return
        time.sleep(0.1)
    raise TimeoutError("what was called is not delivered")


def fetched(request):
    import socket

    host, _, port = os.environ["ARGUS_URL"].rpartition("/")[2].partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as stream:
            length = 0
            while (line := stream.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    length = int(line[15:])
            return stream.read(length)


def replay(impl, directory=""):
    """Until a dead process's run is delivered and gone; its size is what `directory` holds."""
    size = os.stat(os.path.join(directory, "events.jsonl")).st_size
    cpu_before, began_at = time.process_time(), time.perf_counter()
    if impl == "nothing":
        with open(os.path.join(directory, "events.jsonl"), "rb") as lines:
            post_lines(lines)
    else:
        _, close = IMPLEMENTATIONS[impl]()
        end_at = time.monotonic() + DELIVERY_S
        while os.path.exists(directory):
            if time.monotonic() > end_at:
                raise TimeoutError("the run is not delivered")
            time.sleep(0.01)
        close()
    return {
        "mb_per_s": size / 1e6 / (time.perf_counter() - began_at),
        "mb_per_cpu_s": size / 1e6 / (time.process_time() - cpu_before),
        "peak_mib": peak_resident_bytes() / 2**20,
    }


def throughput(impl, count=200_000):
    """As many calls as the loop can make, until all of them are delivered."""
    if impl != "nothing":
        return calls(impl, count)
    began_at = time.perf_counter()
    post_lines(map(encoded_line, range(count)))
    return {
        "until_closed_s": time.perf_counter() - began_at,
        "cpu_per_call_us": time.process_time() / count * 1e6,
    }


def encoded_line(number):
    """An event as json encodes it, which is what a reporter has to do at least."""
    import json

    event = {
        "event_id": f"00000000-0000-4000-8000-{number:012x}",
        "schema_version": "1.1",
        "event_type": "job_epoch",
        "timestamp": "2026-01-01T00:00:00.000000Z",
        "batch_id": "bench",
        "job_id": "j1",
        "source": {"project": "bench", "host": "h", "user": "u"},
        "data": {"epoch": number, **FIELDS},
    }
    return json.dumps(event, separators=(",", ":")).encode()


def post_lines(lines):
    """The least that delivery can cost: 500 lines a request, and a look at the status alone."""
    from http.client import HTTPConnection
    from itertools import islice

    connection = HTTPConnection(os.environ["ARGUS_URL"].rpartition("/")[2])
    lines = iter(lines)
    while batch := list(islice(lines, 500)):
        body = b'{"events":[%b]}' % b",".join(batch)
        connection.request("POST", "/api/events/batch", body)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise OSError(f"the platform answers {answer.status}")
    connection.close()


def training(impl, rounds=60, block_s=1.2, batch=256, width=1024):
    """Steps of a small network: with a call each, without one, and without one again."""
    torch = module("torch")

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(256, width),
        torch.nn.ReLU(),
        torch.nn.Linear(width, width),
        torch.nn.ReLU(),
        torch.nn.Linear(width, 10),
    ).to(device)
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-3)
    inputs = torch.randn(batch, 256, device=device)
    wanted = torch.randint(0, 10, (batch,), device=device)
    call, close = IMPLEMENTATIONS[impl](daemons=1)

    def block(report, steps):
        began_at = time.perf_counter()
        for i in range(steps):
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(inputs), wanted)
            loss.backward()
            optimiser.step()
            train_loss = loss.item()  # in all of them: who reports a loss has it on the host
            if report:
                call(i, train_loss=train_loss, lr=1e-3)
        return (time.perf_counter() - began_at) / steps * 1e3

    sides = {"with_ms": True, "without_ms": False, "again_ms": False}
    names = list(sides)
    seen: dict[str, list[float]] = {name: [] for name in names}
    for report in sides.values():  # until it runs evenly
        steps = max(1, round(block_s * 1e3 / block(report, 10)))
    for number in range(rounds):
        turn = number % len(names)  # so that none always follows the same one
        for name in names[turn:] + names[:turn]:
            seen[name].append(block(sides[name], steps))
    close()
    return {"device": device, **{name: median(values) for name, values in seen.items()}}


# How it is measured.


def timed(call, first, count, pause_s=0.0):
    """Nanoseconds of each call. The clock's own 50 ns or so are in all of them, on every side."""
    now, sleep, spent = time.perf_counter_ns, time.sleep, array("q", bytes(8 * count))
    for i in range(count):
        before = now()
        call(first + i, train_loss=0.5, val_loss=0.6, lr=1e-4)
        spent[i] = now() - before
        if pause_s:
            sleep(pause_s)
    return spent


def spread(nanoseconds):
    ordered = sorted(nanoseconds)

    def quantile(part):
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] / 1e3

    return {
        "p50_us": quantile(0.5),
        "p99_us": quantile(0.99),
        "p999_us": quantile(0.999),
        "max_us": ordered[-1] / 1e3,
    }


def median(values):
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def cpu_s():
    """CPU of this process since it began, and of the helpers that it has waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def resident_bytes():
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_resident_bytes():
    """Not `ru_maxrss`: that counts what this process was a copy of before it was this program."""
    with open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status does not tell the peak")


def stall_journal(seconds):
    """A disk that blocks: every write to an event file waits, in whichever thread it is made."""
    import threading

    opened, wrote, never = os.open, os.write, threading.Event()
    stalled: set[int] = set()

    def open_(path, *args, **kwargs):
        fd = opened(path, *args, **kwargs)
        (stalled.add if str(path).endswith("events.jsonl") else stalled.discard)(fd)
        return fd

    def write(fd, data):
        if fd in stalled:
            never.wait(seconds)
        return wrote(fd, data)

    os.open, os.write = open_, write


TASKS = (peers, calls, opening, memory, snapshot, idle, late, replay, throughput, training)


def value(text):
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def main():
    impl, task, *options = sys.argv[1:]
    given = {name: value(text) for name, _, text in (word.partition("=") for word in options)}
    figures = {each.__name__: each for each in TASKS}[task](impl, **given)
    import json

    print("\n" + json.dumps(figures), flush=True)


if __name__ == "__main__":
    del sys.path[0]  # the modules beside this file: what is measured must not find them
    main()
