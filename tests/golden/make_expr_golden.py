#!/usr/bin/python3
"""make_expr_golden.py [--check]: writes (or checks) expr.npz, random formulas with what PyTorch makes of them.

A formula is drawn as a tree that is at once a text and a function of PyTorch. Its value and its gradients, for weights of
the outputs, are computed in double precision from float32 inputs. Formulas on which single precision alone loses more
than 2e-6 are drawn again: they would compare rounding errors. Needs PyTorch and NumPy, nothing else.

    inputs/NAME     [3, ...]  the inputs, the same for all formulas
    weights         weights of an output's values, in their order, from the first on
    formulas        a JSON list, as bytes: [{"y": text, "shape": [...], "gradients": [names]}, ...]
    expected        the values of all formulas and, behind those of each, its gradients, one after the other
"""
import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
PATH = Path(__file__).resolve().parent / "expr.npz"
COUNT, SAMPLES, SEED = 400, 3, 20240
SHAPES = {"a": (4, 5), "b": (4, 5), "c": (5,), "d": (1, 5), "e": (4, 1), "f": (2, 4, 5), "s": (), "p": (4, 5), "q": (5,)}
POSITIVE = ("p", "q")
LOSS_IN_SINGLE = 2e-6


class Formula:
    """A text, and a function of a dictionary of tensors, whose shape is that of its value for one sample."""

    def __init__(self, text, function, shape, atom=False):
        self.text, self.function, self.shape, self.atom = text, function, shape, atom

    def bracketed(self):
        return self.text if self.atom else f"({self.text})"


def aligned(x, rank):
    """The axes of a sample are broadcast from the last; the samples stay in front."""
    return x.reshape(x.shape[:1] + (1,) * (rank - x.dim() + 1) + x.shape[1:])


def together(function, *values):
    rank = max(v.dim() for v in values) - 1
    return function(*[aligned(v, rank) for v in values])


def shape_of(*shapes):
    return tuple(np.broadcast_shapes(*shapes))


def call(name, function, *arguments):
    shape = shape_of(*[a.shape for a in arguments])
    return Formula(f"{name}({', '.join(a.text for a in arguments)})",
                   lambda x: together(function, *[a.function(x) for a in arguments]), shape, True)


def operator(symbol, function, left, right):
    return Formula(f"{left.bracketed()} {symbol} {right.bracketed()}",
                   lambda x: together(function, left.function(x), right.function(x)), shape_of(left.shape, right.shape))


def number(value):
    return Formula(repr(value), lambda x: torch.full((SAMPLES,), value, dtype=x["a"].dtype), (), value >= 0)


