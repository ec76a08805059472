#!/usr/bin/env python3
"""accuracy.py GRAPH --data DATA [options]: what algorithms and precisions change of the held-out loss, beside what a seed does.

Trains the graph with each setting and each seed, evaluates the last weights on the test split, and prints the objective of
each run, the mean of each setting, and the spread of the first setting over its seeds. Fails where a mean is further from
that of the first setting than that spread.

    accuracy.py tests/bench/graphs/vae-conv.yaml --data idx:mnist,binarize=fixed --steps 2000 --metric negative_elbo

GRAPH_RUNNER is the executable (default: build/release/bin/graph-runner).
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

RUNNER = os.environ.get("GRAPH_RUNNER", str(pathlib.Path(__file__).parents[2] / "build/release/bin/graph-runner"))
SETTINGS = {"direct": ["--algorithms", "direct"], "transformed": ["--algorithms", "transformed"],
            "bf16": ["--precision", "bf16"]}


def trained(options, setting, seed, folder):
    run = pathlib.Path(folder) / f"{setting}-{seed}"
    changes = [flag for change in options.set for flag in ("--set", change)]
    subprocess.run([RUNNER, "train", options.graph, "--data", options.data, "--steps", str(options.steps), "--seed", str(seed),
                    "--threads", str(options.threads), "--lanes", "1", "--set", "train.eval_every=0", *changes, "--quiet",
                    "--out", str(run), *SETTINGS[setting]], check=True, stdout=subprocess.DEVNULL)
    result = subprocess.run([RUNNER, "eval", str(run), "--newest", "--json", "--threads", str(options.threads)], check=True,
                            stdout=subprocess.PIPE)
    value = json.loads(result.stdout)
    for key in options.metric.split("/"):
        value = value[key]
    print(f"{setting}, seed {seed}: {value:.4f}", flush=True)
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph")
    parser.add_argument("--data", required=True)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--metric", default="negative_elbo", help="a key of eval --json, as in terms/reconstruction")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        values = {setting: [trained(options, setting, seed, folder) for seed in options.seeds] for setting in options.settings}
    first = options.settings[0]
    spread = max(values[first]) - min(values[first])
    print(f"\n| setting | mean of {len(options.seeds)} seeds | difference | spread |\n| --- | --- | --- | --- |")
    failed = []
    for setting, of_seeds in values.items():
        difference = statistics.mean(of_seeds) - statistics.mean(values[first])
        print(f"| {setting} | {statistics.mean(of_seeds):.4f} | {difference:+.4f} | {max(of_seeds) - min(of_seeds):.4f} |")
        if abs(difference) > spread:
            failed.append(setting)
    if failed:
        sys.exit(f"accuracy: further from {first} than its seeds are from each other: {', '.join(failed)}")


if __name__ == "__main__":
    main()
