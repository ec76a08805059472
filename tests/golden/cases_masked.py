"""Golden cases of masks and weights: what a value counts in a loss, and a position in a quantizer."""
import math

import torch
import torch.nn.functional as F

import cases_quantizer
from cases_latent import LOG_2PI, normal, per_sample
from golden import case

SHAPE = (3, 6, 4)


def gaps(*shape):
    return lambda d: d.integers(2, *shape).astype("float32")


def weights(*shape):
    return lambda d: d.uniform(*shape, high=3.0)


def counted(x):
    """mask * weight, with axes of extent 1 for those that a shape leaves out on the right."""
    count = torch.ones((), dtype=torch.double)
    for port in ("mask", "weight"):
        if port in x:
            value = x[port].detach()
            count = count * value.reshape(value.shape + (1,) * (len(SHAPE) - value.dim()))
    return count


def gaussian_nll(name, sigma, **counts):
    def function(x, p, s):
        log_sigma = p["log_sigma"] if p else torch.tensor(math.log(sigma), dtype=torch.double)
        deviation = (x["target"] - x["mean"]) * (-log_sigma).exp()
        return {"loss": per_sample(counted(x) * (0.5 * deviation ** 2 + log_sigma + 0.5 * LOG_2PI))}

    parameter = {"learned": (1,), "per_dimension": SHAPE[1:]}.get(sigma)
    parameters = {"log_sigma": normal(parameter, 0.5)} if parameter else None
    case("gaussian_nll", name, {"sigma": sigma}, {"mean": normal(SHAPE), "target": normal(SHAPE), **counts}, function,
         parameters)


def bernoulli_nll(name, **counts):
    def function(x, p, s):
        losses = F.binary_cross_entropy_with_logits(x["logits"], x["target"], reduction="none")
        return {"loss": per_sample(counted(x) * losses)}

    inputs = {"logits": normal(SHAPE, 2.0), "target": lambda d: d.uniform(*SHAPE), **counts}
    case("bernoulli_nll", name, {}, inputs, function)


def categorical_nll(name, **counts):
    def function(x, p, s):
        losses = F.cross_entropy(x["logits"].flatten(0, -2), x["target"].flatten(), reduction="none")
        return {"loss": per_sample(counted(x).expand(SHAPE) * losses.reshape(SHAPE))}

    inputs = {"logits": normal((*SHAPE, 5)), "target": lambda d: d.integers(5, *SHAPE), **counts}
    case("categorical_nll", name, {}, inputs, function)


def gaussian_kl(name, **counts):
    def function(x, p, s):
        per_dimension = counted(x) * 0.5 * (x["mu"] ** 2 + x["logvar"].exp() - 1 - x["logvar"])
        return {"loss": per_sample(per_dimension), "per_dimension": per_dimension}

    case("gaussian_kl", name, {}, {"mu": normal(SHAPE), "logvar": normal(SHAPE), **counts}, function)


def vector_quantizer(name, update):
    """Means over the positions that are there; the averages and the perplexity see only those."""
    codes, dim, shape = cases_quantizer.CODES, cases_quantizer.DIM, (3, 7, cases_quantizer.DIM)
    options = cases_quantizer.options_of(update=update)

    def function(x, p, s):
        codebook, mask, vectors = (p or s)["codebook"], x["mask"].detach(), x["x"]
        chosen = torch.cdist(vectors.detach().flatten(0, -2), codebook.detach()).argmin(-1)
        code = codebook[chosen].view(shape)

        def mean(a, b):
            return (mask * ((a - b) ** 2).sum(-1)).sum(1) / mask.sum(1)

        codebook_loss, commitment_loss = mean(vectors.detach(), code), mean(vectors, code.detach())
        loss = options["commitment"] * commitment_loss + (codebook_loss if update == "loss" else 0)
        one_hot = F.one_hot(chosen, codes).double() * mask.flatten()[:, None]
        counts, sums = one_hot.sum(0), one_hot.T @ vectors.detach().flatten(0, -2)
        s["perplexity"] = torch.exp(torch.special.entr(counts / counts.sum()).sum()).view(1)
        s["unused_for"] = torch.where(counts > 0, torch.zeros(()).double(), s["unused_for"] + 1)
        if update == "ema":
            cases_quantizer.moved(s, counts, sums, options["decay"])
        return {"quantized": vectors + (code - vectors).detach(), "codes": chosen.view(shape[:-1]), "loss": loss,
                "codebook_loss": codebook_loss.detach(), "commitment_loss": commitment_loss.detach()}

    def mask(d):
        values = d.integers(2, *shape[:-1]).astype("float32")
        values[:, 0] = 1
        return values

    codebook = normal((codes, dim))
    state = {"perplexity": lambda d: d.uniform(1), "unused_for": lambda d: d.integers(3, codes).astype("float32")}
    if update == "ema":
        state |= {"codebook": codebook, "cluster_size": lambda d: d.uniform(codes, low=0.5, high=2.0),
                  "embedding_sum": codebook}
    case("vector_quantizer", name, options, {"x": normal(shape), "mask": mask}, function,
         {"codebook": codebook} if update == "loss" else None, state)


def add_cases():
    for sigma in (0.7, "learned", "per_dimension"):
        gaussian_nll(f"mask_{sigma}".replace(".", "_"), sigma, mask=gaps(*SHAPE))
        gaussian_nll(f"weight_{sigma}".replace(".", "_"), sigma, mask=gaps(*SHAPE[:2]), weight=weights(*SHAPE))
    gaussian_nll("sample_weight", 0.7, weight=weights(SHAPE[0]))
    bernoulli_nll("mask", mask=gaps(*SHAPE))
    bernoulli_nll("weight", mask=gaps(*SHAPE), weight=weights(SHAPE[0]))
    categorical_nll("mask", mask=gaps(*SHAPE))
    categorical_nll("weight", mask=gaps(*SHAPE[:2]), weight=weights(*SHAPE))
    gaussian_kl("mask", mask=gaps(*SHAPE[:2]))
    vector_quantizer("mask_ema", "ema")
    vector_quantizer("mask_loss", "loss")
