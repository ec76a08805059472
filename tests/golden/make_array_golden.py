#!/usr/bin/python3
"""Writes tests/golden/arrays.npz: arrays of every kind that NumPy saves, and their values as f32 in C order.

Run with a NumPy at hand: python3 tests/golden/make_array_golden.py
Array K is stored as NumPy saves it, and K_values holds array.astype('<f4') in C order.
"""
import pathlib

import numpy as np

KINDS = ["<f2", "<f4", "<f8", ">f2", ">f4", ">f8", "|i1", "<i2", "<i4", "<i8", ">i2", ">i4", ">i8", "|u1", "<u2", "<u4",
         "<u8", ">u2", ">u4", ">u8", "|b1"]


def values(kind, shape, random):
    if kind[1] == "f":
        array = random.normal(size=shape) * 10.0 ** random.integers(-6, 4, size=shape)
        array.flat[:3] = [0.0, 6.0e-8, -65504.0]  # half precision: zero, the smallest number, the largest
        return array.astype(kind)
    if kind[1] == "b":
        return random.random(shape) < 0.5
    limits = np.iinfo(kind)
    array = random.integers(max(limits.min, -2**31), min(limits.max, 2**31 - 1), size=shape, endpoint=True)
    return array.astype(kind)


def main():
    random = np.random.default_rng(1)
    arrays = {}
    for kind in KINDS:
        for order in "CF":
            array = np.asarray(values(kind, (3, 4, 2, 3), random), order=order)
            name = kind.replace("<", "little_").replace(">", "big_").replace("|", "") + "_" + order
            arrays[name] = array
            arrays[name + "_values"] = np.ascontiguousarray(array.astype("<f4"))
    path = pathlib.Path(__file__).resolve().parent / "arrays.npz"
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main()
