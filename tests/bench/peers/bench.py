#!/usr/bin/python3
"""Times full training steps of one model in PyTorch and prints one JSON object; run.sh sets the environment for it."""
import argparse
import json
import os
import statistics
import time

import torch
from models import MODELS


def busy_seconds():
    """CPU seconds so far of the whole machine and of this process: the difference is what others used."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK"), time.process_time()


def peak_rss_mib():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) / 1024


def seconds_of(function, repeats):
    """The seconds of each call, and how many cores others kept busy meanwhile."""
    seconds = []
    begin, (machine, own) = time.perf_counter(), busy_seconds()
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    machine_end, own_end = busy_seconds()
    others = (machine_end - machine - (own_end - own)) / (time.perf_counter() - begin)
    return seconds, max(0.0, others)


def measure_gemm(options):
    """The machine's GEMM peak: the best of several products of square f32 matrices."""
    a, b, c = (torch.rand(options.gemm, options.gemm) for _ in range(3))

    def product():
        torch.mm(a, b, out=c)

    seconds_of(product, options.warmup)
    seconds, others = seconds_of(product, options.steps)
    return {"gemm": options.gemm, "gflops": round(2e-9 * options.gemm ** 3 / min(seconds), 1),
            "others_cores": round(others, 2)}


def measure_model(options):
    model = MODELS[options.model]().train()
    size = options.batch or model.batch_size
    generator = torch.Generator().manual_seed(2)
    batches = [model.batch(size, generator) for _ in range(4)]
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last)
        if model.images:
            batches = [x.contiguous(memory_format=torch.channels_last) for x in batches]
    loss_of = getattr(model, "loss", None)
    loss_of = torch.compile(loss_of) if options.compile else loss_of
    optimizer = model.optimizer()
    step, loss = 0, 0.0

    def train():
        nonlocal step, loss
        x = batches[step % len(batches)]
        step += 1
        if hasattr(model, "step"):  # several objectives: a step of its own
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.bf16):
                loss = model.step(x).item()
            return
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.bf16):
            total = loss_of(x)
        total.backward()
        optimizer.step()
        loss = total.item()

    seconds_of(train, options.warmup)
    seconds, others = seconds_of(train, options.steps)
    median = statistics.median(seconds)
    return {"model": options.model, "batch": size, "bf16": options.bf16, "channels_last": options.channels_last,
            "compile": options.compile, "parameters": sum(p.numel() for p in model.parameters()),
            "steps": options.steps, "ms_median": round(1e3 * median, 3), "ms_min": round(1e3 * min(seconds), 3),
            "ms_max": round(1e3 * max(seconds), 3), "samples_per_s": round(size / median, 1), "loss": round(loss, 4),
            "peak_rss_mib": round(peak_rss_mib(), 1), "others_cores": round(others, 2)}


def measure_sampling(options):
    """One position of ancestral sampling by a full forward pass."""
    model = MODELS[options.model]().eval()
    size = options.batch or 4
    seconds, others = seconds_of(lambda: model.sample_step(size), options.warmup)
    seconds, others = seconds_of(lambda: model.sample_step(size), options.steps)
    return {"model": options.model, "batch": size, "steps": options.steps,
            "ms_per_position": round(1e3 * statistics.median(seconds), 3), "peak_rss_mib": round(peak_rss_mib(), 1),
            "others_cores": round(others, 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", choices=sorted(MODELS))
    what.add_argument("--gemm", type=int, metavar="N", help="time NxN matrix products instead")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, help="default: the model's")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--bf16", action="store_true", help="autocast of forward and loss")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true", help="torch.compile, PyTorch 2 only")
    parser.add_argument("--sample", action="store_true", help="time a position of ancestral sampling instead of a step")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    result = measure_gemm(options) if options.gemm else (
        measure_sampling(options) if options.sample else measure_model(options))
    print(json.dumps({"torch": torch.__version__, "threads": options.threads, **result}))


if __name__ == "__main__":
    main()
