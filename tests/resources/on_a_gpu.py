"""On a machine with an NVIDIA GPU: does our probe say what the others say?

`python -m tests.resources.on_a_gpu` prints one JSON object and exits with 1 where a value differs by
more than is allowed, or the probe says nothing. It needs this checkout alone; pynvml, nvidia-smi
and torch are asked where they are there, and memory is taken through libcuda where torch is not.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Callable, Optional

from argus.resources.nvidia import NvidiaGpus
from argus.resources.nvml import LIBRARIES, Nvml
from argus.resources.process_tree import ProcessTree
from argus.resources.sampler import Sampler

ROUNDS = 7
BUSY_PCT = 20
ALLOCATED_MB = 2048
MOST_OF_A_CONTEXT_MB = 2048  # what CUDA itself takes, with the libraries that torch loads

# Our key, what may differ as a share, and what may differ in any case: the others are asked a
# moment later, and each of them keeps values for up to a second.
ALLOWED = {
    "util_pct": (0.10, 25.0),
    "mem_mb": (0.03, 64.0),
    "mem_total_mb": (0.01, 1.0),
    "temp_c": (0.05, 3.0),
    "power_w": (0.15, 40.0),
    "power_limit_w": (0.02, 1.0),
    "clock_sm_mhz": (0.10, 60.0),
    "clock_mem_mhz": (0.05, 30.0),
    "ecc_corrected": (0.0, 0.0),
    "ecc_uncorrected": (0.0, 0.0),
}
SMI_FIELDS = {
    "util_pct": "utilization.gpu",
    "mem_mb": "memory.used",
    "mem_total_mb": "memory.total",
    "temp_c": "temperature.gpu",
    "power_w": "power.draw",
    "power_limit_w": "enforced.power.limit",
    "clock_sm_mhz": "clocks.sm",
    "clock_mem_mhz": "clocks.mem",
    "ecc_corrected": "ecc.errors.corrected.volatile.total",
    "ecc_uncorrected": "ecc.errors.uncorrected.volatile.total",
}

Gpus = dict[str, dict[str, Any]]  # by UUID


class Load:
    """Memory taken on the first visible GPU, and a thread that keeps it at work until `close`."""

    def __init__(self) -> None:
        self.source = "nothing"
        self.error: Optional[str] = None
        self.taken = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.taken.wait(120.0)

    def close(self) -> None:
        self._over.set()
        self._thread.join(20.0)

    def _run(self) -> None:
        try:
            try:
                work = self._with_torch()
            except ImportError:
                work = self._with_libcuda()
            work()
            self.taken.set()
            while not self._over.is_set():
                work()
        except Exception as error:
            self.error = repr(error)
        finally:
            self.taken.set()

    def _with_torch(self) -> Callable[[], None]:
        import torch  # type: ignore[import-not-found, unused-ignore]

        if not torch.cuda.is_available():
            raise ImportError("torch without CUDA")
        held = torch.ones(ALLOCATED_MB * 2**18, dtype=torch.float32, device="cuda:0")

        def work() -> None:
            held.mul_(1.0)
            torch.cuda.synchronize()

        self.source = f"torch {torch.__version__}"
        return work

    def _with_libcuda(self) -> Callable[[], None]:
        cuda = ctypes.CDLL("libcuda.so.1")

        def must(code: int) -> None:
            if code:
                raise OSError(f"CUDA error {code}")

        device, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
        must(cuda.cuInit(0))
        must(cuda.cuDeviceGet(ctypes.byref(device), 0))
        must(cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device))
        must(cuda.cuCtxSetCurrent(context))
        must(cuda.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(ALLOCATED_MB * 2**20)))

        def work() -> None:
            words = ctypes.c_size_t(ALLOCATED_MB * 2**18)
            for _ in range(20):
                must(cuda.cuMemsetD32_v2(memory, ctypes.c_uint(7), words))
            must(cuda.cuCtxSynchronize())

        self.source = "libcuda"
        return work


def ours(probe: NvidiaGpus) -> Gpus:
    return {gpu["uuid"]: gpu for gpu in probe.read(time.monotonic()).get("gpus", ())}


def by_nvidia_smi() -> Gpus:
    query = ",".join(["uuid", "name", *SMI_FIELDS.values()])
    command = ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    gpus: Gpus = {}
    for line in told.strip().splitlines():
        uuid, name, *values = (part.strip() for part in line.split(","))
        known = {key: number(value) for key, value in zip(SMI_FIELDS, values)}
        gpus[uuid] = {"name": name, **{k: v for k, v in known.items() if v is not None}}
    return gpus


def number(text: str) -> Optional[float]:
    try:
        return float(text)
    except ValueError:
        return None  # [N/A]


def by_pynvml() -> Gpus:
    import pynvml  # type: ignore[import-not-found, import-untyped, unused-ignore]

    pynvml.nvmlInit()
    gpus: Gpus = {}
    for index in range(pynvml.nvmlDeviceGetCount()):
        device = pynvml.nvmlDeviceGetHandleByIndex(index)
        known = {}
        for key, ask in questions(pynvml, device).items():
            try:
                known[key] = ask()
            except pynvml.NVMLError:
                continue  # not supported here: nothing to compare with
        gpus[text(pynvml.nvmlDeviceGetUUID(device))] = known
    return gpus


def questions(pynvml: Any, device: Any) -> dict[str, Callable[[], Any]]:
    def memory() -> Any:
        return pynvml.nvmlDeviceGetMemoryInfo(device, version=pynvml.nvmlMemory_v2)

    return {
        "name": lambda: text(pynvml.nvmlDeviceGetName(device)),
        "util_pct": lambda: pynvml.nvmlDeviceGetUtilizationRates(device).gpu,
        "mem_mb": lambda: memory().used / 2**20,
        "mem_total_mb": lambda: memory().total / 2**20,
        "temp_c": lambda: pynvml.nvmlDeviceGetTemperature(device, 0),
        "power_w": lambda: pynvml.nvmlDeviceGetPowerUsage(device) / 1000,
        "power_limit_w": lambda: pynvml.nvmlDeviceGetEnforcedPowerLimit(device) / 1000,
        "clock_sm_mhz": lambda: pynvml.nvmlDeviceGetClockInfo(device, 1),
        "clock_mem_mhz": lambda: pynvml.nvmlDeviceGetClockInfo(device, 2),
        "ecc_corrected": lambda: pynvml.nvmlDeviceGetTotalEccErrors(device, 0, 0),
        "ecc_uncorrected": lambda: pynvml.nvmlDeviceGetTotalEccErrors(device, 1, 0),
    }


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def medians(rounds: list[Gpus]) -> Gpus:
    joined: Gpus = {}
    for gpus in rounds:
        for uuid, gpu in gpus.items():
            for key, value in gpu.items():
                joined.setdefault(uuid, {}).setdefault(key, []).append(value)
    return {
        uuid: {
            key: statistics.median(v) if isinstance(v[0], (int, float)) else v[-1]
            for key, v in gpu.items()
        }
        for uuid, gpu in joined.items()
    }


def once_busy(probe: NvidiaGpus) -> dict[str, Any]:
    """A reading under load: utilisation is that of the last second, which may have begun idle."""
    for _ in range(50):
        data = dict(probe.read(time.monotonic()))
        if (data.get("gpu_util_pct") or 0) >= BUSY_PCT:
            break
        threading.Event().wait(0.1)
    return data


def compared(mine: Gpus, theirs: Gpus, whose: str, failures: list[str]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for uuid, gpu in mine.items():
        other = theirs.get(uuid)
        if other is None:
            failures.append(f"{whose} knows no {uuid}")
            continue
        if gpu.get("name") != other.get("name"):
            failures.append(f"{whose} calls {uuid} {other.get('name')}, we {gpu.get('name')}")
        for key, (share, least) in ALLOWED.items():
            if other.get(key) is None:
                continue
            if gpu.get(key) is None:
                failures.append(f"{whose} knows {key} of {uuid}, we do not")
                continue
            apart = abs(gpu[key] - other[key])
            table[f"{uuid} {key}"] = {
                "ours": gpu[key],
                whose: other[key],
                "relative": round(apart / max(abs(other[key]), 1e-9), 4) if apart else 0.0,
            }
            if apart > max(least, share * abs(other[key])):
                failures.append(f"{key} of {uuid}: ours {gpu[key]}, {whose} {other[key]}")
    return table


def costs(probe: NvidiaGpus) -> dict[str, float]:
    cpu, wall = [], []
    for _ in range(200):
        cpu_before, before = time.thread_time(), time.perf_counter()
        probe.read(time.monotonic())
        cpu.append(time.thread_time() - cpu_before)
        wall.append(time.perf_counter() - before)
    return {
        "cpu_us_median": round(statistics.median(cpu) * 1e6, 1),
        "cpu_us_max": round(max(cpu) * 1e6, 1),
        "wall_us_median": round(statistics.median(wall) * 1e6, 1),
        "wall_us_max": round(max(wall) * 1e6, 1),
    }


def processes(load: Load, failures: list[str], own_mb: Optional[float]) -> dict[str, Any]:
    """What the driver lists, so that a container's numbering can be seen; and our share of it."""
    nvml = Nvml(LIBRARIES)
    namespace = os.readlink("/proc/self/ns/pid") if os.path.exists("/proc/self/ns/pid") else None
    status = Path("/proc/self/status").read_text()
    listed: dict[str, Any] = {}
    for index in range(nvml.device_count()):
        device = nvml.device(index)
        found = None if device is None else nvml.process_bytes(device)
        listed[str(index)] = found and {
            pid: {"mb": used and used / 2**20, "in_proc": os.path.exists(f"/proc/{pid}")}
            for pid, used in found.items()
        }
    in_list = any(os.getpid() in (nvml_pids or {}) for nvml_pids in listed.values())
    if load.error is None and own_mb is None and in_list:
        failures.append("the driver lists this process, and proc_gpu_mem_mb is left out")
    if own_mb is not None and load.error is None:
        most_mb = ALLOCATED_MB + MOST_OF_A_CONTEXT_MB
        if not ALLOCATED_MB <= own_mb <= most_mb:
            failures.append(f"proc_gpu_mem_mb is {own_mb}, expected {ALLOCATED_MB} to {most_mb}")
    return {
        "own_pid": os.getpid(),
        "pid_namespace": namespace,
        "nspid": [line for line in status.splitlines() if line.startswith("NSpid")],
        "listed_by_device": listed,
        "proc_gpu_mem_mb": own_mb,
        "left_out": own_mb is None,
    }


