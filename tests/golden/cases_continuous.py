"""Golden cases of the divergences, bounds, priors and adversarial losses of the continuous models."""
import math

import torch
import torch.distributions as D
import torch.nn.functional as F

from golden import case
from cases_latent import IMAGE, LOG_2PI, SEQUENCE, VECTOR, normal, per_sample


def log_normal(z, mu, logvar):
    return D.Normal(mu, (0.5 * logvar).exp()).log_prob(z)


def log_standard(z):
    return D.Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z)


def gaussian_kl_of(x):
    return 0.5 * (x["mu"] ** 2 + x["logvar"].exp() - 1 - x["logvar"])


def gaussian_kl_with_draw(name, shape):
    def function(x, p, s):
        ratio = per_sample(log_normal(x["z"], x["mu"], x["logvar"]) - log_standard(x["z"]))
        return {"loss": per_sample(gaussian_kl_of(x)), "log_ratio": ratio}

    case("gaussian_kl", name, {}, {port: normal(shape) for port in ("mu", "logvar", "z")}, function)


def gaussian_kl_free_bits(name, shape, free_bits, groups):
    def function(x, p, s):
        kl = gaussian_kl_of(x).flatten(1)
        means = kl.reshape(shape[0], groups or kl.shape[1], -1).sum(2).mean(0)
        loss = means.clamp_min(free_bits).sum()
        return {"loss": loss.expand(shape[0]), "kl": kl.sum(1).detach()}

    case("gaussian_kl", name, {"free_bits": free_bits, "free_bits_groups": groups},
         {"mu": normal(shape), "logvar": normal(shape, 0.5)}, function)


def gaussian_kl_capacity(name, shape, capacity):
    def function(x, p, s):
        kl = per_sample(gaussian_kl_of(x))
        return {"loss": (kl.mean() - capacity).abs().expand(shape[0]), "kl": kl.detach()}

    case("gaussian_kl", name, {"capacity": capacity}, {"mu": normal(shape), "logvar": normal(shape)}, function)


def gaussian_kl_between(name, shape):
    ports = ("mu", "logvar", "prior_mu", "prior_logvar")

    def function(x, p, s):
        posterior, prior = (D.Normal(x[m], (0.5 * x[v]).exp()) for m, v in (ports[:2], ports[2:]))
        ratio = per_sample(posterior.log_prob(x["z"]) - prior.log_prob(x["z"]))
        kl = D.kl_divergence(posterior, prior)
        return {"loss": per_sample(kl), "per_dimension": kl.detach(), "log_ratio": ratio.detach()}

    case("gaussian_kl_between", name, {}, {port: normal(shape) for port in (*ports, "z")}, function)


def ar1_covariance(alpha, steps):
    distance = (torch.arange(steps)[:, None] - torch.arange(steps)[None]).abs()
    return alpha ** distance.to(torch.double)


def alphas_of(alpha, p, width):
    if p:
        return torch.sigmoid(p["alpha_logit"])
    return torch.tensor(alpha if isinstance(alpha, list) else [alpha] * width, dtype=torch.double)


def ar1_kl(name, shape, alpha):
    """Against the multivariate Gaussian with covariance alpha^|t - s|."""
    n, steps, width = shape

    def function(x, p, s):
        alphas = alphas_of(alpha, p, width)
        kls, densities, committed = [], [], 0
        for d in range(width):
            prior = D.MultivariateNormal(torch.zeros(steps, dtype=torch.double), ar1_covariance(alphas[d], steps))
            posterior = D.MultivariateNormal(x["mu"][:, :, d], torch.diag_embed(x["logvar"][:, :, d].exp()))
            kls.append(D.kl_divergence(posterior, prior))
            densities.append(prior.log_prob(x["z"][:, :, d]))
            square = alphas[d].detach() ** 2
            if steps > 1:
                committed = committed + 0.5 * ((steps - 2) * (1 + square).log() - (1 - square).log())
        kl = torch.stack(kls, 1)
        ratio = per_sample(log_normal(x["z"], x["mu"], x["logvar"])) - sum(densities)
        committed = torch.as_tensor(committed, dtype=torch.double)
        return {"loss": kl.sum(1), "per_dimension": kl.detach(), "log_ratio": ratio.detach(),
                "committed_rate": committed.expand(n)}

    parameters = {"alpha_logit": normal((width,))} if alpha == "learned" else None
    case("ar1_kl", name, {"alpha": alpha}, {port: normal(shape) for port in ("mu", "logvar", "z")}, function, parameters)


