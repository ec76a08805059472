"""Golden cases of companding, positions and attention."""
import math

import torch
import torch.nn.functional as F

from golden import case


def mu_law(name, shape, classes):
    mu = classes - 1

    def encode(x, p, s):
        companded = torch.sign(x["x"]) * torch.log1p(mu * x["x"].detach().abs()) / math.log(classes)
        return {"codes": ((companded + 1) * (mu / 2) + 0.5).detach().long().clamp(0, mu)}

    def decode(x, p, s):
        u = 2 * x["codes"].double() / mu - 1
        return {"y": torch.sign(u) * (torch.pow(torch.tensor(1.0 + mu).double(), u.abs()) - 1) / mu}

    case("mu_law_encode", name, {"classes": classes}, {"x": lambda d: d.uniform(*shape, low=-1.0)}, encode)
    case("mu_law_decode", name, {"classes": classes}, {"codes": lambda d: d.integers(classes, *shape)}, decode)


def learned_positions(name, shape):
    raster = len(shape) == 4

    def function(x, p, s):
        if raster:
            return {"y": x["x"] + p["rows"][:, None, :] + p["columns"][None, :, :]}
        return {"y": x["x"] + p["weight"]}

    tables = {"rows": shape[1], "columns": shape[2]} if raster else {"weight": shape[1]}
    parameters = {table: lambda d, count=count: d.normal(count, shape[-1]) for table, count in tables.items()}
    options = {"over": "raster" if raster else "sequence"}
    case("learned_positions", name, options, {"x": lambda d: d.normal(*shape)}, function, parameters)


def sines(count, channels):
    """Vaswani et al. 2017, section 3.5."""
    angle = torch.arange(count).double()[:, None] / 10000 ** (torch.arange(0, channels, 2).double() / channels)
    return torch.stack((angle.sin(), angle.cos()), -1).flatten(1)


def sinusoidal_positions(name, shape):
    def function(x, p, s):
        if len(shape) == 3:
            return {"y": x["x"] + sines(shape[1], shape[2])}
        half = shape[3] // 2
        rows = sines(shape[1], half)[:, None, :].expand(-1, shape[2], -1)
        columns = sines(shape[2], half)[None, :, :].expand(shape[1], -1, -1)
        return {"y": x["x"] + torch.cat((rows, columns), -1)}

    case("sinusoidal_positions", name, {}, {"x": lambda d: d.normal(*shape)}, function)


def heads_first(x, heads):
    """[N, ...S, C] to [N, heads, S, C / heads]."""
    return x.flatten(1, -2).unflatten(-1, (heads, -1)).transpose(1, 2)


def attention(name, query, key, channels, heads, causal=False, strict=False):
    """`channels`: of query and key, and of value."""
    def function(x, p, s):
        q, k, v = (heads_first(x[port], heads) for port in ("query", "key", "value"))
        if strict:  # by hand: the first row has nothing to attend to
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
            seen = torch.ones(scores.shape[-2:]).tril(-1) > 0
            weights = torch.softmax(scores.masked_fill(~seen, float("-inf"))[:, :, 1:], -1)
            y = torch.cat((torch.zeros_like(v[:, :, :1]), weights @ v), 2)
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return {"y": y.transpose(1, 2).flatten(2).reshape(*query, channels[1])}

    inputs = {"query": (*query, channels[0]), "key": (*key, channels[0]), "value": (*key, channels[1])}
    makers = {port: lambda d, shape=shape: d.normal(*shape) for port, shape in inputs.items()}
    options = {"heads": heads, "causal": causal, "strict": strict}
    case("attention", name, options, makers, function)


def add_cases():
    mu_law("sequence", (3, 40), 256)
    mu_law("channels", (2, 9, 1), 32)
    learned_positions("sequence", (3, 5, 4))
    learned_positions("image", (2, 4, 3, 5))
    sinusoidal_positions("sequence", (2, 30, 6))
    sinusoidal_positions("image", (2, 4, 3, 8))
    attention("one_head", (2, 7), (2, 7), (6, 6), 1)
    attention("causal", (2, 9), (2, 9), (6, 4), 2, causal=True)
    attention("strict", (2, 9), (2, 9), (6, 4), 2, causal=True, strict=True)
    attention("image", (2, 4, 3), (2, 4, 3), (4, 8), 2, causal=True)
    attention("other_positions", (2, 3, 2), (2, 11), (4, 6), 2)
    attention("tiles", (1, 140), (1, 150), (4, 2), 2)
    attention("tiles_causal", (1, 260), (1, 260), (2, 2), 1, causal=True)
    attention("tiles_strict", (1, 140), (1, 140), (2, 2), 1, causal=True, strict=True)
