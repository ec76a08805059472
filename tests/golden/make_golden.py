#!/usr/bin/python3
"""make_golden.py [--check] [NODE...]: writes (or checks) the golden files of the nodes named, by default of all.

Needs PyTorch and NumPy, nothing else. README.md describes the files.
"""
import argparse
import sys

import cases_autoregressive
import cases_categorical
import cases_continuous
import cases_finite_scalar
import cases_latent
import cases_layers
import cases_linear_conv
import cases_masked
import cases_quantizer
import cases_sequence
import cases_shapes
import cases_squeeze_excitation
import cases_tensor
import golden

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
parser.add_argument("nodes", nargs="*", metavar="NODE")
arguments = parser.parse_args()

for module in (cases_autoregressive, cases_linear_conv, cases_layers, cases_shapes, cases_latent, cases_continuous,
               cases_quantizer, cases_sequence, cases_masked, cases_finite_scalar, cases_categorical,
               cases_squeeze_excitation, cases_tensor):
    module.add_cases()
unknown = sorted(set(arguments.nodes) - set(golden.FILES))
if unknown:
    sys.exit(f"no cases for {', '.join(unknown)}; there are: {', '.join(sorted(golden.FILES))}")
nodes = sorted(arguments.nodes or golden.FILES)
if arguments.check:
    problems = golden.check(nodes)
    print(f"{len(nodes)} files checked, {problems} differences")
    sys.exit(1 if problems else 0)
golden.write(nodes)
