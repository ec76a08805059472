"""Golden cases of the causal convolutional nodes: masked_conv, gated_pixelcnn_block, wavenet_block."""
import torch
import torch.nn.functional as F

from cases_linear_conv import activate
from golden import case, channels_first, channels_last


def masked_conv(name, shape, **options):
    rank, filters, channels = len(shape) - 2, options["filters"], shape[-1]
    kernel = options["kernel"]
    kernel = kernel if isinstance(kernel, list) else [kernel] * rank

    def visible():
        """1 for the entries before the middle in raster order, and for the middle with mask B."""
        entries = 1
        for k in kernel:
            entries *= k
        mask = torch.zeros(entries, dtype=torch.float64)
        mask[:entries // 2 + (options.get("mask", "B") == "B")] = 1
        return mask.view(kernel)

    def function(x, p, s):
        operation = (F.conv1d, F.conv2d)[rank - 1]
        y = operation(channels_first(x["x"]), p["weight"] * visible(), p.get("bias"), padding=[k // 2 for k in kernel])
        return {"y": channels_last(activate(y, options))}

    parameters = {"weight": lambda d: d.normal(filters, channels, *kernel, scale=0.3)}
    if options.get("bias", True):
        parameters["bias"] = lambda d: d.normal(filters, scale=0.5)
    case("masked_conv", name, options, {"x": lambda d: d.normal(*shape)}, function, parameters)


def gate(sums):
    value, opening = sums.chunk(2, dim=1)
    return value.tanh() * opening.sigmoid()


def gated_pixelcnn_block(name, shape, classes=0, conditions=0, **options):
    channels, kernel, first = options["channels"], options.get("kernel", 5), options.get("first", False)
    half = kernel // 2
    columns = half if first else half + 1

    def function(x, p, s):
        vertical, horizontal = channels_first(x["vertical"]), channels_first(x["horizontal"])
        width = vertical.shape[3]
        above = F.conv2d(F.pad(vertical, (half, half, half, 0)), p["vertical_weight"], p["vertical_bias"])
        left = F.conv2d(F.pad(horizontal, (half, 0, 0, 0)), p["horizontal_weight"], p["horizontal_bias"])[..., :width]
        row_above = torch.cat([torch.zeros_like(above[:, :, :1]), above[:, :, :-1]], dim=2)
        both = left + F.conv2d(row_above, p["vertical_to_horizontal_weight"], p["vertical_to_horizontal_bias"])
        if classes:
            above = above + F.linear(x["class"], p["vertical_class_weight"])[:, :, None, None]
            both = both + F.linear(x["class"], p["horizontal_class_weight"])[:, :, None, None]
        if conditions:
            condition = channels_first(x["condition"])
            above = above + F.conv2d(condition, p["vertical_condition_weight"])
            both = both + F.conv2d(condition, p["horizontal_condition_weight"])
        out = F.conv2d(gate(both), p["out_weight"], p["out_bias"])
        return {"vertical": channels_last(gate(above)), "horizontal": channels_last(out if first else horizontal + out)}

    def weight(*extents):
        return lambda d: d.normal(*extents, scale=0.3)

    inputs = {port: lambda d: d.normal(*shape, channels) for port in ("vertical", "horizontal")}
    parameters = {
        "vertical_weight": weight(2 * channels, channels, half + 1, kernel), "vertical_bias": weight(2 * channels),
        "horizontal_weight": weight(2 * channels, channels, 1, columns), "horizontal_bias": weight(2 * channels),
        "vertical_to_horizontal_weight": weight(2 * channels, 2 * channels, 1, 1),
        "vertical_to_horizontal_bias": weight(2 * channels),
        "out_weight": weight(channels, channels, 1, 1), "out_bias": weight(channels)}
    for stack in ("vertical", "horizontal"):
        if classes:
            parameters[f"{stack}_class_weight"] = weight(2 * channels, classes)
        if conditions:
            parameters[f"{stack}_condition_weight"] = weight(2 * channels, conditions, 1, 1)
    if classes:
        inputs["class"] = lambda d: d.normal(shape[0], classes)
    if conditions:
        inputs["condition"] = lambda d: d.normal(*shape, conditions)
    case("gated_pixelcnn_block", name, options, inputs, function, parameters)


def wavenet_block(name, shape, condition=None, speakers=0, summed=False, **options):
    samples, length, channels = shape
    kernel, dilation, skip = options.get("kernel", 2), options.get("dilation", 1), options["skip"]

    def function(x, p, s):
        h = channels_first(x["x"])
        sums = F.conv1d(F.pad(h, ((kernel - 1) * dilation, 0)), p["conv_weight"], p["conv_bias"], dilation=dilation)
        if condition:
            rows = channels_first(x["condition"]).repeat_interleave(length // condition[0], dim=2)
            sums = sums + F.conv1d(rows, p["condition_weight"])
        if speakers:
            sums = sums + F.linear(x["global"], p["global_weight"])[:, :, None]
        g = gate(sums)
        skips = channels_last(F.conv1d(g, p["skip_weight"], p["skip_bias"]))
        return {"y": channels_last(h + F.conv1d(g, p["residual_weight"], p["residual_bias"])),
                "skip": skips + x["skip_sum"] if summed else skips}

    def weight(*extents):
        return lambda d: d.normal(*extents, scale=0.3)

    inputs = {"x": lambda d: d.normal(*shape)}
    parameters = {"conv_weight": weight(2 * channels, channels, kernel), "conv_bias": weight(2 * channels),
                  "residual_weight": weight(channels, channels, 1), "residual_bias": weight(channels),
                  "skip_weight": weight(skip, channels, 1), "skip_bias": weight(skip)}
    if condition:
        inputs["condition"] = lambda d: d.normal(samples, *condition)
        parameters["condition_weight"] = weight(2 * channels, condition[1], 1)
    if speakers:
        inputs["global"] = lambda d: d.normal(samples, speakers)
        parameters["global_weight"] = weight(2 * channels, speakers)
    if summed:
        inputs["skip_sum"] = lambda d: d.normal(samples, length, skip)
    case("wavenet_block", name, options, inputs, function, parameters)


def add_cases():
    masked_conv("a", (2, 4, 5, 3), filters=4, kernel=3, mask="A")
    masked_conv("b", (2, 4, 5, 3), filters=4, kernel=3, mask="B")
    masked_conv("one_channel_7", (2, 8, 6, 1), filters=5, kernel=7, mask="A", bias=False)
    masked_conv("larger_than_the_map", (2, 3, 2, 2), filters=3, kernel=7, mask="B")
    masked_conv("per_axis_silu", (2, 5, 6, 2), filters=3, kernel=[3, 5], activation="silu")
    masked_conv("pointwise", (2, 3, 4, 3), filters=4, kernel=1)
    masked_conv("sequence_a_relu", (3, 9, 3), filters=4, kernel=5, mask="A", activation="relu")
    masked_conv("sequence_b", (3, 9, 3), filters=4, kernel=3)

    gated_pixelcnn_block("plain", (2, 4, 5), channels=3)
    gated_pixelcnn_block("first", (2, 4, 5), channels=3, first=True)
    gated_pixelcnn_block("kernel3", (2, 5, 3), channels=4, kernel=3)
    gated_pixelcnn_block("class_of_each", (3, 4, 4), classes=5, channels=3, kernel=3)
    gated_pixelcnn_block("condition", (2, 4, 5), conditions=3, channels=3, kernel=3, first=True)
    gated_pixelcnn_block("class_and_condition", (2, 3, 6), classes=2, conditions=4, channels=3, kernel=3)

    wavenet_block("plain", (2, 9, 4), skip=5)
    wavenet_block("dilation4", (3, 9, 4), skip=3, dilation=4)
    wavenet_block("kernel3_summed", (2, 8, 3), skip=4, kernel=3, dilation=2, summed=True)
    wavenet_block("condition", (2, 12, 3), condition=(3, 5), skip=4, dilation=2)
    wavenet_block("condition_of_each", (2, 6, 3), condition=(6, 2), skip=4)
    wavenet_block("global", (2, 8, 3), speakers=4, skip=2, dilation=16)
    wavenet_block("all", (2, 12, 3), condition=(4, 2), speakers=3, skip=4, dilation=3, summed=True)
