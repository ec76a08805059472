"""PyTorch's kl_divergence of two categorical distributions, and their log-probabilities."""
import golden
import torch
from torch.distributions import Categorical, kl_divergence


def kl(x, *_):
    q = Categorical(logits=x["logits"])
    uniform = Categorical(logits=torch.zeros_like(x["logits"]))
    each = kl_divergence(q, uniform)
    outputs = {"per_variable": each, "loss": each.reshape(each.shape[0], -1).sum(1)}
    if "z" in x:
        ratio = (x["z"] * (q.logits - uniform.logits)).sum(-1)
        outputs["log_ratio"] = ratio.reshape(ratio.shape[0], -1).sum(1)
    return outputs


def one_hot(d, *shape):
    import numpy as np
    return np.eye(shape[-1], dtype=np.float32)[d.integers(shape[-1], *shape[:-1])]


def add_cases():
    golden.case("categorical_kl", "groups", {}, {"logits": lambda d: d.normal(4, 3, 5, scale=2.0)}, kl)
    golden.case("categorical_kl", "sharp", {}, {"logits": lambda d: d.normal(3, 6, scale=30.0)}, kl)
    golden.case("categorical_kl", "ratio", {},
                {"logits": lambda d: d.normal(3, 2, 4, 6), "z": lambda d: one_hot(d, 3, 2, 4, 6)}, kl)