def real_tree() -> ProcessTree:
    ticks_per_s, page_bytes = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    return ProcessTree(Path("/proc"), ticks_per_s, page_bytes, time.thread_time)


def of_the_child(probe: NvidiaGpus, tree: ProcessTree, failures: list[str]) -> dict[str, Any]:
    """A worker takes memory of its own: it counts as soon as the tree is looked at again."""
    before_mb = probe.read(time.monotonic()).get("proc_gpu_mem_mb")
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.resources.on_a_gpu", "--hold"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said = child.stdout.readline().strip()
    tree.read(time.monotonic())
    if child.pid not in tree.pids():
        failures.append(f"the worker {child.pid} is not of the tree {sorted(tree.pids())}")
    after_mb = probe.read(time.monotonic()).get("proc_gpu_mem_mb")
    child.communicate(timeout=60)
    taken_mb = None if before_mb is None or after_mb is None else after_mb - before_mb
    if said == "taken" and taken_mb is not None and taken_mb < ALLOCATED_MB:
        failures.append(f"a worker took {ALLOCATED_MB} MB: {before_mb} before, {after_mb} then")
    return {"pid": child.pid, "said": said, "before_mb": before_mb, "after_mb": after_mb}


def snapshot(failures: list[str]) -> dict[str, Any]:
    """What a run would report of this machine, with the thread that a driver is asked in."""
    told: list[str] = []
    sampler = Sampler.for_this_platform(Path("."), told.append, lambda: Path("/tmp"))
    sampler.sample(time.monotonic())
    cpu_before_s = time.process_time()
    data = sampler.sample(time.monotonic())
    cpu_s = time.process_time() - cpu_before_s
    if not data.get("gpus"):
        failures.append("a snapshot of this machine has no gpus")
    failures += told
    return {"told": told, "data": data, "cpu_us_with_the_load": round(cpu_s * 1e6)}


