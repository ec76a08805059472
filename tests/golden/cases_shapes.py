"""Golden cases of the nodes that combine, cut and rearrange, of upsample, pool and softmax."""
import torch
import torch.nn.functional as F

from golden import case, channels_first, channels_last


def one_input(node, name, shape, function, /, **options):
    case(node, name, options, {"x": lambda d: d.normal(*shape)}, lambda x, p, s: {"y": function(x["x"])})


def many_inputs(node, name, shapes, function, /, **options):
    inputs = {f"x{i}": lambda d, shape=shape: d.normal(*shape) for i, shape in enumerate(shapes)}
    case(node, name, options, inputs, lambda x, p, s: {"y": function(list(x.values()))})


def multiply(values):
    y = values[0]
    for value in values[1:]:
        y = y * value
    return y


def split(name, shape, sizes, **options):
    def function(x, p, s):
        return {f"y{i}": part for i, part in enumerate(x["x"].split(sizes, options["axis"]))}

    case("split", name, options, {"x": lambda d: d.normal(*shape)}, function)


def upsample(name, shape, **options):
    factor = options["factor"]
    factors = factor if isinstance(factor, list) else [factor] * (len(shape) - 2)

    def function(x):
        for axis, times in enumerate(factors, 1):
            x = x.repeat_interleave(times, axis)
        return x

    one_input("upsample", name, shape, function, **options)


def pool(name, shape, **options):
    rank = len(shape) - 2
    operations = {"max": (F.max_pool1d, F.max_pool2d, F.max_pool3d),
                  "average": (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)}
    operation = operations[options["kind"]][rank - 1]

    def function(x):
        stride = options.get("stride", options["kernel"])
        return channels_last(operation(channels_first(x), options["kernel"], stride, options.get("padding", 0)))

    one_input("pool", name, shape, function, **options)


def softmax(name, shape, **options):
    operation = F.log_softmax if options.get("log") else F.softmax
    one_input("softmax", name, shape, lambda x: operation(x, options.get("axis", -1)), **options)


def shift(name, shape, by, axis):
    def function(x):
        extent = x.shape[axis]
        zeros = torch.zeros_like(x.narrow(axis, 0, min(abs(by), extent)))
        if by >= 0:
            return torch.cat([zeros, x.narrow(axis, 0, extent - zeros.shape[axis])], axis)
        return torch.cat([x.narrow(axis, zeros.shape[axis], extent - zeros.shape[axis]), zeros], axis)

    one_input("shift", name, shape, function, axis=axis, by=by)


