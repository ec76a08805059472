#!/usr/bin/python3
"""Writes tests/nodes/latent/von_mises_fisher_values.h: what a von Mises-Fisher's kappa determines, by mpmath with 60 digits."""
from pathlib import Path

from mpmath import besseli, gamma, log, mp, mpf, pi

mp.dps = 60


def row(m, kappa):
    kappa, nu = mpf(kappa), mpf(m) / 2 - 1
    mean = besseli(nu + 1, kappa) / besseli(nu, kappa)
    variance = 1 - mean ** 2 - (m - 1) / kappa * mean
    log_m = log(gamma(nu + 1)) - nu * log(kappa / 2) + log(besseli(nu, kappa))
    values = ", ".join(mp.nstr(v, 17) for v in (log_m, mean, variance, kappa * mean - log_m))
    return f"    {{{m}, {mp.nstr(kappa, 17)}, {values}}},"


rows = [row(m, kappa) for m in (2, 3, 5, 10, 33, 64, 512)
        for kappa in ("0.001", "0.1", "1", "7.5", "59.9", "60.1", "300", "10000")]
(Path(__file__).resolve().parents[1] / "nodes/latent/von_mises_fisher_values.h").write_text("""// Written by tests/golden/make_von_mises_fisher.py.
#pragma once

struct ReferenceValue {
  int dim;
  double kappa, log_m, mean, variance, kl;
};

// clang-format off
inline constexpr ReferenceValue kReference[] = {
""" + "\n".join(rows) + """
};
// clang-format on
""")
