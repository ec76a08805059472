"""Runs `graph-runner bench` and the PyTorch peers in turn, each time in a fresh process, and prints a Markdown table.

A cell is the median over the rounds; a ratio is the median of the rounds' ratios, since what slows a whole round down
slows both sides of it. Times come from the programs, peak memory and the load of others are measured here, in the
same way for every program. Standard library only.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUN_PEER = HERE / "peers" / "run.sh"
MODELS = {  # graph -> batch, steps, has images or maps (a peer then runs in both memory layouts)
    "vae-mlp": (128, 300, False),
    "vae-conv": (128, 60, True),
    "beta-vae-64": (64, 40, True),
    "delta-vae": (64, 40, True),
    "vae-gan-64": (64, 2, True),
    "vq-vae-128": (32, 5, True),
    "vq-vae-2-256": (8, 3, True),
    "vq-vae-audio": (4, 4, False),
    "pixelcnn-prior-32": (16, 2, True),
}
SAMPLED = {"pixelcnn-prior-32": (4, 15), "vq-vae-audio": (1, 0)}  # graph -> samples, positions of a peer; 0: none
PEERS = ("1.13", "2.6")
OURS = "graph-runner"
QUIET = 0.2  # cores that others may use in a round that counts
ATTEMPTS = 4  # a run that was not quiet is repeated; the quietest one counts
GEMM = 2048


class Failed(Exception):
    pass


def warn(text):
    print(f"compare: WARNING: {text}", file=sys.stderr, flush=True)


def busy_seconds():
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def run(command, threads):
    """The JSON that a command prints, with its peak memory and the cores that others used meanwhile."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start, busy = time.monotonic(), busy_seconds()
        child = subprocess.Popen([str(part) for part in command], stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                                 env={**os.environ, "OMP_NUM_THREADS": str(threads)})
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        others = busy_seconds() - busy - usage.ru_utime - usage.ru_stime
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text, problem = out.read(), err.read().strip()
    if child.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit {child.returncode}: {problem[-500:]}")
    try:
        result = json.loads(text)
    except ValueError:
        raise Failed(f"{' '.join(map(str, command))}: prints no JSON: {text[:200]!r}") from None
    result["rss_mib"] = usage.ru_maxrss / 1024
    result["others"] = max(0.0, others / wall)
    return result


def commands_of(model, options, peers, have_runner, threads):
    """{(program, setting): command}; with --precision bf16 a peer is run in both precisions, and its faster one counts."""
    batch, steps, images = MODELS[model]
    steps = options.steps or steps
    graph = HERE / "graphs" / f"{model}.yaml"
    commands = {}
    if have_runner and not graph.exists():
        warn(f"{graph} does not exist: {model} without {OURS}")
    elif have_runner:
        commands[OURS, ""] = [os.environ["GRAPH_RUNNER"], "bench", graph, "--batch", batch, "--steps", steps,
                              "--threads", threads, "--precision", options.precision, "--json"]
    for peer in peers:
        for layout in ("default", "channels last") if images else ("default",):
            command = [RUN_PEER, peer, "--model", model, "--batch", batch, "--steps", steps]
            command += ["--threads", threads]
            command += ["--channels-last"] if layout == "channels last" else []
            commands[peer, layout] = command
            if options.precision == "bf16":
                commands[peer, layout + ", bf16"] = command + ["--bf16"]
    return commands


def is_quiet(result):
    return result["others"] <= QUIET


def quietest_run(command, threads, name, figure):
    """The result of the first quiet run, or of the quietest of ATTEMPTS; figure(result) is what is said of it."""
    quietest = None
    for _ in range(ATTEMPTS):
        result = run(command, threads)
        print(f"compare: {name}: {figure(result)}, others {result['others']:.2f} cores", file=sys.stderr, flush=True)
        quietest = min(quietest or result, result, key=lambda one: one["others"])
        if is_quiet(result):
            break
    return quietest


def own_peak(runner, threads):
    """oneDNN's own product, one at a time on each thread; None where gemm-peak is not built."""
    program = Path(runner).parent / "gemm-peak"
    if not os.access(program, os.X_OK):
        warn(f"no {program}: ninja gemm-peak builds it; the table has no share of the peak")
        return None
    result = quietest_run([program, threads, GEMM], threads, "oneDNN",
                          lambda one: f"{GEMM}x{GEMM} GEMM at {one['gflops']} GFLOP/s")
    if not is_quiet(result):
        warn("the GEMM peak was measured while others used the machine; it is too low")
    return result


def peer_starts(peer, threads):
    """Throws Failed where it is not installed; it also reads the peer's files into the page cache."""
    run([RUN_PEER, peer, "--gemm", GEMM, "--steps", 20, "--threads", threads], threads)


def normalised(program, result):
    if program == OURS:
        return {"ms": result["ms_per_step"]["median"], "samples_per_s": result["samples_per_s"],
                "parameters": result.get("parameters"), "gflop": result["gflop_per_step"]}
    return {"ms": result["ms_median"], "samples_per_s": result["samples_per_s"], "parameters": result["parameters"]}


