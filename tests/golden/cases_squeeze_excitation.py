"""Two linear layers of PyTorch around a mean and a product."""
import golden
import torch


def squeeze_excitation(x, p, _):
    x, linear = x["x"], torch.nn.functional.linear
    s = x.flatten(1, -2).mean(1) if x.dim() > 2 else x
    g = torch.sigmoid(linear(torch.relu(linear(s, p["weight1"], p["bias1"])), p["weight2"], p["bias2"]))
    return {"y": x * g.reshape(x.shape[0], *[1] * (x.dim() - 2), x.shape[-1])}


def add_cases():
    for name, options, shape, hidden in (("image", {"ratio": 4}, (3, 4, 5, 8), 2), ("sequence", {"hidden": 3}, (2, 6, 5), 3),
                                         ("vector", {"ratio": 2}, (4, 6), 3), ("few_channels", {}, (2, 3, 3, 4), 1)):
        channels = shape[-1]
        golden.case("squeeze_excitation", name, options, {"x": lambda d: d.normal(*shape)}, squeeze_excitation,
                    parameters={"weight1": lambda d: d.normal(hidden, channels), "bias1": lambda d: d.normal(hidden),
                                "weight2": lambda d: d.normal(channels, hidden), "bias2": lambda d: d.normal(channels)})
