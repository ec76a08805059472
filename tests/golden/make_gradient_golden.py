#!/usr/bin/python3
"""make_gradient_golden.py [-]: writes gradient.npz, or standard output: losses of gradients and their derivatives by PyTorch's double backward.

In double precision, from float32 inputs. Needs PyTorch and NumPy, nothing else. A file's arrays are named CASE/...:

    graph             a document, as bytes; the loss is `losses/penalty`, the gradient the node `slope`
    in/NAME           values of its inputs
    param/PATH        its parameters
    slope             the gradient
    loss              [N] the loss
    gradient/PATH     the derivative of the mean of the loss by a parameter
"""
import io
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)


class Case:
    """Parameters and inputs as they are asked for; their values follow from the case's name and their order."""

    def __init__(self, name):
        self.name, self.arrays = name, {}
        self.random = np.random.default_rng(zlib.crc32(name.encode()))
        self.parameters = {}

    def draw(self, kind, name, shape, scale=1.0):
        value = (self.random.standard_normal(shape) * scale).astype(np.float32)
        self.arrays[f"{kind}/{name}"] = value
        return torch.tensor(value, dtype=torch.float64)

    def input(self, name, shape):
        return self.draw("in", name, shape)

    def parameter(self, name, shape, scale=0.4):
        self.parameters[name] = self.draw("param", name, shape, scale).requires_grad_()
        return self.parameters[name]

    def linear(self, name, x, units):
        w, b = self.parameter(name + ".weight", (units, x.shape[-1])), self.parameter(name + ".bias", (units,))
        return x @ w.T + b

    def conv(self, name, x, filters, kernel, **options):
        groups = options.get("groups", 1)
        w = self.parameter(name + ".weight", (filters, x.shape[-1] // groups, kernel, kernel))
        b = self.parameter(name + ".bias", (filters,))
        return F.conv2d(x.permute(0, 3, 1, 2), w, b, **options).permute(0, 2, 3, 1)

    def conv_transpose(self, name, x, filters, kernel, **options):
        w = self.parameter(name + ".weight", (x.shape[-1], filters, kernel, kernel))
        b = self.parameter(name + ".bias", (filters,))
        return F.conv_transpose2d(x.permute(0, 3, 1, 2), w, b, **options).permute(0, 2, 3, 1)

    def finish(self, graph, slope, loss):
        self.arrays["graph"] = np.frombuffer(graph.encode(), np.uint8)
        self.arrays["slope"] = slope.detach().numpy().astype(np.float32)
        self.arrays["loss"] = loss.detach().numpy().astype(np.float32)
        names = list(self.parameters)
        gradients = torch.autograd.grad(loss.mean(), [self.parameters[n] for n in names], allow_unused=True)
        for name, gradient in zip(names, gradients):
            gradient = torch.zeros_like(self.parameters[name]) if gradient is None else gradient
            self.arrays["gradient/" + name] = gradient.numpy().astype(np.float32)
        return {f"{self.name}/{key}": value for key, value in self.arrays.items()}


def slope_of(value, at):
    return torch.autograd.grad(value.sum(), at, create_graph=True)[0]


def square_norm(g):
    return g.flatten(1).square().sum(1)


# The critic of the first two cases: [N, 6, 6, 2] to a score.
CRITIC = """  critic_conv1: {type: conv, in: IN, filters: 4, kernel: 4, stride: 2, padding: 1, activation: leaky_relu}
  critic_conv2: {type: conv, in: critic_conv1, filters: 6, kernel: 3, padding: 1, activation: tanh}
  flat: {type: flatten, in: critic_conv2}
  critic_hidden: {type: linear, in: flat, units: 5}
  soft: {type: activation, in: critic_hidden, function: softplus}
  critic: {type: linear, in: soft, units: 1}
"""


def critic(case, x):
    h = F.leaky_relu(case.conv("critic_conv1", x, 4, 4, stride=2, padding=1), 0.01)
    h = torch.tanh(case.conv("critic_conv2", h, 6, 3, padding=1))
    h = F.softplus(case.linear("critic_hidden", h.flatten(1), 5))
    return case.linear("critic", h, 1)


def wgan_gp():
    case = Case("wgan_gp")
    x, fake, u = case.input("x", (5, 6, 6, 2)), case.input("fake", (5, 6, 6, 2)), case.input("u", (5, 1, 1, 1))
    mixed = (u * x + (1 - u) * fake).requires_grad_()
    slope = slope_of(critic(case, mixed), mixed)
    loss = 10 * (square_norm(slope).sqrt() - 1) ** 2
    return case.finish("""version: 1
nodes:
  x: {type: input, shape: [6, 6, 2]}
  fake: {type: input, shape: [6, 6, 2]}
  u: {type: input, shape: [1, 1, 1]}
  mixed: {type: expr, in: {x: x, f: fake, u: u}, y: "u * x + (1 - u) * f"}
""" + CRITIC.replace("IN", "mixed") + """  slope: {type: gradient, in: {of: critic, at: mixed}}
losses:
  penalty: {expr: "10 * (sqrt(sum(g ^ 2)) - 1) ^ 2", in: {g: slope}}
""", slope, loss)


def r1():
    case = Case("r1")
    x = case.input("x", (5, 6, 6, 2)).requires_grad_()
    slope = slope_of(critic(case, x), x)
    return case.finish("version: 1\nnodes:\n  x: {type: input, shape: [6, 6, 2]}\n" + CRITIC.replace("IN", "x") +
                       """  slope: {type: gradient, in: {of: critic, at: x}}
losses:
  penalty: {expr: "5 * sum(g ^ 2)", in: {g: slope}}
""", slope, 5 * square_norm(slope))


# A gradient that both a generator and a critic move, through nodes with several inputs.
def generated():
    case = Case("generated")
    z = case.input("z", (4, 3))
    h = F.silu(case.linear("generator_linear", z, 8)).reshape(4, 2, 2, 2)
    image = case.conv_transpose("generator_up", h, 4, 4, stride=2, padding=1)
    a = F.gelu(case.conv("critic_a", image, 4, 3, padding=1, groups=2))
    b = torch.sigmoid(case.conv("critic_b", image, 4, 3, padding=1))
    gated = torch.cat([a * b, image], dim=-1) + 0.5 * torch.cat([b, a], dim=-1)
    pooled = F.avg_pool2d(gated.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1).flatten(1)
    score = case.linear("critic_score", F.mish(pooled), 2)
    value = (score[:, 0] ** 2 + torch.sin(score[:, 1]))
    slope = slope_of(value, image)
    return case.finish("""version: 1
nodes:
  z: {type: input, shape: [3]}
  generator_linear: {type: linear, in: z, units: 8, activation: silu}
  small: {type: reshape, in: generator_linear, shape: [2, 2, 2]}
  generator_up: {type: conv_transpose, in: small, filters: 4, kernel: 4, stride: 2, padding: 1}
  critic_a: {type: conv, in: generator_up, filters: 4, kernel: 3, padding: 1, groups: 2, activation: gelu}
  critic_b: {type: conv, in: generator_up, filters: 4, kernel: 3, padding: 1, activation: sigmoid}
  product: {type: multiply, in: [critic_a, critic_b]}
  left: {type: concat, in: [product, generator_up]}
  right: {type: concat, in: [critic_b, critic_a]}
  half: {type: expr, in: {r: right}, y: "r / 2"}
  both: {type: add, in: [left, half]}
  pool: {type: pool, in: both, kind: average}
  flat: {type: flatten, in: pool}
  mish: {type: activation, in: flat, function: mish}
  critic_score: {type: linear, in: mish, units: 2}
  parts: {type: split, in: critic_score, parts: 2}
  value: {type: expr, in: {a: parts.y0, b: parts.y1}, y: "sum(a ^ 2 + sin(b))"}
  slope: {type: gradient, in: {of: value, at: generator_up}}
losses:
  penalty: {expr: "log1p(sum(g ^ 2)) + sum(g * image)", in: {g: slope, image: generator_up}}
""", slope, torch.log1p(square_norm(slope)) + (slope * image).flatten(1).sum(1))


def main():
    arrays = {}
    for case in (wgan_gp, r1, generated):
        arrays.update(case())
    memory = io.BytesIO()
    np.savez_compressed(memory, **arrays)
    if sys.argv[1:] == ["-"]:
        sys.stdout.buffer.write(memory.getvalue())
    else:
        (Path(__file__).resolve().parent / "gradient.npz").write_bytes(memory.getvalue())


main()
