"""Golden cases of linear, conv and conv_transpose."""
import torch.nn.functional as F
from torch.nn.utils import parametrizations

from cases_layers import ACTIVATIONS
from golden import case, channels_first, channels_last


def activate(x, options):
    return ACTIVATIONS[options.get("activation", "identity")](x, {})


def used_weight(p, s, options, dim):
    """The weight that a layer uses; one step of power iteration changes the state in place."""
    if options.get("norm") == "weight":
        scale = p["scale"].reshape(-1, *[1] * (p["weight"].dim() - 1))
        return parametrizations._WeightNorm(0)(scale, p["weight"])
    if options.get("norm") == "spectral":
        spectral = parametrizations._SpectralNorm(p["weight"].detach(), 1, dim)
        spectral._u, spectral._v = s["u"].clone(), s["v"].clone()
        weight = spectral(p["weight"])
        s["u"].copy_(spectral._u)
        s["v"].copy_(spectral._v)
        return weight
    return p["weight"]


def add_norm(options, weight, dim, parameters):
    """Adds a scale to the parameters; returns what makes the state."""
    if options.get("norm") == "weight":
        parameters["scale"] = lambda d: d.normal(weight[0])
    if options.get("norm") != "spectral":
        return None
    count = 1
    for extent in weight:
        count *= extent
    return {"u": lambda d: d.normal(weight[dim]), "v": lambda d: d.normal(count // weight[dim])}


def linear(name, shape, **options):
    def function(x, p, s):
        return {"y": activate(F.linear(x["x"], used_weight(p, s, options, 0), p.get("bias")), options)}

    units = options["units"]
    parameters = {"weight": lambda d: d.normal(units, shape[-1], scale=0.5)}
    if options.get("bias", True):
        parameters["bias"] = lambda d: d.normal(units, scale=0.5)
    state = add_norm(options, (units, shape[-1]), 0, parameters)
    case("linear", name, options, {"x": lambda d: d.normal(*shape)}, function, parameters, state)


def tuple_of(options, key, default, rank):
    value = options.get(key, default)
    return tuple(value) if isinstance(value, list) else (value,) * rank


def pads(options, kernel, dilation):
    """[(before, after)] for each spatial axis."""
    padding = options.get("padding", 0)
    total = [(k - 1) * d for k, d in zip(kernel, dilation)]
    if padding == "same":  # as PyTorch: the odd one goes after
        return [(t // 2, t - t // 2) for t in total]
    if padding == "causal":
        return [(t, 0) for t in total]
    before = tuple_of(options, "padding", 0, len(kernel))
    return list(zip(before, tuple_of(options, "padding_after", list(before), len(kernel))))


def convolution(node, name, shape, **options):
    rank, channels, groups = len(shape) - 2, shape[-1], options.get("groups", 1)
    kernel = tuple_of(options, "kernel", None, rank)
    stride, dilation = tuple_of(options, "stride", 1, rank), tuple_of(options, "dilation", 1, rank)
    filters = options["filters"]
    if node == "conv":
        operation, weight = (F.conv1d, F.conv2d, F.conv3d)[rank - 1], (filters, channels // groups, *kernel)
    else:
        operation = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
        weight = (channels, filters // groups, *kernel)

    dim = 0 if node == "conv" else 1

    def function(x, p, s):
        h, w = channels_first(x["x"]), used_weight(p, s, options, dim)
        if node == "conv":
            both = [n for pair in reversed(pads(options, kernel, dilation)) for n in pair]
            y = operation(F.pad(h, both), w, p.get("bias"), stride, 0, dilation, groups)
        elif "padding_after" in options:
            y = operation(h, w, p.get("bias"), stride, 0, 0, groups, dilation)
            for axis, (before, after) in enumerate(pads(options, kernel, dilation), 2):
                y = y.narrow(axis, before, y.shape[axis] - before - after)
        else:
            y = operation(h, w, p.get("bias"), stride, tuple_of(options, "padding", 0, rank),
                          tuple_of(options, "output_padding", 0, rank), groups, dilation)
        return {"y": channels_last(activate(y, options))}

    parameters = {"weight": lambda d: d.normal(*weight, scale=0.3)}
    if options.get("bias", True):
        parameters["bias"] = lambda d: d.normal(filters, scale=0.5)
    state = add_norm(options, weight, dim, parameters)
    case(node, name, options, {"x": lambda d: d.normal(*shape)}, function, parameters, state)


def conv(name, shape, **options):
    convolution("conv", name, shape, **options)


def conv_transpose(name, shape, **options):
    convolution("conv_transpose", name, shape, **options)


def add_cases():
    linear("plain", (3, 5), units=4)
    linear("no_bias", (3, 5), units=4, bias=False)
    linear("one_unit", (3, 5), units=1)
    linear("relu", (3, 7), units=8, activation="relu")
    linear("gelu", (3, 7), units=8, activation="gelu")
    linear("sequence", (3, 5, 4), units=6)
    linear("image_tanh", (3, 2, 4, 3), units=5, activation="tanh")

    linear("spectral", (3, 7), units=5, norm="spectral", activation="tanh")
    linear("weight_norm", (3, 7), units=5, norm="weight")

    conv("plain", (3, 5, 4, 3), filters=4, kernel=3)
    conv("spectral", (2, 5, 4, 4), filters=6, kernel=3, padding=1, groups=2, norm="spectral")
    conv("weight_norm", (2, 6, 5, 3), filters=4, kernel=3, stride=2, norm="weight", activation="silu")
    conv("padding1", (2, 5, 4, 3), filters=4, kernel=3, padding=1)
    conv("same", (2, 5, 4, 3), filters=4, kernel=5, padding="same")
    conv("same_even", (2, 5, 4, 3), filters=4, kernel=4, padding="same")
    conv("stride2", (2, 7, 5, 3), filters=4, kernel=3, stride=2, padding=1)
    conv("stride2_unread_edge", (3, 6, 6, 3), filters=4, kernel=3, stride=2)
    conv("stride2_k4_p1", (2, 8, 6, 2), filters=4, kernel=4, stride=2, padding=1)
    conv("one_channel", (2, 8, 6, 1), filters=8, kernel=4, stride=2, padding=1, activation="relu")
    conv("one_filter", (2, 6, 5, 4), filters=1, kernel=3, padding=1)
    conv("k1", (2, 4, 5, 5), filters=4, kernel=1)
    conv("whole", (2, 4, 4, 3), filters=6, kernel=4)
    conv("dilation2", (2, 7, 6, 2), filters=3, kernel=3, padding=2, dilation=2)
    conv("same_dilation2", (2, 7, 6, 2), filters=3, kernel=3, padding="same", dilation=2)
    conv("groups2", (2, 4, 5, 4), filters=2, kernel=3, padding=1, groups=2)
    conv("depthwise", (2, 4, 5, 4), filters=4, kernel=3, padding=1, groups=4)
    conv("no_bias", (2, 5, 4, 3), filters=4, kernel=3, padding=1, bias=False)
    conv("relu", (2, 5, 4, 3), filters=5, kernel=3, padding=1, activation="relu")
    conv("silu", (2, 5, 4, 3), filters=4, kernel=3, padding=1, activation="silu")
    conv("per_axis", (2, 6, 7, 3), filters=3, kernel=[3, 5], stride=[2, 1], padding=[1, 2], dilation=[1, 1])
    conv("after_alone", (2, 6, 6, 3), filters=4, kernel=3, stride=2, padding=0, padding_after=1)
    conv("after_per_axis", (2, 5, 6, 3), filters=4, kernel=3, padding=[1, 0], padding_after=[0, 2])
    conv("volume", (2, 4, 5, 3, 3), filters=4, kernel=3, padding=1)
    conv("volume_one_channel", (2, 4, 5, 6, 1), filters=4, kernel=3, padding=1, activation="relu")
    conv("volume_stride2", (2, 4, 6, 6, 2), filters=3, kernel=[2, 4, 4], stride=2, padding=[0, 1, 1])
    conv("volume_groups_dilation", (2, 5, 4, 6, 4), filters=6, kernel=[2, 2, 3], dilation=[2, 1, 2], groups=2)
    conv("volume_causal", (2, 4, 3, 3, 2), filters=3, kernel=2, padding="causal")
    conv("volume_same_no_bias", (2, 3, 4, 3, 17), filters=19, kernel=3, padding="same", bias=False)
    conv("volume_of_depth_1", (2, 1, 4, 4, 2), filters=3, kernel=[1, 3, 3], padding=[1, 1, 1])
    conv("volume_after", (2, 4, 4, 5, 2), filters=3, kernel=2, padding=[1, 0, 0], padding_after=[0, 1, 0])
    conv("sequence", (3, 9, 3), filters=4, kernel=3)
    conv("sequence_padding1", (3, 9, 3), filters=4, kernel=3, padding=1)
    conv("sequence_same", (3, 9, 3), filters=4, kernel=3, padding="same")
    conv("sequence_causal", (3, 9, 3), filters=4, kernel=3, padding="causal")
    conv("sequence_causal_dilation2", (3, 9, 4), filters=6, kernel=2, padding="causal", dilation=2, activation="relu")
    conv("sequence_causal_dilation4", (3, 9, 4), filters=3, kernel=3, padding="causal", dilation=4)
    conv("sequence_stride2_k4_p1", (3, 8, 3), filters=4, kernel=4, stride=2, padding=1)
    conv("sequence_one_channel", (3, 8, 1), filters=5, kernel=4, stride=2, padding=1, bias=False)
    conv("sequence_groups2", (3, 9, 4), filters=6, kernel=3, padding=1, groups=2)
    conv("sequence_dilation2", (3, 9, 3), filters=4, kernel=3, dilation=2)

    conv_transpose("spectral", (2, 4, 3, 4), filters=6, kernel=4, stride=2, padding=1, groups=2, norm="spectral")
    conv_transpose("weight_norm", (2, 4, 3, 3), filters=5, kernel=3, norm="weight")
    conv_transpose("plain", (3, 4, 5, 3), filters=4, kernel=3)
    conv_transpose("padding1", (2, 4, 5, 3), filters=4, kernel=3, padding=1)
    conv_transpose("stride2_k4_p1", (2, 4, 5, 4), filters=3, kernel=4, stride=2, padding=1)
    conv_transpose("stride2_k5_p2_op1", (2, 3, 4, 4), filters=3, kernel=5, stride=2, padding=2, output_padding=1)
    conv_transpose("stride2_k4_p1_relu", (2, 4, 4, 4), filters=5, kernel=4, stride=2, padding=1, activation="relu")
    conv_transpose("one_filter", (2, 4, 4, 5), filters=1, kernel=4, stride=2, padding=1)
    conv_transpose("one_channel", (2, 4, 4, 1), filters=4, kernel=4, stride=2, padding=1)
    conv_transpose("groups2", (2, 3, 4, 4), filters=2, kernel=4, stride=2, padding=1, groups=2)
    conv_transpose("dilation2", (2, 4, 4, 3), filters=4, kernel=3, dilation=2, padding=1)
    conv_transpose("no_bias", (2, 4, 4, 3), filters=4, kernel=4, stride=2, padding=1, bias=False)
    conv_transpose("stride3_gap", (3, 3, 3, 3), filters=4, kernel=2, stride=3)
    conv_transpose("per_axis", (2, 4, 5, 3), filters=4, kernel=[4, 3], stride=[2, 1], padding=[1, 1])
    conv_transpose("sequence", (3, 6, 3), filters=4, kernel=3)
    conv_transpose("sequence_stride2_k4_p1", (3, 6, 4), filters=3, kernel=4, stride=2, padding=1)
    conv_transpose("sequence_stride2_k5_p2_op1", (3, 5, 4), filters=3, kernel=5, stride=2, padding=2, output_padding=1)
    conv_transpose("sequence_one_filter", (3, 5, 4), filters=1, kernel=4, stride=2, padding=1, bias=False)
    conv_transpose("sequence_groups2", (3, 5, 4), filters=6, kernel=4, stride=2, padding=1, groups=2)
    conv_transpose("after", (2, 4, 3, 3), filters=4, kernel=4, stride=2, padding=1, padding_after=2)
    conv_transpose("volume", (2, 3, 4, 3, 4), filters=3, kernel=4, stride=2, padding=1)
    conv_transpose("volume_output_padding", (2, 2, 3, 4, 2), filters=3, kernel=3, stride=[1, 2, 2], padding=1,
                   output_padding=[0, 1, 1], activation="relu")
    conv_transpose("volume_groups", (2, 3, 2, 3, 4), filters=6, kernel=[2, 3, 2], groups=2, bias=False)