def ar1_prior(name, shape, alpha):
    n, steps, width = shape

    def function(x, p, s):
        alphas = alphas_of(alpha, p, width)
        density = sum(D.MultivariateNormal(torch.zeros(steps, dtype=torch.double), ar1_covariance(alphas[d], steps))
                      .log_prob(x["z"][:, :, d]) for d in range(width))
        return {"y": 1.0 * x["z"], "log_density": density}

    parameters = {"alpha_logit": normal((width,))} if alpha == "learned" else None
    case("ar1_prior", name, {"alpha": alpha}, {"z": normal(shape)}, function, parameters)


def fixed_variance_kl(name, shape, variance):
    def function(x, p, s):
        posterior = D.Normal(x["mu"], math.sqrt(variance))
        kl = D.kl_divergence(posterior, D.Normal(torch.zeros_like(x["mu"]), 1.0))
        ratio = per_sample(posterior.log_prob(x["z"]) - log_standard(x["z"]))
        count = kl[0].numel()
        committed = torch.full((shape[0],), 0.5 * count * (variance - 1 - math.log(variance)), dtype=torch.double)
        return {"loss": per_sample(kl), "log_ratio": ratio.detach(), "committed_rate": committed}

    case("fixed_variance_kl", name, {"variance": variance}, {"mu": normal(shape), "z": normal(shape)}, function)


def monte_carlo_kl():
    def function(x, p, s):
        return {"loss": x["posterior_log_density"] - x["prior_log_density"]}

    case("monte_carlo_kl", "values", {}, {port: normal((5,)) for port in
                                          ("posterior_log_density", "prior_log_density")}, function)


def gaussian_log_density(name, shape):
    def function(x, p, s):
        density = per_sample(log_normal(x["value"], x["mu"], x["logvar"]))
        return {"log_density": density, "nll": -density}

    case("gaussian_log_density", name, {}, {port: normal(shape) for port in ("mu", "logvar", "value")}, function)


def importance_weighted_bound(name, samples, draws, scale):
    def function(x, p, s):
        weights = (-x["nll"] - x["log_ratio"]).reshape(samples, draws)
        shares = weights.softmax(1)
        return {"loss": math.log(draws) - weights.logsumexp(1),
                "effective_samples": (1 / (shares ** 2).sum(1)).detach()}

    inputs = {port: normal((samples * draws,), scale) for port in ("nll", "log_ratio")}
    case("importance_weighted_bound", name, {"samples": draws}, inputs, function, samples=samples)


def total_correlation(name, shape, dataset_size):
    def function(x, p, s):
        densities = log_normal(x["z"][:, None], x["mu"][None], x["logvar"][None])  # [i, j, d]
        constant = math.log(dataset_size * shape[0])
        joint = densities.sum(2).logsumexp(1) - constant
        marginals = (densities.logsumexp(1) - constant).sum(1)
        own = per_sample(log_normal(x["z"], x["mu"], x["logvar"]))
        return {"loss": joint - marginals, "mutual_information": (own - joint).detach(),
                "dimension_wise_kl": (marginals - per_sample(log_standard(x["z"]))).detach()}

    case("total_correlation", name, {"dataset_size": dataset_size},
         {port: normal(shape) for port in ("z", "mu", "logvar")}, function)


def mmd(name, shape, options):
    scales = options.get("scales", [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])
    sigma = options.get("sigma", 1.0)

    def function(x, p, s):
        a, b = x["x"].flatten(1), x["y"].flatten(1)
        m, width = a.shape[0], 2 * a.shape[1] * sigma ** 2

        def kernel(u, v):
            distances = ((u[:, None] - v[None]) ** 2).sum(2)
            if options.get("kernel") == "rbf":
                return sum((-distances / (c * width)).exp() for c in scales)
            return sum(c * width / (c * width + distances) for c in scales)

        others = 1 - torch.eye(m, dtype=torch.double)
        near = ((kernel(a, a) + kernel(b, b)) * others).sum(1) / (m - 1)
        return {"loss": near - 2 * kernel(a, b).sum(1) / m}

    case("mmd", name, options, {"x": normal(shape), "y": normal(shape)}, function)


def gan_part(kind, logits, real):
    if kind == "logistic":
        return per_sample(F.softplus(-logits if real else logits))
    if kind == "hinge":
        return per_sample(F.relu(1 - logits if real else 1 + logits))
    return per_sample(0.5 * (logits - (1.0 if real else 0.0)) ** 2)


def gan_losses(kind, name, shape, sampled):
    ports = ("real", "fake", "sampled") if sampled else ("real", "fake")

    def discriminator(x, p, s):
        real = gan_part(kind, x["real"], True)
        generated = sum(gan_part(kind, x[port], False) for port in ports[1:]) / (len(ports) - 1)
        return {"loss": real + generated, "real_loss": real.detach(), "generated_loss": generated.detach()}

    def generator(x, p, s):
        parts = [-per_sample(x[port]) if kind == "hinge" else gan_part(kind, x[port], True) for port in ports[1:]]
        return {"loss": sum(parts) / len(parts)}

    case("gan_discriminator_loss", f"{kind}_{name}", {"kind": kind}, {port: normal(shape, 2) for port in ports},
         discriminator)
    case("gan_generator_loss", f"{kind}_{name}", {"kind": kind}, {port: normal(shape, 2) for port in ports[1:]},
         generator)