class Drawer:
    def __init__(self, seed):
        self.random = np.random.RandomState(seed)

    def choose(self, items):
        return items[self.random.randint(len(items))]

    def leaf(self, positive):
        if self.random.rand() < 0.15:
            value = round(float(self.random.uniform(0.3, 2.5)), 2)
            return number(value if positive or self.random.rand() < 0.6 else -value)
        name = self.choose([n for n in SHAPES if not positive or n in POSITIVE])
        return Formula(name, lambda x: x[name], SHAPES[name], True)

    def formula(self, depth, positive=False):
        if depth == 0:
            return self.leaf(positive)
        for _ in range(50):
            try:
                made = (self.positive if positive else self.any)(depth - 1)
                if len(made.shape) <= 3:
                    return made
            except ValueError:  # shapes that cannot be broadcast
                pass
        return self.leaf(positive)

    def any(self, depth):
        x, pos = lambda: self.formula(depth), lambda: self.formula(depth, True)
        kind = self.random.randint(12)
        if kind <= 2:
            symbol, function = self.choose([("+", torch.add), ("-", torch.sub), ("*", torch.mul)])
            return operator(symbol, function, x(), x())
        if kind == 3:
            return operator("/", torch.div, x(), pos())
        if kind == 4:
            name, function = self.choose([("log", torch.log), ("lgamma", torch.lgamma), ("digamma", torch.digamma)])
            return call(name, function, pos())
        if kind <= 6:
            name, function = self.choose([
                ("tanh", torch.tanh), ("sin", torch.sin), ("cos", torch.cos), ("erf", torch.erf), ("abs", torch.abs),
                ("floor", torch.floor), ("round", torch.round), ("sigmoid", torch.sigmoid), ("softplus", F.softplus),
                ("stop", lambda v: v.detach())])
            return call(name, function, x())
        if kind == 7:
            name, function = self.choose([("min", torch.minimum), ("max", torch.maximum)])
            return call(name, function, x(), x())
        if kind == 8:
            return self.where(x(), x(), x(), x())
        if kind == 9:
            return self.along(x())
        if kind == 10:
            return self.reduction(x(), self.choose(["sum", "mean", "max", "min", "logsumexp", "var", "prod"]))
        value = x()
        return Formula(f"-{value.bracketed()}", lambda t: -value.function(t), value.shape)

    def positive(self, depth):
        x, pos = lambda: self.formula(depth), lambda: self.formula(depth, True)
        kind = self.random.randint(9)
        if kind == 0:
            return operator("+", torch.add, call("softplus", F.softplus, x()), number(0.2))
        if kind == 1:
            return call("exp", torch.exp, call("tanh", torch.tanh, x()))
        if kind == 2:
            return operator("+", torch.add, pos(), pos())
        if kind == 3:
            return operator("*", torch.mul, pos(), pos())
        if kind == 4:
            name, function = self.choose([("sqrt", torch.sqrt), ("rsqrt", torch.rsqrt), ("log1p", torch.log1p),
                                          ("expm1", torch.expm1), ("trigamma", lambda v: torch.polygamma(1, v))])
            return call(name, function, pos())
        if kind == 5:
            return self.power(pos(), x())
        if kind == 6:
            low, high = number(0.5), number(1.5)
            return call("clip", torch.clamp, x(), low, high)
        if kind == 7:
            return operator("+", torch.add, self.softmax(x()), number(0.1))
        return self.reduction(pos(), self.choose(["sum", "mean", "max", "min"]))

    def power(self, base, exponent):
        if self.random.rand() < 0.5:
            value = self.choose([2, 3, 0.5, -1, 1.7, -0.5, 4])
            return Formula(f"{base.bracketed()}^{value}", lambda x: base.function(x) ** value, base.shape)
        return call("pow", torch.pow, base, call("tanh", torch.tanh, exponent))

    def where(self, left, right, yes, no):
        symbol, function = self.choose([("<", torch.lt), ("<=", torch.le), (">", torch.gt), (">=", torch.ge)])
        condition = operator(symbol, lambda u, v: function(u, v).to(u.dtype), left, right)
        return call("where", lambda c, u, v: torch.where(c != 0, u, v), condition, yes, no)

    def axis(self, value):
        """(as the text says it, as PyTorch counts it)"""
        place = self.random.randint(len(value.shape))
        from_end = self.random.rand() < 0.5
        return (place - len(value.shape) if from_end else place + 1), place + 1

    def along(self, value):
        if not value.shape:
            raise ValueError
        name, function = self.choose([("softmax", torch.softmax), ("log_softmax", torch.log_softmax),
                                      ("cumsum", torch.cumsum)])
        if self.random.rand() < 0.3:
            return Formula(f"{name}({value.text})", lambda x: function(value.function(x), -1), value.shape, True)
        text, axis = self.axis(value)
        return Formula(f"{name}({value.text}, axis={text})", lambda x: function(value.function(x), axis), value.shape, True)

    def softmax(self, value):
        if not value.shape:
            raise ValueError
        text, axis = self.axis(value)
        return Formula(f"softmax({value.text}, axis={text})", lambda x: torch.softmax(value.function(x), axis), value.shape, True)

    def reduction(self, value, name):
        if not value.shape:
            raise ValueError
        rank, keep = len(value.shape), bool(self.random.rand() < 0.5)
        if self.random.rand() < 0.35:
            axes, said = list(range(1, rank + 1)), ""
        else:
            count = self.random.randint(1, rank + 1)
            axes = sorted(int(i) + 1 for i in self.random.permutation(rank)[:count])
            numbers = [axis - rank - 1 if self.random.rand() < 0.5 else axis for axis in axes]
            said = f", axis={numbers[0]}" if len(numbers) == 1 else f", axis=[{', '.join(map(str, numbers))}]"
        shape = tuple(1 if i + 1 in axes else n for i, n in enumerate(value.shape) if keep or i + 1 not in axes)
        return Formula(f"{name}({value.text}{said}{', keep' if keep else ''})",
                       lambda x: reduced(name, value.function(x), axes, keep), shape, True)


