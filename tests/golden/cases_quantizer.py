"""Golden cases of the vector quantizer: both gradients, both updates, both distances."""
import torch
import torch.nn.functional as F

from golden import Draw, as_tensor, case

CODES, DIM = 6, 4
IMAGE, VECTORS = (2, 3, 4, DIM), (5, DIM)


def rotated(x, code):
    """lambda R x of Fifty et al. 2024, with lambda and R constants: the rotation takes x to the code."""
    a, b = F.normalize(x, dim=-1).detach(), F.normalize(code, dim=-1).detach()
    scale = (code.norm(dim=-1, keepdim=True) / x.norm(dim=-1, keepdim=True)).detach()
    r = F.normalize(a + b, dim=-1)
    return scale * (x - 2 * (x * r).sum(-1, keepdim=True) * r + 2 * (x * a).sum(-1, keepdim=True) * b)


def moved(s, counts, sums, decay):
    """A code without vectors stays where it is."""
    s["cluster_size"] = decay * s["cluster_size"] + (1 - decay) * counts
    s["embedding_sum"] = decay * s["embedding_sum"] + (1 - decay) * sums
    mean = s["embedding_sum"] / s["cluster_size"][:, None]
    s["codebook"] = torch.where(counts[:, None] > 0, mean, s["codebook"])


def quantize(x, codebook, s, options, training=True):
    if options["distance"] == "cosine":
        x, codebook = F.normalize(x, dim=-1), F.normalize(codebook, dim=-1)
    codes = torch.cdist(x.flatten(0, -2), codebook).argmin(-1)
    code = codebook[codes].view(x.shape)
    straight = x + (code - x).detach()
    events = tuple(range(1, x.dim() - 1))

    def mean(a, b):
        distance = ((a - b) ** 2).sum(-1)
        return distance.mean(events) if events else distance

    codebook_loss, commitment_loss = mean(x.detach(), code), mean(x, code.detach())
    loss = options["commitment"] * commitment_loss + (codebook_loss if options["update"] == "loss" else 0)
    if training:
        one_hot = F.one_hot(codes, CODES).double()
        counts, sums = one_hot.sum(0), one_hot.T @ x.detach().flatten(0, -2)
        p = counts / counts.sum()
        s["perplexity"] = torch.exp(torch.special.entr(p).sum()).view(1)
        s["unused_for"] = torch.where(counts > 0, torch.zeros(()).double(), s["unused_for"] + 1)
        if options["update"] == "ema":
            moved(s, counts, sums, options["decay"])
    return {"quantized": rotated(x, code) if options["gradient"] == "rotation" else straight,
            "codes": codes.view(x.shape[:-1]), "loss": loss,
            "codebook_loss": codebook_loss, "commitment_loss": commitment_loss}


def options_of(**own):
    return {"codes": CODES, "update": "loss", "commitment": 0.25, "distance": "euclidean",
            "gradient": "straight_through", "decay": 0.9, **own}


def quantizer(name, shape, evaluation=False, state=None, x=None, **own):
    options = options_of(**own)
    ema = options["update"] == "ema"
    vectors = {"codebook": lambda d: d.normal(CODES, DIM)}
    common = {"unused_for": lambda d: d.integers(3, CODES).astype("float32"), "perplexity": lambda d: d.uniform(1)}
    averages = {"cluster_size": lambda d: d.uniform(CODES, low=1, high=9),
                "embedding_sum": lambda d: d.normal(CODES, DIM, scale=4)}
    state = state or ({**vectors, **averages, **common} if ema else common)

    def function(x, p, s):
        return quantize(x["x"], s["codebook"] if ema else p["codebook"], s, options, not evaluation)

    case("vector_quantizer", name, options, {"x": x or (lambda d: d.normal(*shape))}, function,
         None if ema else vectors, state, evaluation, upstream=["quantized", "loss"])


def two_steps():
    """The averages start at the codebook; the second step goes on from what the first one leaves."""
    draw, options = Draw("vector_quantizer two steps"), options_of(update="ema", decay=0.99)
    first, second, codebook = draw.normal(*IMAGE), draw.normal(*IMAGE), draw.normal(CODES, DIM)
    state = {"codebook": codebook, "cluster_size": 0 * codebook[:, 0] + 1, "embedding_sum": codebook,
             "unused_for": 0 * codebook[:, 0], "perplexity": 0 * codebook[0, :1]}
    after = {name: as_tensor(values) for name, values in state.items()}
    quantize(as_tensor(first), after["codebook"], after, options)
    for name, x, values in (("ema_step_1", first, state), ("ema_step_2", second, after)):
        makers = {key: lambda d, v=value: v if not torch.is_tensor(v) else v.numpy().astype("float32")
                  for key, value in values.items()}
        quantizer(name, IMAGE, state=makers, x=lambda d, v=x: v, update="ema", decay=0.99)


def add_cases():
    quantizer("loss", IMAGE)
    quantizer("vectors", VECTORS, commitment=1.5)
    quantizer("rotation", IMAGE, gradient="rotation")
    quantizer("cosine", IMAGE, distance="cosine")
    quantizer("cosine_rotation", IMAGE, distance="cosine", gradient="rotation")
    quantizer("ema", IMAGE, update="ema")
    quantizer("ema_rotation", IMAGE, update="ema", gradient="rotation")
    quantizer("ema_cosine", IMAGE, update="ema", distance="cosine")
    quantizer("ema_eval", IMAGE, evaluation=True, update="ema")
    quantizer("eval", IMAGE, evaluation=True, gradient="rotation")
    two_steps()

    for distance in ("euclidean", "cosine"):
        def lookup(x, p, s, distance=distance):
            codebook = p["codebook"] if distance == "euclidean" else F.normalize(p["codebook"], dim=-1)
            return {"y": codebook[x["codes"]]}

        case("codebook_lookup", distance, {"codes": CODES, "dim": DIM, "distance": distance},
             {"codes": lambda d: d.integers(CODES, 2, 3, 5)}, lookup, {"codebook": lambda d: d.normal(CODES, DIM)})
