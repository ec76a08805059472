"""The formula of the paper in PyTorch, rounding with a straight-through gradient."""
import golden
import torch


def quantizer(levels):
    count = torch.tensor(levels)
    half, offset = (count - 1).double() * (1 - 1e-3) / 2, torch.where(count % 2 == 1, 0.0, 0.5).double()
    basis = torch.cumprod(torch.tensor([1] + levels[:-1]), 0)

    def function(x, p, s):
        bounded = torch.tanh(x["x"] + torch.atanh(offset / half)) * half - offset
        rounded = bounded + (torch.round(bounded) - bounded).detach()
        digits = (torch.round(bounded) + count // 2).long()
        codes = (digits * basis).sum(-1)
        shares = torch.bincount(codes.flatten(), minlength=int(count.prod())).double() / codes.numel()
        s["perplexity"][:] = torch.exp(-torch.special.xlogy(shares, shares).sum())
        s["unused_for"][:] = torch.where(shares > 0, 0.0, s["unused_for"] + 1)
        return {"quantized": rounded / (count // 2), "codes": codes}
    return function


def add_cases():
    for name, levels, shape in (("image", [8, 5, 5], (3, 4, 4)), ("even", [4, 8, 6], (5, 7)), ("odd", [3, 7], (4,)),
                                ("one_channel", [5], (2, 3))):
        codes = 1
        for level in levels:
            codes *= level
        golden.case("finite_scalar_quantizer", name, {"levels": levels},
                    {"x": lambda d: d.normal(*shape, len(levels), scale=1.5)}, quantizer(levels), upstream=["quantized"],
                    state={"perplexity": lambda d: d.uniform(1), "unused_for": lambda d: d.integers(9, codes).astype("float32")})
