#!/usr/bin/python3
"""Writes tests/nodes/optimizer/optimizer_golden.h: weights after each of several steps of torch.optim's optimizers.

Run with a PyTorch at hand: python3 tests/golden/make_optimizer_golden.py > tests/nodes/optimizer/optimizer_golden.h
The gradients are fixed numbers, so that the tables test the update rules alone.
"""
import torch

STEPS, COUNT = 6, 4
LEARNING_RATES = [0.1, 0.1, 0.05, 0.05, 0.02, 0.02]  # a schedule
CASES = {  # name: (class, its arguments, our type, our options)
    "adam": (torch.optim.Adam, {}, "adam", {}),
    "adam_decay": (torch.optim.Adam, dict(betas=(0.5, 0.9), eps=1e-3, weight_decay=0.1), "adam",
                   dict(beta1=0.5, beta2=0.9, epsilon=1e-3, weight_decay=0.1)),
    "adamw": (torch.optim.AdamW, {}, "adamw", {}),
    "adamw_decay": (torch.optim.AdamW, dict(weight_decay=0.3), "adamw", dict(weight_decay=0.3)),
    "sgd": (torch.optim.SGD, dict(lr=0.1), "sgd", {}),
    "sgd_momentum": (torch.optim.SGD, dict(lr=0.1, momentum=0.9, dampening=0.2, weight_decay=0.1), "sgd",
                     dict(momentum=0.9, dampening=0.2, weight_decay=0.1)),
    "sgd_nesterov": (torch.optim.SGD, dict(lr=0.1, momentum=0.9, nesterov=True), "sgd", dict(momentum=0.9, nesterov=1)),
    "rmsprop": (torch.optim.RMSprop, {}, "rmsprop", {}),
    "rmsprop_centered": (torch.optim.RMSprop, dict(alpha=0.9, momentum=0.5, centered=True, weight_decay=0.1), "rmsprop",
                         dict(alpha=0.9, momentum=0.5, centered=1, weight_decay=0.1)),
    "rmsprop_mean": (torch.optim.RMSprop, dict(alpha=0.8, centered=True), "rmsprop", dict(alpha=0.8, centered=1)),
    "adamax": (torch.optim.Adamax, {}, "adamax", {}),
    "adamax_decay": (torch.optim.Adamax, dict(weight_decay=0.2, betas=(0.8, 0.95)), "adamax",
                     dict(weight_decay=0.2, beta1=0.8, beta2=0.95)),
}


def numbers(values):
    return "{" + ", ".join(f"{v:.9g}" for v in values) + "}"


def main():
    torch.manual_seed(1)
    start = torch.round(torch.randn(COUNT), decimals=3)
    gradients = torch.round(torch.randn(STEPS, COUNT) * torch.tensor([1.0, 0.1, 10.0, 0.001]), decimals=5)
    print("// Written by tests/golden/make_optimizer_golden.py with PyTorch", torch.__version__.split("+")[0] + "; do not edit.")
    print("#pragma once\n\n#include <map>\n#include <string>\n#include <vector>\n")
    print("namespace loom::check {\n")
    print("struct OptimizerGolden {\n  std::string name, type;\n  std::map<std::string, double> options;")
    print("  std::vector<std::vector<float>> weights;  // after each step\n};\n")
    print(f"inline const std::vector<double> kGoldenRates = {numbers(LEARNING_RATES)};")
    print(f"inline const std::vector<float> kGoldenStart = {numbers(start.tolist())};")
    print("inline const std::vector<std::vector<float>> kGoldenGradients = {")
    for row in gradients:
        print(f"    {numbers(row.tolist())},")
    print("};\ninline const std::vector<OptimizerGolden> kOptimizerGolden = {")
    for name, (kind, arguments, ours, options) in CASES.items():
        weight = start.clone().requires_grad_()
        optimizer = kind([weight], **arguments)
        listed = ", ".join(f'{{"{k}", {v:g}}}' for k, v in options.items())
        print(f'    {{"{name}", "{ours}", {{{listed}}},\n     {{')
        for step in range(STEPS):
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATES[step]
            weight.grad = gradients[step].clone()
            optimizer.step()
            print(f"         {numbers(weight.detach().tolist())},")
        print("     }},")
    print("};\n\n}  // namespace loom::check")


if __name__ == "__main__":
    main()
