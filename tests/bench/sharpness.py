#!/usr/bin/env python3
"""sharpness.py PAIRS.npy...: how sharp reconstructions are beside their originals.

PAIRS.npy is what  graph-runner reconstruct RUN --out PAIRS.npy  writes: [n, 2, H, W, C], each original and its
reconstruction, in [0, 1]. Two measures, each as the mean over the images and as a ratio to that of the originals:
  gradient   mean length of the difference between neighbouring pixels, right and down, of the grey image
  Laplacian  variance of the image filtered with [0 1 0; 1 -4 1; 0 1 0]
Needs NumPy.
"""
import sys

import numpy as np


def gradient(images):
    right = images[:, :-1, 1:] - images[:, :-1, :-1]
    down = images[:, 1:, :-1] - images[:, :-1, :-1]
    return np.sqrt(right**2 + down**2).mean()


def laplacian(images):
    centre = images[:, 1:-1, 1:-1]
    around = images[:, :-2, 1:-1] + images[:, 2:, 1:-1] + images[:, 1:-1, :-2] + images[:, 1:-1, 2:]
    return (around - 4 * centre).var(axis=(1, 2)).mean()


if len(sys.argv) < 2:
    sys.exit(__doc__)
for path in sys.argv[1:]:
    pairs = np.load(path).mean(axis=-1)
    for name, measure in (("gradient", gradient), ("Laplacian", laplacian)):
        original, reconstruction = measure(pairs[:, 0]), measure(pairs[:, 1])
        print(f"{path}: {name} {reconstruction:.5f} of {original:.5f}: {reconstruction / original:.3f}")
    error = np.square(pairs[:, 0] - pairs[:, 1]).mean()
    print(f"{path}: mean squared error {error:.5f} (grey)")
