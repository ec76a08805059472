#!/usr/bin/python3
"""make_functions.py [--to FILE]: writes functions.npz, functions of formulas over their domains, from mpmath (50 digits).

    NAME/x, NAME/y    float32 arguments, and the values there, rounded once
    pow/p             the exponents of pow
Needs mpmath and NumPy.
"""
import argparse
from pathlib import Path

import mpmath
import numpy as np

mpmath.mp.dps = 50
parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--to", type=Path, default=Path(__file__).resolve().parent / "functions.npz")
arguments = parser.parse_args()

wide = np.concatenate([-np.logspace(1.9, -6, 40), [0], np.logspace(-6, 1.9, 40)])
positive = np.logspace(-6, 6, 80)
gamma = np.concatenate([np.logspace(-4, 4, 60), [0.5, 1, 1.0001, 1.4616, 1.9999, 2, 2.0001, 7.999, 8, 8.001],
                        -np.linspace(0.013, 12.3, 50)])
DOMAINS = {
    "exp": (wide, mpmath.exp), "expm1": (wide, mpmath.expm1), "log": (positive, mpmath.log),
    "log1p": (np.concatenate([-np.logspace(-6, -0.01, 30), positive]), mpmath.log1p),
    "sqrt": (positive, mpmath.sqrt), "rsqrt": (positive, lambda x: 1 / mpmath.sqrt(x)),
    "reciprocal": (positive, lambda x: 1 / x),
    "sin": (np.concatenate([wide * 3, [3.14159, 314.159, 30000.5, 123456.7, -1e7]]), mpmath.sin),
    "cos": (np.concatenate([wide * 3, [1.5707, 314.159, 30000.5, 123456.7, -1e7]]), mpmath.cos),
    "tanh": (wide, mpmath.tanh), "sigmoid": (wide, lambda x: 1 / (1 + mpmath.exp(-x))),
    "softplus": (wide, lambda x: mpmath.log1p(mpmath.exp(x))), "erf": (wide, mpmath.erf),
    "lgamma": (gamma, lambda x: mpmath.log(abs(mpmath.gamma(x)))), "digamma": (gamma, lambda x: mpmath.psi(0, x)),
    "trigamma": (gamma, lambda x: mpmath.psi(1, x)), "tetragamma": (gamma, lambda x: mpmath.psi(2, x)),
}
arrays = {}
for name, (points, function) in DOMAINS.items():
    x = points.astype(np.float32)
    arrays[f"{name}/x"] = x
    arrays[f"{name}/y"] = np.array([float(function(mpmath.mpf(float(v)))) for v in x]).astype(np.float32)
pairs = [(x, p) for x in (0.003, 0.5, 0.999, 1.001, 2.5, 40, -0.5, -3) for p in (-7, -2.5, -1, -0.3, 0, 0.3, 1, 2, 3.7, 9)
         if x > 0 or p == int(p)]
arrays["pow/x"] = np.array([x for x, _ in pairs], np.float32)
arrays["pow/p"] = np.array([p for _, p in pairs], np.float32)
arrays["pow/y"] = np.array([float(mpmath.power(mpmath.mpf(float(x)), mpmath.mpf(float(p))))
                            for x, p in zip(arrays["pow/x"], arrays["pow/p"])]).astype(np.float32)
np.savez_compressed(arguments.to, **arrays)
print(f"{arguments.to.name}: {len(arrays)} arrays, {arguments.to.stat().st_size / 1024:.1f} KiB")