def feature_nll(name, shape, sigma):
    def function(x, p, s):
        deviation = (x["features"] - x["target"]) / sigma
        return {"loss": per_sample(0.5 * deviation ** 2 + math.log(sigma) + 0.5 * LOG_2PI)}

    case("feature_nll", name, {"sigma": sigma}, {"features": normal(shape), "target": normal(shape)}, function)


def gated_activation(name, shape):
    def function(x, p, s):
        value, gate = x["x"].chunk(2, -1)
        return {"y": value.tanh() * gate.sigmoid()}

    case("gated_activation", name, {}, {"x": normal(shape, 2)}, function)


def repeat(name, shape, times):
    def function(x, p, s):
        return {"y": x["x"].repeat_interleave(times, 0)}

    case("repeat", name, {"times": times}, {"x": normal(shape)}, function)


def standard_normal(name, shape):
    def function(x, p, s):
        return {"y": 1.0 * x["z"], "log_density": per_sample(log_standard(x["z"]))}

    case("standard_normal", name, {}, {"z": normal(shape)}, function)


def mixture_prior(name, shape, components):
    def function(x, p, s):
        joint = torch.stack([per_sample(log_normal(x["z"], p["mean"][k], p["logvar"][k])) for k in range(components)], 1)
        joint = joint + p["logits"].log_softmax(0)
        return {"y": 1.0 * x["z"], "log_density": joint.logsumexp(1), "component": joint.argmax(1)}

    event = (components, *shape[1:])
    case("mixture_prior", name, {"components": components}, {"z": normal(shape)}, function,
         {"mean": normal(event), "logvar": normal(event, 0.5), "logits": normal((components,))})


def learned_gaussian_prior(name, shape, channels):
    count = math.prod(shape[1:])

    def function(x, p, s):
        mu, logvar = F.linear(x["condition"], p["weight"], p["bias"]).split(count, 1)
        mu, logvar = mu.reshape(shape), logvar.reshape(shape)
        return {"y": 1.0 * x["z"], "log_density": per_sample(log_normal(x["z"], mu, logvar)), "mu": mu, "logvar": logvar}

    case("learned_gaussian_prior", name, {}, {"condition": normal((shape[0], channels)), "z": normal(shape)}, function,
         {"weight": normal((2 * count, channels), 0.5), "bias": normal((2 * count,), 0.5)})


def add_cases():
    for name, shape in (VECTOR, SEQUENCE, IMAGE):
        gaussian_kl_with_draw(f"{name}_draw", shape)
        gaussian_kl_between(name, shape)
        fixed_variance_kl(name, shape, 0.25)
        gaussian_log_density(name, shape)
        standard_normal(name, shape)
        mixture_prior(name, shape, 4)
        learned_gaussian_prior(name, shape, 5)
        feature_nll(name, shape, 0.7)
        repeat(name, shape, 3)
    fixed_variance_kl("wide", (3, 5), 2.5)
    gaussian_kl_free_bits("free_bits", (4, 6), 0.5, 0)
    gaussian_kl_free_bits("free_bits_groups", (4, 2, 6), 1.5, 3)
    gaussian_kl_capacity("capacity_above", (4, 6), 25.0)
    gaussian_kl_capacity("capacity_below", (4, 6), 0.5)
    for alpha, name in ((0.3, "weak"), (0.95, "strong"), ([0.2, 0.5, 0.9], "list"), ("learned", "learned")):
        for steps in (1, 2, 7):
            ar1_kl(f"{name}_{steps}", (3, steps, 3), alpha)
            ar1_prior(f"{name}_{steps}", (3, steps, 3), alpha)
    monte_carlo_kl()
    importance_weighted_bound("one", 4, 1, 2)
    importance_weighted_bound("five", 3, 5, 2)
    importance_weighted_bound("extreme", 2, 4, 200)
    total_correlation("few", (5, 3), 100)
    total_correlation("many", (20, 4), 60000)
    mmd("imq", (6, 3), {})
    mmd("imq_image", (4, 2, 2, 2), {"scales": [0.5, 2.0], "sigma": 2.0})
    mmd("rbf", (6, 3), {"kernel": "rbf", "scales": [1.0, 3.0]})
    for kind in ("logistic", "hinge", "least_squares"):
        gan_losses(kind, "logit", (5, 1), False)
        gan_losses(kind, "patches", (3, 2, 2, 1), True)
    gated_activation("vector", (4, 6))
    gated_activation("sequence", (2, 5, 34))
    gated_activation("image", (2, 3, 2, 8))