def reduced(name, x, axes, keep):
    functions = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin, "logsumexp": torch.logsumexp}
    if name == "var":
        return torch.var(x, axes, correction=0, keepdim=keep)
    if name == "prod":
        for axis in sorted(axes, reverse=True):
            x = torch.prod(x, axis, keepdim=keep)
        return x
    return functions[name](x, axes, keepdim=keep)


def computed(formula, inputs, weights, dtype):
    x = {name: torch.from_numpy(array).to(dtype).requires_grad_() for name, array in inputs.items()}
    y = formula.function(x)
    if tuple(y.shape[1:]) != formula.shape:
        raise AssertionError(f"{formula.text}: {tuple(y.shape)}, and not {formula.shape}")
    gradients = {}
    if y.requires_grad:
        (y.reshape(-1) * torch.from_numpy(weights[:y.numel()]).to(dtype)).sum().backward()
        gradients = {name: t.grad.double().numpy() for name, t in x.items() if t.grad is not None}
    return y.detach().double().numpy(), gradients


def is_well_conditioned(double, single):
    for exact, rounded in zip([double[0], *double[1].values()], [single[0], *single[1].values()]):
        scale = np.abs(exact).max()
        if not np.isfinite(exact).all() or scale > 1e4 or (scale > 0 and scale < 1e-4):
            return False
        if np.abs(exact - rounded).max() > LOSS_IN_SINGLE * scale:
            return False
    return True


def make():
    state = np.random.RandomState(SEED)
    inputs = {}
    for name, shape in SHAPES.items():
        values = state.uniform(0.2, 3, (SAMPLES, *shape)) if name in POSITIVE else state.standard_normal((SAMPLES, *shape))
        inputs[name] = (np.round(values * 1024) / 1024).astype(np.float32)
    weights = (np.round(state.standard_normal(SAMPLES * 2 * 4 * 5) * 1024) / 1024).astype(np.float32)
    formulas, expected, seen = [], [], set()
    drawer = Drawer(SEED)
    while len(formulas) < COUNT:
        formula = drawer.formula(1 + len(formulas) % 5)
        if formula.text in seen or len(formula.text) > 300 or formula.text.count("(") < len(formulas) % 5:
            continue
        seen.add(formula.text)
        double = computed(formula, inputs, weights, torch.float64)
        if not double[1] or not is_well_conditioned(double, computed(formula, inputs, weights, torch.float32)):
            continue
        formulas.append({"y": formula.text, "shape": list(formula.shape), "gradients": list(double[1])})
        expected += [double[0].reshape(-1), *[g.reshape(-1) for g in double[1].values()]]
    arrays = {f"inputs/{name}": array for name, array in inputs.items()}
    arrays["weights"] = weights
    arrays["formulas"] = np.frombuffer(json.dumps(formulas).encode(), np.uint8)
    arrays["expected"] = np.concatenate(expected).astype(np.float32)
    return arrays


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--check", action="store_true", help="compare with the file instead of writing it")
parser.add_argument("--to", type=Path, default=PATH, help="the file")
arguments = parser.parse_args()
made = make()
if arguments.check:
    with np.load(arguments.to) as file:
        same = set(file.files) == set(made) and all(
            file[k].shape == made[k].shape and np.allclose(file[k], made[k], rtol=1e-6, atol=1e-6) for k in made)
    print(f"{arguments.to.name}: {'as computed here' if same else 'differs'}")
    sys.exit(0 if same else 1)
np.savez_compressed(arguments.to, **made)
print(f"{arguments.to.name}: {COUNT} formulas, {arguments.to.stat().st_size / 1024:.1f} KiB")
