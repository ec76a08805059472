"""Golden cases of the posterior and the losses. A loss is [N]: nats per sample, summed over the event."""
import math

import torch
import torch.nn.functional as F

from golden import case

VECTOR, SEQUENCE, IMAGE = ("vector", (3, 5)), ("sequence", (3, 6, 4)), ("image", (3, 4, 3, 2))
LOG_2PI = math.log(2 * math.pi)


def per_sample(values):
    return values.flatten(1).sum(1)


def normal(shape, scale=1.0):
    return lambda d: d.normal(*shape, scale=scale)


def gaussian_parameters(name, shape, dim):
    def function(x, p, s):
        mu, logvar = F.linear(x["x"], p["weight"], p["bias"]).split(dim, -1)
        return {"mu": mu, "logvar": logvar}

    parameters = {"weight": normal((2 * dim, shape[-1]), 0.5), "bias": normal((2 * dim,), 0.5)}
    case("gaussian_parameters", name, {"dim": dim}, {"x": normal(shape)}, function, parameters)


def gaussian_sampler(name, shape):
    def function(x, p, s):
        return {"z": x["mu"] + (0.5 * x["logvar"]).exp() * x["noise"]}

    case("gaussian_sampler", name, {}, {port: normal(shape) for port in ("mu", "logvar", "noise")}, function)


def bernoulli_nll(name, shape, scale=2.0, binary=False):
    def function(x, p, s):
        return {"loss": per_sample(F.binary_cross_entropy_with_logits(x["logits"], x["target"], reduction="none"))}

    def target(d):
        values = d.uniform(*shape)
        return values.round() if binary else values

    case("bernoulli_nll", name, {}, {"logits": normal(shape, scale), "target": target}, function)


def gaussian_nll(name, shape, sigma):
    def function(x, p, s):
        log_sigma = p["log_sigma"] if p else torch.tensor(math.log(sigma), dtype=torch.double)
        deviation = (x["target"] - x["mean"]) * (-log_sigma).exp()
        return {"loss": per_sample(0.5 * deviation ** 2 + log_sigma + 0.5 * LOG_2PI)}

    parameter = {"learned": (1,), "per_dimension": shape[1:]}.get(sigma)
    parameters = {"log_sigma": normal(parameter, 0.5)} if parameter else None
    inputs = {"mean": normal(shape), "target": normal(shape)}
    case("gaussian_nll", name, {"sigma": sigma}, inputs, function, parameters)


def laplace_nll(name, shape, scale):
    def function(x, p, s):
        return {"loss": per_sample((x["target"] - x["mean"]).abs() / scale + math.log(2 * scale))}

    case("laplace_nll", name, {"scale": scale}, {"mean": normal(shape), "target": normal(shape)}, function)


def categorical_nll(name, shape, scale=2.0):
    def function(x, p, s):
        losses = F.cross_entropy(x["logits"].flatten(0, -2), x["target"].flatten(), reduction="none")
        return {"loss": losses.reshape(shape[0], -1).sum(1)}

    inputs = {"logits": normal(shape, scale), "target": lambda d: d.integers(shape[-1], *shape[:-1])}
    case("categorical_nll", name, {}, inputs, function)


def gaussian_kl(name, shape, upstream):
    def function(x, p, s):
        per_dimension = 0.5 * (x["mu"] ** 2 + x["logvar"].exp() - 1 - x["logvar"])
        return {"loss": per_sample(per_dimension), "per_dimension": per_dimension}

    case("gaussian_kl", name, {}, {"mu": normal(shape), "logvar": normal(shape)}, function, upstream=upstream)


def add_cases():
    gaussian_parameters("vector", (3, 6), 4)
    gaussian_parameters("sequence", (3, 5, 6), 3)
    gaussian_parameters("image", (3, 4, 3, 6), 2)
    for name, shape in (VECTOR, SEQUENCE, IMAGE):
        gaussian_sampler(name, shape)
        bernoulli_nll(name, shape)
        gaussian_nll(f"{name}_unit", shape, 1.0)
        gaussian_nll(f"{name}_sigma", shape, 0.3)
        gaussian_nll(f"{name}_learned", shape, "learned")
        gaussian_nll(f"{name}_per_dimension", shape, "per_dimension")
        laplace_nll(name, shape, 1.0)
        laplace_nll(f"{name}_scale", shape, 0.4)
        categorical_nll(name, shape)
        gaussian_kl(name, shape, ["loss"])
    bernoulli_nll("binary", (3, 4, 4, 1), binary=True)
    bernoulli_nll("extreme", (3, 8), scale=40)
    categorical_nll("classes_256", (3, 2, 256))
    categorical_nll("extreme", (3, 5), scale=60)
    gaussian_kl("both_outputs", (3, 5), ["loss", "per_dimension"])
