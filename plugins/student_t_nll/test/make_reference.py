#!/usr/bin/python3
"""Writes student_t_nll.npz: the log density of PyTorch's StudentT."""
import sys
from pathlib import Path

from torch.distributions import StudentT

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[2] / "tests/golden"))
import golden  # noqa: E402


def student(nu, sigma):
    return lambda x, *_: {"loss": -StudentT(nu, x["mean"], sigma).log_prob(x["target"].detach()).flatten(1).sum(1)}


golden.FOLDER = FOLDER
for name, nu, sigma, shape in (("default", 3.0, 1.0, (4, 7)), ("image", 1.0, 0.1, (3, 4, 2, 2)), ("light", 50.0, 2.5, (2, 9))):
    golden.case("student_t_nll", name, {"nu": nu, "sigma": sigma},
                {"mean": lambda d: d.normal(*shape), "target": lambda d: d.normal(*shape, scale=3.0)}, student(nu, sigma))
for key in [key for key in golden.FILES["student_t_nll"] if key.endswith("diff_in/target")]:
    del golden.FILES["student_t_nll"][key]  # targets have no gradient
golden.write(["student_t_nll"])
