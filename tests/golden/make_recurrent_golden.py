#!/usr/bin/python3
"""Writes recurrent.npz: PyTorch's GRU and LSTM, in double precision, stored as float32.

CELL/x, CELL/h (and lstm/c): inputs; CELL/weight_ih, bias_ih, weight_hh, bias_hh; CELL/y, CELL/h_last (c_last): outputs.
The loss is sum(y * CELL/dy) + sum(h_last * CELL/dh) (+ sum(c_last * lstm/dc)); CELL/grad/NAME: its gradients.
"""
import numpy as np
import torch

SAMPLES, STEPS, CHANNELS, HIDDEN = 3, 6, 4, 5
state = np.random.RandomState(7)
arrays = {}


def drawn(name, *shape):
    arrays[name] = (np.round(state.standard_normal(shape) * 512) / 1024).astype(np.float32)
    return torch.from_numpy(arrays[name].astype(np.float64)).requires_grad_()


for cell, count in (("gru", 3), ("lstm", 4)):
    net = getattr(torch.nn, cell.upper())(CHANNELS, HIDDEN, batch_first=True).double()
    x, h = drawn(f"{cell}/x", SAMPLES, STEPS, CHANNELS), drawn(f"{cell}/h", SAMPLES, HIDDEN)
    inputs = {"x": x, "h": h}
    first = h[None]
    if cell == "lstm":
        inputs["c"] = drawn(f"{cell}/c", SAMPLES, HIDDEN)
        first = (first, inputs["c"][None])
    shapes = {"weight_ih": (count * HIDDEN, CHANNELS), "bias_ih": (count * HIDDEN,),
              "weight_hh": (count * HIDDEN, HIDDEN), "bias_hh": (count * HIDDEN,)}
    weights = {name: drawn(f"{cell}/{name}", *shape) for name, shape in shapes.items()}
    for name, value in weights.items():
        getattr(net, name + "_l0").data = value.data
    y, last = net(x, first)
    outputs = {"y": y, "h_last": last[0] if cell == "gru" else last[0][0]}
    if cell == "lstm":
        outputs["c_last"] = last[1][0]
    loss = 0
    for name, upstream in (("y", "dy"), ("h_last", "dh"), ("c_last", "dc")):
        if name in outputs:
            arrays[f"{cell}/{name}"] = outputs[name].detach().numpy().astype(np.float32)
            loss = loss + (outputs[name] * drawn(f"{cell}/{upstream}", *outputs[name].shape).detach()).sum()
    loss.backward()
    for name, value in inputs.items():
        arrays[f"{cell}/grad/{name}"] = value.grad.numpy().astype(np.float32)
    for name in shapes:
        arrays[f"{cell}/grad/{name}"] = getattr(net, name + "_l0").grad.numpy().astype(np.float32)
np.savez_compressed("recurrent.npz", **{name: arrays[name] for name in sorted(arrays)})