def add_cases():
    for node, function in (("add", sum), ("multiply", multiply)):
        many_inputs(node, "two", [(3, 5)] * 2, function)
        many_inputs(node, "three", [(3, 4, 5)] * 3, function)
        many_inputs(node, "image", [(3, 4, 3, 2)] * 2, function)
        many_inputs(node, "one_for_all", [(3, 5), (3, 1)], function)
        many_inputs(node, "channels", [(3, 1, 1, 2), (3, 4, 3, 2), (3, 4, 1, 1)], function)

    many_inputs("concat", "features", [(3, 4), (3, 1), (3, 5)], lambda v: torch.cat(v, -1), axis=-1)
    many_inputs("concat", "channels", [(3, 4, 5, 2), (3, 4, 5, 3)], lambda v: torch.cat(v, 3), axis=3)
    many_inputs("concat", "rows", [(3, 2, 5, 2), (3, 3, 5, 2)], lambda v: torch.cat(v, 1), axis=1)
    many_inputs("concat", "time", [(3, 2, 4), (3, 5, 4)], lambda v: torch.cat(v, 1), axis=1)

    one_input("slice", "features", (3, 7), lambda x: x[:, 2:5], axis=-1, start=2, stop=5)
    one_input("slice", "channels", (3, 4, 5, 6), lambda x: x[..., 0:2], axis=-1, start=0, stop=2)
    one_input("slice", "columns", (3, 4, 5, 3), lambda x: x[:, :, 1:4], axis=2, start=1, stop=4)
    one_input("slice", "time", (3, 6, 4), lambda x: x[:, 1:6], axis=1, start=1, stop=6)

    for name, shape, axis in (("features", (3, 7), -1), ("time", (3, 6, 4), 1), ("columns", (3, 4, 5, 2), 2)):
        one_input("flip", name, shape, lambda x, axis=axis: x.flip(axis), axis=axis)
        shift(f"{name}_by_1", shape, 1, axis)
        shift(f"{name}_by_minus_2", shape, -2, axis)
    shift("all_the_way", (3, 6, 4), 9, 1)

    split("features", (3, 6), 3, axis=-1, parts=2)
    split("channels", (3, 4, 5, 6), 2, axis=-1, parts=3)
    split("time", (3, 6, 4), 3, axis=1, parts=2)

    one_input("permute", "image_to_channels_first", (3, 4, 5, 2), lambda x: x.permute(0, 3, 1, 2), axes=[0, 3, 1, 2])
    one_input("permute", "sequence", (3, 4, 5), lambda x: x.permute(0, 2, 1), axes=[0, 2, 1])
    one_input("permute", "image_transposed", (3, 4, 5, 2), lambda x: x.permute(0, 2, 1, 3), axes=[0, 2, 1, 3])

    one_input("reshape", "to_image", (3, 24), lambda x: x.reshape(3, 2, 4, 3), shape=[2, 4, 3])
    one_input("reshape", "to_sequence", (3, 2, 4, 3), lambda x: x.reshape(3, 8, 3), shape=[8, 3])
    one_input("flatten", "image", (3, 2, 4, 3), lambda x: x.flatten(1))
    one_input("flatten", "sequence", (3, 5, 4), lambda x: x.flatten(1))

    upsample("image2", (3, 3, 4, 2), factor=2)
    upsample("image3", (3, 2, 3, 3), factor=3)
    upsample("sequence2", (3, 5, 3), factor=2)
    upsample("per_axis", (3, 3, 4, 2), factor=[2, 3])
    upsample("volume", (3, 2, 3, 2, 2), factor=2)
    upsample("volume_per_axis", (3, 2, 2, 3, 2), factor=[1, 2, 3])

    for kind in ("max", "average"):
        pool(f"{kind}_2", (3, 6, 4, 3), kind=kind, kernel=2)
        pool(f"{kind}_3_stride2_p1", (3, 7, 6, 3), kind=kind, kernel=3, stride=2, padding=1)
        pool(f"{kind}_odd_edge", (3, 5, 7, 2), kind=kind, kernel=2, stride=2)
        pool(f"{kind}_sequence", (3, 8, 3), kind=kind, kernel=2)
        pool(f"{kind}_volume", (3, 4, 6, 4, 3), kind=kind, kernel=2)
        pool(f"{kind}_volume_3_stride", (3, 5, 6, 7, 2), kind=kind, kernel=3, stride=[1, 2, 2], padding=1)
        pool(f"{kind}_sequence_3_stride1", (3, 8, 3), kind=kind, kernel=3, stride=1, padding=1)

    for log in (False, True):
        for name, shape in (("features", (3, 6)), ("image", (3, 4, 3, 5))):
            softmax(f"log_{name}" if log else name, shape, axis=-1, log=log)
    softmax("axis1", (3, 5, 4), axis=1)

    for name, shape, factor in (("image", (3, 2, 3, 8), 2), ("image3", (3, 2, 2, 18), 3)):
        one_input("pixel_shuffle", name, shape,
                  lambda x, f=factor: channels_last(F.pixel_shuffle(channels_first(x), f)), factor=factor)
    for name, shape, factor in (("image", (3, 4, 6, 2), 2), ("image3", (3, 6, 3, 1), 3)):
        one_input("pixel_unshuffle", name, shape,
                  lambda x, f=factor: channels_last(F.pixel_unshuffle(channels_first(x), f)), factor=factor)