def hold() -> int:
    load = Load()
    print(load.error or "taken", flush=True)
    sys.stdin.read()
    load.close()
    return 0


def examined(report: dict[str, Any], failures: list[str]) -> None:
    report["python"] = platform.python_version()
    report["kernel"] = platform.release()
    report["visible"] = {k: v for k, v in os.environ.items() if "VISIBLE_DEVICES" in k}
    report["dev"] = sorted(str(path) for path in Path("/dev").glob("nvidia*"))
    report["driver_in_proc"] = os.path.exists("/proc/driver/nvidia/version")
    tree = real_tree()
    tree.read(time.monotonic())
    probe = NvidiaGpus(LIBRARIES, os.environ, "/proc", tree.pids)
    began, cpu_began = time.perf_counter(), time.thread_time()
    report["first_read"] = probe.read(time.monotonic())
    report["first_read_ms"] = round((time.perf_counter() - began) * 1e3, 1)
    report["first_read_cpu_ms"] = round((time.thread_time() - cpu_began) * 1e3, 1)
    if not report["first_read"]:
        failures.append(f"the probe says nothing; LD_LIBRARY_PATH={os.getenv('LD_LIBRARY_PATH')}")
        return
    report["costs_idle"] = costs(probe)
    load = Load()
    report["load"] = {"source": load.source, "allocated_mb": ALLOCATED_MB, "error": load.error}
    sources: dict[str, Callable[[], Gpus]] = {"nvidia-smi": by_nvidia_smi, "pynvml": by_pynvml}
    for name, ask in list(sources.items()):
        try:
            ask()
        except Exception as error:
            del sources[name]
            report[f"against {name}"] = f"not asked: {error!r}"
    once_busy(probe)
    rounds: dict[str, list[Gpus]] = {"ours": [], **{name: [] for name in sources}}
    for _ in range(ROUNDS):
        for name, ask in sources.items():
            rounds["ours"].append(ours(probe))  # around each of the others
            rounds[name].append(ask())
        rounds["ours"].append(ours(probe))
    report["under_load"] = once_busy(probe)
    mine = medians(rounds["ours"])
    for name in sources:
        report[f"against {name}"] = compared(mine, medians(rounds[name]), name, failures)
    own_mb = report["under_load"].get("proc_gpu_mem_mb")
    report["processes"] = processes(load, failures, own_mb)
    if load.error is None and (report["under_load"].get("gpu_util_pct") or 0) < BUSY_PCT:
        failures.append(f"busy, and gpu_util_pct is {report['under_load'].get('gpu_util_pct')}")
    report["costs_busy"] = costs(probe)
    report["child"] = of_the_child(probe, tree, failures)
    report["snapshot"] = snapshot(failures)
    load.close()


def main() -> int:
    failures: list[str] = []
    report: dict[str, Any] = {}
    try:
        examined(report, failures)
    except Exception:
        failures.append(traceback.format_exc())
    report["failures"] = failures
    print(json.dumps(report, indent=1, default=str))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(hold() if "--hold" in sys.argv else main())
