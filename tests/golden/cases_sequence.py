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


def places(count, sight, strict, block):
    """[count, count]: which keys the place of a query lets it see."""
    if sight == "none":
        return torch.ones(count, count) > 0
    lengths = block if isinstance(block, list) else [block or 1] * count
    number = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))[:count]
    if strict:
        return number[:, None] > number[None, :]
    return number[:, None] >= number[None, :]


def turned(x, base, channels):
    """Su et al. 2021, equation 34: pairs of channels of x [N, heads, T, d] as complex numbers."""
    channels = channels or x.shape[-1]
    angle = torch.arange(x.shape[-2]).double()[:, None] * base ** (-torch.arange(0, channels, 2).double() / channels)
    pairs = torch.view_as_complex(x[..., :channels].unflatten(-1, (-1, 2)).contiguous())
    pairs = pairs * torch.polar(torch.ones_like(angle), angle)
    return torch.cat((torch.view_as_real(pairs).flatten(-2), x[..., channels:]), -1)


def attention(name, query, key, channels, heads, sight="none", strict=False, block=None, mask=None, positions="none",
              **more):
    """`channels`: of query and key, and of value. mask: "keys" or "pairs"."""
    def function(x, p, s):
        q, k, v = (heads_first(x[port], heads) for port in ("query", "key", "value"))
        if positions == "rotary":
            q, k = (turned(t, more.get("base", 10000.0), more.get("rotary_channels", 0)) for t in (q, k))
        seen = places(q.shape[2], sight, strict, block) if sight != "none" else torch.ones(q.shape[2], k.shape[2]) > 0
        seen = seen.expand(q.shape[0], heads, -1, -1)
        if mask is not None:
            given = x["mask"].flatten(1)[:, None, None] if mask == "keys" else x["mask"][:, None]
            seen = seen & (given != 0)
        bias = torch.zeros(seen.shape, dtype=torch.double)
        if positions == "relative":
            far = more.get("distance", 32)
            apart = torch.arange(k.shape[2])[None, :] - torch.arange(q.shape[2])[:, None]
            bias = p["bias"][apart.clamp(-far, 0 if sight == "causal" else far) + far].permute(2, 0, 1).expand(seen.shape)
        empty = ~seen.any(-1, keepdim=True)  # such a row sees everything, and its result is taken back
        bias = bias.masked_fill(~(seen | empty), float("-inf"))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias).masked_fill(empty, 0)
        return {"y": y.transpose(1, 2).flatten(2).reshape(*query, channels[1])}

    inputs = {"query": (*query, channels[0]), "key": (*key, channels[0]), "value": (*key, channels[1])}
    makers = {port: lambda d, shape=shape: d.normal(*shape) for port, shape in inputs.items()}
    if mask is not None:
        count = math.prod(query[1:]), math.prod(key[1:])
        shape = key if mask == "keys" else (key[0], *count)
        makers["mask"] = lambda d: (d.integers(3, *shape) > 0).astype("float32")
    parameters = {}
    if positions == "relative":
        rows = more.get("distance", 32) * (1 if sight == "causal" else 2) + 1
        parameters["bias"] = lambda d: d.normal(rows, heads)
    options = {"heads": heads, "mask": sight, "strict": strict, "positions": positions, **more}
    if block is not None:
        options["block"] = block
    case("attention", name, options, makers, function, parameters)


def linear_attention(name, query, key, channels, heads, causal=False, strict=False, mask=False):
    """Katharopoulos et al. 2020, with the whole matrix of weights."""
    def function(x, p, s):
        q, k, v = (heads_first(x[port], heads) for port in ("query", "key", "value"))
        q, k = F.elu(q) + 1, F.elu(k) + 1
        weights = q @ k.transpose(-1, -2)
        if causal:
            weights = weights * places(q.shape[2], "causal", strict, None)
        if mask:
            weights = weights * x["mask"].detach().flatten(1)[:, None, None]
        y = weights / (weights.sum(-1, keepdim=True) + 1e-6) @ v
        return {"y": y.transpose(1, 2).flatten(2).reshape(*query, channels[1])}

    inputs = {"query": (*query, channels[0]), "key": (*key, channels[0]), "value": (*key, channels[1])}
    makers = {port: lambda d, shape=shape: d.normal(*shape) for port, shape in inputs.items()}
    if mask:
        makers["mask"] = lambda d: (d.integers(3, *key) > 0).astype("float32")
    case("linear_attention", name, {"heads": heads, "causal": causal, "strict": strict}, makers, function)


def add_cases():
    mu_law("sequence", (3, 40), 256)
    mu_law("channels", (2, 9, 1), 32)
    learned_positions("sequence", (3, 5, 4))
    learned_positions("image", (2, 4, 3, 5))
    sinusoidal_positions("sequence", (2, 30, 6))
    sinusoidal_positions("image", (2, 4, 3, 8))
    add_attention()


def add_attention():
    attention("one_head", (2, 7), (2, 7), (6, 6), 1)
    attention("causal", (2, 9), (2, 9), (6, 4), 2, "causal")
    attention("strict", (2, 9), (2, 9), (6, 4), 2, "causal", True)
    attention("image", (2, 4, 3), (2, 4, 3), (4, 8), 2, "causal")
    attention("other_positions", (2, 3, 2), (2, 11), (4, 6), 2)
    attention("tiles", (1, 140), (1, 150), (4, 2), 2)
    attention("tiles_causal", (1, 260), (1, 260), (2, 2), 1, "causal")
    attention("tiles_strict", (1, 140), (1, 140), (2, 2), 1, "causal", True)
    attention("blocks", (2, 10), (2, 10), (4, 6), 2, "block_causal", block=4)
    attention("scales", (2, 14), (2, 14), (4, 6), 2, "block_causal", block=[1, 4, 9])
    attention("blocks_strict", (2, 14), (2, 14), (4, 2), 1, "block_causal", True, [1, 4, 9])
    attention("tiles_blocks", (1, 280), (1, 280), (2, 2), 1, "block_causal", block=100)
    attention("padding", (3, 4), (3, 9), (4, 6), 2, mask="keys")
    attention("padding_image", (2, 2, 3), (2, 2, 3), (4, 4), 1, "causal", mask="keys")
    attention("pairs", (3, 5), (3, 4), (4, 6), 2, mask="pairs")
    attention("pairs_causal", (2, 9), (2, 9), (4, 6), 2, "causal", mask="pairs")
    attention("tiles_padding", (1, 140), (1, 150), (2, 2), 1, mask="keys")
    attention("rotary", (2, 9), (2, 9), (8, 6), 2, "causal", positions="rotary")
    attention("rotary_part", (2, 5), (2, 7), (12, 6), 2, positions="rotary", base=100.0, rotary_channels=4)
    attention("relative", (2, 9), (2, 7), (8, 6), 2, positions="relative", distance=3)
    attention("relative_causal", (2, 9), (2, 9), (8, 6), 2, "causal", positions="relative", distance=4)
    attention("tiles_relative", (1, 140), (1, 140), (2, 2), 1, "block_causal", block=70, positions="relative", distance=9)
    linear_attention("all", (2, 5), (2, 7), (6, 4), 2)
    linear_attention("causal", (2, 9), (2, 9), (6, 4), 2, causal=True)
    linear_attention("strict", (2, 3, 4), (2, 3, 4), (6, 4), 1, causal=True, strict=True)
    linear_attention("padding", (2, 5), (2, 7), (6, 4), 2, mask=True)
    linear_attention("padding_causal", (3, 8), (3, 8), (4, 4), 1, causal=True, mask=True)
