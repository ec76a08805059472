#!/usr/bin/python3
"""The measurement of README.md: a plane hidden among outliers, and how far a trained run's plane is from it.

    measure.py make FILE.npy [SHARE]   10,000 draws of a Gaussian whose first 3 of 8 directions matter; SHARE (0.01) of all
                                       values gets noise of standard deviation 10 on top
    measure.py angle RUN               the largest angle between the columns of the decoder and the true plane, degrees
"""
import json
import struct
import sys
from pathlib import Path

import numpy as np

EIGENVALUES = np.array([4, 2, 1, 0.04, 0.04, 0.04, 0.04, 0.04])
ROTATION = np.linalg.qr(np.random.RandomState(3).standard_normal((8, 8)))[0]


def make(path, share):
    random = np.random.RandomState(4)
    x = random.standard_normal((10000, 8)) * np.sqrt(EIGENVALUES) @ ROTATION.T
    x += (random.uniform(size=x.shape) < share) * 10 * random.standard_normal(x.shape)
    np.save(path, x.astype(np.float32))


def weights(run, name):
    """The newest checkpoint's tensor: 8 bytes of length, a JSON header, the values."""
    data = sorted(Path(run, "checkpoints").glob("step-*.safetensors"))[-1].read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    entry = json.loads(data[8:8 + length])[name]
    begin, end = entry["data_offsets"]
    return np.frombuffer(data[8 + length + begin:8 + length + end], np.float32).reshape(entry["shape"])


def angle(run):
    plane = np.linalg.qr(weights(run, "mean.weight").astype(np.float64))[0]
    cosines = np.linalg.svd(plane.T @ ROTATION[:, :3], compute_uv=False)
    return np.degrees(np.arccos(min(1.0, cosines.min())))


if sys.argv[1] == "make":
    make(sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 0.01)
else:
    print(f"{angle(sys.argv[2]):.2f} degrees")
