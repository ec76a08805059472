#!/usr/bin/python3
"""Writes huber_nll.npz: PyTorch's Huber loss, and a normalising constant that mpmath integrates numerically."""
import sys
from pathlib import Path

import mpmath
import torch

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[2] / "tests/golden"))
import golden  # noqa: E402


def log_z(delta):
    rho = lambda r: r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)
    return float(mpmath.log(2 * mpmath.quad(lambda r: mpmath.exp(-rho(r)), [0, delta, delta + 10, mpmath.inf])))


def huber(delta, sigma=None):
    def function(x, p, _):
        log_sigma = p["log_sigma"] if sigma is None else torch.log(torch.tensor(sigma, dtype=torch.float64))
        r = (x["target"].detach() - x["mean"]) / torch.exp(log_sigma)
        rho = torch.nn.functional.huber_loss(r, torch.zeros_like(r), reduction="none", delta=delta)
        return {"loss": (rho + log_sigma + log_z(delta)).flatten(1).sum(1)}
    return function


def inputs(*shape):
    # Targets are integers' worth of float32 steps wide, so that both branches are taken.
    return {"mean": lambda d: d.normal(*shape), "target": lambda d: d.normal(*shape, scale=3.0)}


golden.FOLDER = FOLDER
for name, delta, sigma, shape in (("default", 1.345, 1.0, (4, 7)), ("images", 0.5, 0.3, (3, 4, 4, 2)),
                                  ("wide", 8.0, 2.0, (5, 6)), ("narrow", 0.01, 1.0, (2, 9))):
    golden.case("huber_nll", name, {"delta": delta, "sigma": sigma}, inputs(*shape), huber(delta, sigma))
golden.case("huber_nll", "learned", {"delta": 1.0, "sigma": "learned"}, inputs(4, 5), huber(1.0),
            parameters={"log_sigma": lambda d: d.normal(1)})
for arrays in golden.FILES.values():  # targets have no gradient
    for key in [key for key in arrays if key.endswith("diff_in/target")]:
        del arrays[key]
golden.write(["huber_nll"])