def check_parameters(model, runs):
    counts = {program: run["parameters"] for (program, _), run in runs.items() if run.get("parameters")}
    if len(set(counts.values())) > 1:
        sys.exit(f"compare: {model}: the parameter counts differ, these are not the same model: {counts}")


def measure(model, commands, options):
    """[{(program, layout): run}], a round each; the order turns, so that nobody always comes first."""
    rounds = []
    for number in range(options.rounds):
        order = list(commands)
        order = order[number % len(order):] + order[:number % len(order)]
        runs = {}
        for key in order:
            name = f"{model} round {number + 1}/{options.rounds}: {' '.join(key).strip()}"
            result = quietest_run(commands[key], options.threads, name,
                                  lambda one, program=key[0]: f"{normalised(program, one)['ms']:.2f} ms")
            runs[key] = {**normalised(key[0], result), "rss_mib": result["rss_mib"], "others": result["others"]}
        check_parameters(model, runs)
        rounds.append(runs)
    return rounds


def quiet_rounds(model, rounds):
    quiet = [r for r in rounds if all(is_quiet(run) for run in r.values())]
    if 2 * len(quiet) > len(rounds):
        return quiet, f"{len(quiet)} of {len(rounds)}"
    warn(f"{model}: only {len(quiet)} of {len(rounds)} rounds were quiet; all of them count, do not trust the times")
    return rounds, f"**{len(quiet)} of {len(rounds)}: NOT QUIET**"


def median(rounds, key, field):
    return statistics.median(r[key][field] for r in rounds)


def table(results, peers, peak):
    best = {}  # (model, peer) -> its fastest layout
    lines = [["model", "batch", "program", "ms/step", "ratio", "samples/s", "peak MiB", "memory", "GFLOP/s",
              "of GEMM peak", "quiet rounds"]]
    verdicts = []
    for model, (rounds, note) in results.items():
        ours = (OURS, "") if (OURS, "") in rounds[0] else None
        gflop = median(rounds, ours, "gflop") if ours else None
        rows = [ours] if ours else []
        for peer in peers:
            layouts = [key for key in rounds[0] if key[0] == peer]
            best[model, peer] = min(layouts, key=lambda key: median(rounds, key, "ms"))
            rows.append(best[model, peer])
        for key in rows:
            ms, rss = median(rounds, key, "ms"), median(rounds, key, "rss_mib")
            ratio = memory = rate = share = "-"
            if ours and key != ours:
                speed = statistics.median(r[key]["ms"] / r[ours]["ms"] for r in rounds)
                space = median(rounds, ours, "rss_mib") / rss
                ratio, memory = f"**{speed:.2f}x**", f"{space:.2f}"
                verdicts.append((model, key[0], speed, space))
            if gflop:
                rate = f"{1e3 * gflop / ms:.0f}"
                share = f"{100e3 * gflop / ms / peak:.0f} %" if peak else "-"
            name = OURS if key == ours else f"PyTorch {key[0]}, {key[1]}"
            lines.append([model, str(MODELS[model][0]), name, f"{ms:.2f}", ratio,
                          f"{median(rounds, key, 'samples_per_s'):.0f}", f"{rss:.0f}", memory, rate, share, note])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines]
    return text, verdicts


def cpu_name():
    """Name, family and model: a name alone often does not tell the generation."""
    fields = {}
    with open("/proc/cpuinfo") as file:
        for line in file:
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    if "model name" not in fields:
        return platform.machine()
    return f"{fields['model name']}, family {fields.get('cpu family', '?')}, model {fields.get('model', '?')}"


def scaling(options):
    """Ours with 1, 2, 4, ... threads; a round is one run of each."""
    counts = [1 << i for i in range(10) if 1 << i <= os.cpu_count()]
    print(f"{cpu_name()}, {options.precision}; milliseconds a step by threads, and how many times as fast as with one; "
          f"median of the quiet rounds.\n")
    print("| model | " + " | ".join(map(str, counts)) + " | quiet rounds |\n| --- |" + " --- |" * (len(counts) + 1))
    for model in options.models:
        commands = {threads: commands_of(model, options, [], True, threads)[OURS, ""] for threads in counts}
        rounds = [{threads: step_of_ours(command, threads, f"{model}, {threads} threads, round {number + 1}")
                   for threads, command in commands.items()} for number in range(options.rounds)]
        rounds, note = quiet_rounds(model, rounds)
        cells = [f"{median(rounds, n, 'ms'):.2f}" +
                 (f" ({statistics.median(r[1]['ms'] / r[n]['ms'] for r in rounds):.2f}x)" if n > 1 else "")
                 for n in counts]
        print(f"| {model} | " + " | ".join(cells) + f" | {note} |", flush=True)


def step_of_ours(command, threads, name):
    result = quietest_run(command, threads, name, lambda one: f"{normalised(OURS, one)['ms']:.2f} ms")
    return {**normalised(OURS, result), "others": result["others"]}


