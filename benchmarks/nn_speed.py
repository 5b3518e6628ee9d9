"""How long does a training step take, and how much memory, compared with PyTorch on the CPU? Same networks, same batch.

Steps alternate between the two, so that whatever else the machine does falls on both. Memory is the peak of a process
that does nothing else, less what it held before the first step (Linux alone). Run with PyTorch 2.13.0 installed (the
extra `peers`).
"""

from __future__ import annotations

import os
import sys

THREADS = 2
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = str(THREADS)

import subprocess  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
from _common import report, table  # noqa: E402

SIDE, BATCH, ROUNDS = 128, 32, 6
NETWORKS = ("three-block", "two-block")
Job = Callable[[], object]


def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.random((BATCH, SIDE, SIDE, 1), dtype=np.float32), rng.integers(0, 2, BATCH)


def ours(name: str) -> tuple[Job, Job]:
    from ridgefeat.nn import build
    from ridgefeat.nn.optimisers import Adam

    model, optimiser, (x, y) = build(name, seed=1), Adam(), batch()
    return lambda: model.train_step(x, y, optimiser), lambda: model.predict_proba(x)


def torchs(name: str) -> tuple[Job, Job]:
    import torch
    from _torch_copy import loss_of, torch_copy

    from ridgefeat.nn import build

    torch.set_num_threads(THREADS)
    model = build(name, seed=1)
    net = torch_copy(model, plain_flatten=True)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.001)
    x, y = batch()
    x_, y_ = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy(y)

    def step() -> None:
        net.train()
        optimiser.zero_grad()
        loss_of(model, net, net(x_), y_).backward()
        optimiser.step()

    def infer() -> None:
        net.eval()
        with torch.inference_mode():
            torch.softmax(net(x_), 1)

    return step, infer


MAKERS = {"ridgefeat": ours, "PyTorch": torchs}


def measure_memory(which: str, name: str) -> None:
    """Print the growth of the peak in MB over three steps; called in a process of its own."""
    step, _ = MAKERS[which](name)
    # The kernel's mark of the highest resident size, set back to what is resident now.
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    for _ in range(3):
        step()
    print(resident("VmHWM") - before)


def resident(field: str) -> float:
    """Read a size of this process in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def memory(which: str, name: str) -> float:
    command = [sys.executable, __file__, which, name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


Times = dict[str, list[float]]


def alternate(jobs: dict[str, Job]) -> tuple[Times, Times]:
    for job in jobs.values():
        job()
    times: Times = {which: [] for which in jobs}
    cpu: Times = {which: [] for which in jobs}
    for _ in range(ROUNDS):
        for which, job in jobs.items():
            started = time.perf_counter(), time.process_time()
            job()
            times[which].append(time.perf_counter() - started[0])
            cpu[which].append(time.process_time() - started[1])
    return times, cpu


def main() -> None:
    try:
        import torch
    except ImportError as missing:
        raise SystemExit("PyTorch is not installed: pip install torch==2.13.0") from missing
    rows: list[list[object]] = []
    for name in NETWORKS:
        made = {which: make(name) for which, make in MAKERS.items()}
        for k, what in enumerate(("training step", "inference")):
            both = alternate({which: jobs[k] for which, jobs in made.items()})
            for kind, times in zip(("", ", CPU time"), both, strict=True):
                mine, theirs = np.array(times["ridgefeat"]), np.array(times["PyTorch"])
                cells = [f"{np.median(t):.3f} ({t.min():.3f} to {t.max():.3f}) s" for t in (mine, theirs)]
                ratio = f"{np.median(mine / theirs):.2f} ({(mine / theirs).min():.2f} to {(mine / theirs).max():.2f})"
                rows.append([name, what + kind, *cells, ratio])
        del made
        mega = [memory(which, name) for which in MAKERS]
        rows.append([name, "memory of training", *(f"{m:.0f} MB" for m in mega), f"{mega[0] / mega[1]:.2f}"])
    report(
        "nn_speed",
        "nn compared with PyTorch: time and memory",
        [
            f"Batch of {BATCH}, {SIDE} x {SIDE} x 1, float32, {THREADS} threads, PyTorch {torch.__version__} on the "
            f"CPU, Adam. Times: median (lowest to highest) of {ROUNDS} alternate rounds; ratio: ridgefeat by PyTorch, "
            "round by round. CPU time adds both threads and the system's part; it hardly depends on what else the "
            f"machine does (load at the end: {os.getloadavg()[0]:.1f} processes). Memory: growth of the peak over "
            "three steps, in a process of its own.",
            table(["network", "what", "ridgefeat", "PyTorch", "ratio"], rows),
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure_memory(sys.argv[1], sys.argv[2])
    else:
        main()
