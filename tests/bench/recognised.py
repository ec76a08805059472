#!/usr/bin/env python3
"""recognised.py CLASSIFIER PICTURES.npy...: what a classifier that was trained on the data makes of generated pictures.

CLASSIFIER is a run of graphs/classifier.yaml or sprite-classifier.yaml. PICTURES.npy is what graph-runner writes:
  reconstruct --out PAIRS.npy   [n, 2, H, W, C], each held-out picture and its reconstruction: the accuracy on both, and
                                their ratio
  sample --out SAMPLES.npy      [n, H, W, C]: the share of samples whose class has at least the confidence that 95 of 100
                                held-out pictures have (--percentile), and how many there are of each class
GRAPH_RUNNER is the executable (default: build/release/bin/graph-runner). Needs NumPy.
"""
import argparse
import os
import pathlib
import subprocess
import tempfile

import numpy as np

RUNNER = os.environ.get("GRAPH_RUNNER", str(pathlib.Path(__file__).parents[2] / "build/release/bin/graph-runner"))


def encode(classifier, folder, *flags):
    """The logits, and the first column of integers where the data have one: label or factors."""
    out = pathlib.Path(folder) / "logits.npz"
    subprocess.run([RUNNER, "encode", classifier, "--port", "logits", "--out", str(out), *flags], check=True, stdout=subprocess.DEVNULL)
    with np.load(out) as arrays:
        labels = next((arrays[name] for name in ("label", "factors") if name in arrays), None)
        return arrays["logits"], labels if labels is None or labels.ndim == 1 else labels[:, 0]


def logits_of(classifier, folder, pictures):
    path = pathlib.Path(folder) / "pictures.npy"
    np.save(path, np.ascontiguousarray(pictures))
    return encode(classifier, folder, "--data", f"npy:{path},split=all", "--split", "all")[0]


def confidence(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (e / e.sum(axis=-1, keepdims=True)).max(axis=-1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classifier")
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--percentile", type=float, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        held_out, labels = encode(options.classifier, folder, "--count", "2000")
        least = np.percentile(confidence(held_out), options.percentile)
        accuracy = (held_out.argmax(-1) == labels).mean()
        print(f"held-out data: accuracy {accuracy:.4f}; {100 - options.percentile:g} % have a confidence of at least {least:.4f}")
        for path in options.pictures:
            pictures = np.load(path)
            if pictures.ndim == 5:
                count = len(pictures)
                right = [(logits_of(options.classifier, folder, pictures[:, i]).argmax(-1) == labels[:count]).mean() for i in (0, 1)]
                print(f"{path}: accuracy {right[1]:.4f} on {count} reconstructions, {right[0]:.4f} on their originals, ratio {right[1] / right[0]:.3f}")
            else:
                logits = logits_of(options.classifier, folder, pictures)
                share = (confidence(logits) >= least).mean()
                classes = np.bincount(logits.argmax(-1), minlength=logits.shape[-1]).tolist()
                print(f"{path}: {share:.3f} of {len(pictures)} samples are recognised; of each class {classes}")


if __name__ == "__main__":
    main()