def sampling(options, peers):
    """Ancestral sampling: a position of ours, and a full forward pass, which is what PyTorch does for a position."""
    lines = ["| model | samples | program | ms/position | ratio | positions/s |", "| --- | --- | --- | --- | --- | --- |"]
    for model, (count, peer_steps) in SAMPLED.items():
        ours = [run_ours(["bench", HERE / "graphs" / f"{model}.yaml", "--sample", "--count", count, "--steps", 3,
                         "--threads", options.threads, "--json"], options.threads) for _ in range(options.rounds)]
        ms = statistics.median(result["ms_per_position"] for result in ours)
        lines.append(f"| {model} | {count} | {OURS} | {ms:.4f} | | {1e3 * count / ms:.0f} |")
        for peer in peers if peer_steps else ():
            runs = [run([RUN_PEER, peer, "--model", model, "--sample", "--batch", count, "--steps", peer_steps,
                         "--threads", options.threads], options.threads) for _ in range(options.rounds)]
            theirs = statistics.median(result["ms_per_position"] for result in runs)
            lines.append(f"| {model} | {count} | PyTorch {peer}, a full forward | {theirs:.1f} | **{theirs / ms:.0f}x** "
                         f"| {1e3 * count / theirs:.1f} |")
    print("\n".join(lines))


def run_ours(arguments, threads):
    return run([os.environ["GRAPH_RUNNER"], *arguments], threads)


def main():
    parser = argparse.ArgumentParser(prog="compare.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="timed steps of a process (default: by model)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32",
                        help="of graph-runner; bf16: the peers are run in f32 and with bf16 autocast")
    parser.add_argument("--raw", type=Path, help="also write every run as JSON")
    parser.add_argument("--require", type=float, metavar="RATIO", help="fail unless this much faster than every peer")
    parser.add_argument("--require-memory", type=float, metavar="SHARE",
                        help="fail unless peak memory is at most this share of every peer's")
    parser.add_argument("--sampling", action="store_true", help="ancestral sampling in place of training steps")
    parser.add_argument("--scaling", action="store_true",
                        help="graph-runner alone, with 1, 2, 4, ... threads up to the cores")
    options = parser.parse_args()

    runner = os.environ.get("GRAPH_RUNNER", "")
    have_runner = os.access(runner, os.X_OK)
    if not have_runner:
        warn(f"no {OURS} at {runner!r} (set GRAPH_RUNNER): only the peers are measured")
    if options.scaling:
        return scaling(options) if have_runner else sys.exit("compare: nothing to measure")
    peers = []
    for peer in PEERS:
        try:
            peer_starts(peer, options.threads)
            peers.append(peer)
        except Failed as failure:
            warn(f"PyTorch {peer} is left out: {failure}")
    if not peers and not have_runner:
        sys.exit("compare: nothing to measure")

    if options.sampling:
        return sampling(options, peers)
    peak = own_peak(runner, options.threads) if have_runner else None
    results, raw, failed = {}, {}, False
    for model in options.models:
        try:
            commands = commands_of(model, options, peers, have_runner, options.threads)
            rounds = measure(model, commands, options) if commands else []
        except Failed as failure:
            warn(f"{model} is left out: {failure}")
            failed = True
            continue
        if rounds:
            raw[model] = [{" ".join(key).strip(): run for key, run in r.items()} for r in rounds]
            results[model] = quiet_rounds(model, rounds)

    lines, verdicts = table(results, peers, peak and peak["gflops"])
    computed_by = f"; {peak['computed_by']}" if peak else ""
    print(f"{cpu_name()}{computed_by}, {options.threads} threads, {options.precision}; median of the quiet rounds, "
          f"each run a fresh process, the programs in turn.\n")
    print("\n".join(lines))
    print("\nratio: the peer's time over ours; memory: our peak resident memory over the peer's.\n"
          "A peer's row is its fastest setting: memory layout, and precision.\n"
          "GFLOP/s: the arithmetic counted from the shapes (the same count for every program) over the time.")
    if peak:
        print(f"GEMM peak: {peak['gflops']:.0f} GFLOP/s, oneDNN's own f32 {GEMM}x{GEMM}x{GEMM} product, one a thread.")
    print(f"A round is quiet when other processes used at most {QUIET} cores during each of its runs;\n"
          f"a run that was not quiet is repeated up to {ATTEMPTS - 1} times, the quietest counts.")
    if options.raw:
        options.raw.write_text(json.dumps({"cpu": cpu_name(), "threads": options.threads,
                                           "gemm_gflops": peak and peak["gflops"], "precision": options.precision,
                                           "rounds": raw}, indent=1) + "\n")
    for model in options.models if options.require or options.require_memory else []:
        if model not in {verdict[0] for verdict in verdicts}:
            print(f"compare: FAILED: {model} was not compared", file=sys.stderr)
            failed = True
    for model, peer, speed, space in verdicts:
        if options.require and speed < options.require:
            print(f"compare: FAILED: {model}: {speed:.2f}x PyTorch {peer}, required {options.require}x",
                  file=sys.stderr)
            failed = True
        if options.require_memory and space > options.require_memory:
            print(f"compare: FAILED: {model}: {space:.2f} of PyTorch {peer}'s memory, allowed {options.require_memory}",
                  file=sys.stderr)
            failed = True
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
