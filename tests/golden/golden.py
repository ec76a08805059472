"""Writes golden files: what PyTorch computes, in double precision, for small cases of one node.

A case is a function of channels-last inputs and PyTorch-shaped parameters. Its values are drawn as float32, the
function and its gradients are computed in float64, the results are stored as float32 (integers as int32).
"""
import json
import zlib
from pathlib import Path

import numpy as np
import torch

torch.set_num_threads(1)
FOLDER = Path(__file__).resolve().parent
FILES = {}  # node -> {array name: array}


class Draw:
    """The random values of one case, in steps of 1/1024, which makes small files.

    The seed is the case's name, so that a new case leaves the others as they are.
    """

    def __init__(self, name):
        self.state = np.random.RandomState(zlib.crc32(name.encode()))

    def normal(self, *shape, scale=1.0):
        return self.rounded(scale * self.state.standard_normal(shape))

    def uniform(self, *shape, low=0.0, high=1.0):
        return self.rounded(self.state.uniform(low, high, shape))

    @staticmethod
    def rounded(values):
        return (np.round(values * 1024) / 1024).astype(np.float32)

    def integers(self, count, *shape):
        return self.state.randint(0, count, shape).astype(np.int32)


def as_tensor(array):
    return torch.from_numpy(array.astype(np.int64 if array.dtype == np.int32 else np.float64))


def stored(tensor):
    array = tensor.detach().numpy()
    return np.ascontiguousarray(array, np.int32 if array.dtype == np.int64 else np.float32)


def case(node, name, options, inputs, function, parameters=None, state=None, evaluation=False, upstream=None,
         samples=None):
    """Computes one case and adds it to the node's file.

    inputs, parameters, state: {name: what a Draw is asked for}, e.g. {"x": lambda d: d.normal(3, 4)}
    function(inputs, parameters, state) -> {output port: tensor}; it may change `state` in place
    evaluation: the case is of the eval mode, not of training
    upstream: the outputs that get a gradient (default: every floating-point one)
    samples: where the batch axis holds several rows of each sample
    """
    draw = Draw(f"{node}/{name}")
    arrays = FILES.setdefault(node, {})

    def put(kind, port, array):
        arrays[f"{name}/{kind}/{port}"] = array

    def make(makers, kind, wants_gradient):
        tensors = {}
        for port, maker in (makers or {}).items():
            array = maker(draw)
            put(kind, port, array)
            tensors[port] = as_tensor(array)
            if wants_gradient and tensors[port].is_floating_point():
                tensors[port].requires_grad_()
        return tensors

    x = make(inputs, "in", True)
    p = make(parameters, "param", True)
    s = make(state, "state_before", False)
    y = function(x, p, s)

    total = 0
    for port, tensor in y.items():
        put("out", port, stored(tensor))
        if tensor.requires_grad and (upstream is None or port in upstream):
            gradient = draw.normal(*tensor.shape)
            put("diff_out", port, gradient)
            total = total + (tensor * as_tensor(gradient)).sum()
    if torch.is_tensor(total):
        total.backward()
    for kind, tensors in (("diff_in", x), ("diff_param", p)):
        for port, tensor in tensors.items():
            if tensor.grad is not None:
                put(kind, port, stored(tensor.grad))
    for port, tensor in s.items():
        put("state_after", port, stored(tensor))
    if samples is not None:
        arrays[f"{name}/samples"] = np.array([samples], np.int32)
    if evaluation:
        arrays[f"{name}/eval"] = np.ones(1, np.uint8)
    arrays[f"{name}/options"] = np.frombuffer(json.dumps(options, sort_keys=True).encode(), np.uint8)


def channels_first(t):
    return t.movedim(-1, 1)


def channels_last(t):
    return t.movedim(1, -1)


def write(nodes):
    for node in nodes:
        arrays = {key: FILES[node][key] for key in sorted(FILES[node])}
        path = FOLDER / f"{node}.npz"
        np.savez_compressed(path, **arrays)
        cases = len({key.split("/")[0] for key in arrays})
        print(f"{path.name}: {cases} cases, {path.stat().st_size / 1024:.1f} KiB")


def check(nodes):
    """The files' arrays equal what this PyTorch computes; returns the number of differences."""
    problems = 0
    for node in nodes:
        with np.load(FOLDER / f"{node}.npz") as file:
            for key in sorted(set(file.files) | set(FILES[node])):
                if key not in file.files or key not in FILES[node]:
                    problem = "is only on one side"
                elif file[key].shape != FILES[node][key].shape or not np.allclose(
                        file[key], FILES[node][key], rtol=1e-6, atol=1e-6):
                    problem = "differs"
                else:
                    continue
                print(f"{node}.npz: {key} {problem}")
                problems += 1
    return problems
