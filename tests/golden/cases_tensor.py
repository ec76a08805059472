"""Golden cases of products of matrices, and of the nodes that choose values by place."""
import torch

from golden import case


def matmul(name, a, b, **options):
    def function(x, p, s):
        left = x["a"].transpose(-1, -2) if options.get("transpose_a") else x["a"]
        right = x["b"].transpose(-1, -2) if options.get("transpose_b") else x["b"]
        return {"y": left @ right}

    case("matmul", name, options, {"a": lambda d: d.normal(*a), "b": lambda d: d.normal(*b)}, function)


def einsum(name, equation, *shapes):
    inputs = {f"x{i}": lambda d, shape=shape: d.normal(*shape) for i, shape in enumerate(shapes)}
    case("einsum", name, {"equation": equation}, inputs,
         lambda x, p, s: {"y": torch.einsum(equation, *x.values())})


def gather(name, shape, index, axis):
    def function(x, p, s):
        return {"y": x["x"].gather(axis, x["index"])}

    case("gather", name, {"axis": axis, "aligned": True},
         {"x": lambda d: d.normal(*shape), "index": lambda d: d.integers(shape[axis], *index)}, function)


def tokens(name, shape, count):
    def function(x, p, s):
        index = x["index"][..., None].expand(-1, -1, shape[-1])
        return {"y": x["x"].gather(1, index)}

    case("gather", name, {"axis": 1},
         {"x": lambda d: d.normal(*shape), "index": lambda d: d.integers(shape[1], shape[0], count)}, function)


def ordered(node, name, shape, function, **options):
    def both(x, p, s):
        values, index = function(x["x"])
        return {"y": values, "index": index}

    case(node, name, options, {"x": lambda d: d.normal(*shape)}, both)


def add_cases():
    matmul("plain", (3, 4, 5), (3, 5, 6))
    matmul("both_transposed", (3, 5, 4), (3, 6, 5), transpose_a=True, transpose_b=True)
    matmul("heads", (2, 3, 4, 5), (2, 3, 5, 2))
    matmul("broadcast", (2, 1, 4, 5), (2, 3, 5, 2))
    einsum("attention", "nqhd,nkhd->nhqk", (2, 4, 3, 5), (2, 6, 3, 5))
    einsum("bilinear", "ni,nij,nj->n", (3, 4), (3, 4, 5), (3, 5))
    einsum("trace", "nii->n", (3, 4, 4))
    einsum("outer", "ni,nj->nij", (3, 4), (3, 5))
    einsum("sum_of_rows", "nij,nik->nk", (3, 4, 5), (3, 4, 2))

    gather("last", (3, 4, 5), (3, 4, 2), 2)
    gather("middle", (3, 6, 4), (3, 3, 4), 1)
    tokens("tokens", (3, 7, 4), 5)

    ordered("sort", "last", (3, 9), lambda x: x.sort(stable=True, dim=-1), axis=-1)
    ordered("sort", "descending", (3, 6, 2), lambda x: x.sort(stable=True, dim=1, descending=True), axis=1, descending=True)
    ordered("top_k", "largest", (3, 9), lambda x: x.topk(4, -1), k=4)
    ordered("top_k", "smallest", (3, 6, 2), lambda x: x.topk(2, 1, largest=False), k=2, axis=1, largest=False)
