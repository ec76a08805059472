"""Golden cases of activations, norms, embedding and dropout."""
import torch.nn.functional as F

from golden import case, channels_first, channels_last

ACTIVATIONS = {
    "identity": lambda x, o: x,
    "relu": lambda x, o: F.relu(x),
    "leaky_relu": lambda x, o: F.leaky_relu(x, o.get("slope", 0.01)),
    "elu": lambda x, o: F.elu(x, o.get("alpha", 1.0)),
    "gelu": lambda x, o: F.gelu(x),
    "gelu_tanh": lambda x, o: F.gelu(x, approximate="tanh"),
    "silu": lambda x, o: F.silu(x),
    "tanh": lambda x, o: x.tanh(),
    "sigmoid": lambda x, o: x.sigmoid(),
    "softplus": lambda x, o: F.softplus(x),
    "exp": lambda x, o: x.exp(),
    "hardtanh": lambda x, o: F.hardtanh(x),
    "softsign": lambda x, o: F.softsign(x),
    "mish": lambda x, o: F.mish(x),
    "expm1": lambda x, o: x.expm1(),
    "abs": lambda x, o: x.abs(),
    "square": lambda x, o: x.square(),
    "sin": lambda x, o: x.sin(),
    "cos": lambda x, o: x.cos(),
    "erf": lambda x, o: x.erf(),
    "relu6": lambda x, o: F.relu6(x),
    "selu": lambda x, o: F.selu(x),
    "hardsigmoid": lambda x, o: F.hardsigmoid(x),
    "hardswish": lambda x, o: F.hardswish(x),
    "logsigmoid": lambda x, o: F.logsigmoid(x),
}
POSITIVE = {"log": lambda x: x.log(), "log1p": lambda x: x.log1p(), "sqrt": lambda x: x.sqrt(),
            "rsqrt": lambda x: x.rsqrt(), "reciprocal": lambda x: x.reciprocal()}


def positive_activation(function):
    case("activation", function, {"function": function}, {"x": lambda d: d.uniform(3, 5, 4, low=0.1, high=9)},
         lambda x, p, s: {"y": POSITIVE[function](x["x"])})


def activation(name, scale=1.0, **options):
    def function(x, p, s):
        return {"y": ACTIVATIONS[options["function"]](x["x"], options)}

    case("activation", name, options, {"x": lambda d: d.normal(3, 5, 4, scale=scale)}, function)


def batch_norm(name, shape, evaluation=False, **options):
    def function(x, p, s):
        y = F.batch_norm(channels_first(x["x"]), s["running_mean"], s["running_var"], p.get("weight"), p.get("bias"),
                         not evaluation, options.get("momentum", 0.1), options.get("eps", 1e-5))
        return {"y": channels_last(y)}

    channels = shape[-1]
    state = {"running_mean": lambda d: d.normal(channels),
             "running_var": lambda d: d.uniform(channels, low=0.5, high=2)}
    case("batch_norm", name, options, {"x": off_centre(shape)}, function, affine(channels), state, evaluation)


def off_centre(shape):
    return lambda d: d.normal(*shape, scale=2) + 1


def affine(channels):
    return {"weight": lambda d: d.uniform(channels, low=0.5, high=1.5), "bias": lambda d: d.normal(channels)}


def layer_norm(name, shape, **options):
    def function(x, p, s):
        return {"y": F.layer_norm(x["x"], shape[-1:], p["weight"], p["bias"], options.get("eps", 1e-5))}

    case("layer_norm", name, options, {"x": off_centre(shape)}, function, affine(shape[-1]))


def group_norm(name, shape, **options):
    def function(x, p, s):
        y = F.group_norm(channels_first(x["x"]), options["groups"], p["weight"], p["bias"], options.get("eps", 1e-5))
        return {"y": channels_last(y)}

    case("group_norm", name, options, {"x": off_centre(shape)}, function, affine(shape[-1]))


def add_cases():
    for function in ACTIVATIONS:
        activation(function, function=function)
        activation(f"{function}_wide", scale=12, function=function)
    for function in POSITIVE:
        positive_activation(function)
    activation("leaky_relu_slope", function="leaky_relu", slope=0.2)
    activation("elu_alpha", function="elu", alpha=0.5)

    batch_norm("features", (6, 5))
    batch_norm("image", (3, 4, 5, 3))
    batch_norm("sequence", (3, 7, 3))
    batch_norm("momentum_eps", (3, 4, 5, 3), momentum=0.3, eps=1e-3)
    batch_norm("features_eval", (6, 5), evaluation=True)
    batch_norm("image_eval", (3, 4, 5, 3), evaluation=True)

    layer_norm("features", (3, 7))
    layer_norm("sequence", (3, 5, 6))
    layer_norm("image", (3, 4, 5, 3))
    layer_norm("eps", (3, 7), eps=1e-2)

    group_norm("image", (3, 4, 5, 6), groups=2)
    group_norm("one_group", (3, 4, 5, 4), groups=1)
    group_norm("instance", (3, 4, 5, 4), groups=4)
    group_norm("sequence", (3, 7, 6), groups=3)
    group_norm("features", (3, 8), groups=2)

    for name, shape in (("features", (3, 5)), ("image", (3, 4, 4, 2))):
        case("dropout", f"{name}_eval", {"p": 0.5}, {"x": lambda d, shape=shape: d.normal(*shape)},
             lambda x, p, s: {"y": 1 * x["x"]}, evaluation=True)
    case("dropout", "p0", {"p": 0.0}, {"x": lambda d: d.normal(3, 5)}, lambda x, p, s: {"y": 1 * x["x"]})

    for name, shape in (("sequence", (3, 6)), ("image", (3, 4, 5))):
        case("embedding", name, {"count": 7, "dim": 4}, {"x": lambda d, shape=shape: d.integers(7, *shape)},
             lambda x, p, s: {"y": F.embedding(x["x"], p["weight"])}, {"weight": lambda d: d.normal(7, 4)})
