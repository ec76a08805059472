#!/usr/bin/env bash
# The formulas of graphs/observations, graphs/adversarial and graphs/codes against NumPy: densities integrate to 1, probabilities
# sum to 1, quantizers take the nearest code, similarities and spectra are those of their definitions.
. "$(dirname "$0")/lib.sh"
/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "/usr/bin/python3 has no numpy"

GRAPHS=$repository/graphs GRAPH_RUNNER=$GRAPH_RUNNER /usr/bin/python3 - <<'PYTHON' || fail "numbers differ"
import os, subprocess, sys
import numpy as np
from itertools import product

def run(graph, feed, fetch, **settings):
    """The ports `fetch` of a graph, where the ports `feed` have the given values."""
    command = [os.environ["GRAPH_RUNNER"], "run", f"{os.environ['GRAPHS']}/{graph}.yaml", "--threads", "1", "--feed"]
    for i, (port, value) in enumerate(feed.items()):
        np.save(f"in{i}.npy", np.ascontiguousarray(value, np.int32 if value.dtype.kind == "i" else np.float32))
        command.append(f"{port}=in{i}.npy")
    command.append("--fetch")
    command += [f"{port}=out{i}.npy" for i, port in enumerate(fetch)]
    for key, value in settings.items(): command += ["--set", f"{key.replace('__', '.')}={value}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0: sys.exit(f"{' '.join(command)}: {done.stderr}")
    return [np.load(f"out{i}.npy").astype(np.float64) for i in range(len(fetch))]

failed = 0
def close(what, got, wanted, tolerance=1e-4):
    global failed
    error = float(np.max(np.abs(np.asarray(got, np.float64) - wanted)))
    good = error <= tolerance
    failed += not good
    print(("ok" if good else "FAILED"), what, f"{error:.2g}")

def fill(values, *shape):  # row n is values[n] everywhere
    return np.broadcast_to(np.asarray(values, np.float32).reshape(-1, *[1] * len(shape)), (len(values), *shape))

integral = getattr(np, "trapezoid", None) or np.trapz
random = np.random.default_rng(1)
softplus = lambda x: np.logaddexp(0, x)
loss = ["losses/reconstruction"]

# Densities of one value: the loss of equal values is that of one, times their number.
t = np.linspace(-20, 20, 8001)
one = lambda n: fill(np.full(len(t), 0.3), n)
l, = run("observations/logcosh-vae", {"x": fill(t, 784), "mean": one(784)}, loss)
close("logcosh-vae integrates to 1", integral(np.exp(-l / 784), t), 1)
t = np.linspace(-600, 600, 48001)
for raw, tolerance in ((-0.5, 2e-3), (6.0, 1e-4)):
    part = t if raw > 0 else t
    l, = run("observations/student-t-vae", {"x": fill(t, 8), "mean": one(8), "raw_scale": fill(np.zeros(len(t)), 8), "raw_nu": fill(np.full(len(t), raw), 8)}, loss)
    close(f"student-t-vae integrates to 1, raw_nu {raw}", integral(np.exp(-l / 8), t), 1, tolerance)
t = np.linspace(-0.1249999, 1.1249999, 20001)
both = np.concatenate([fill(np.full(len(t), 0.4), 4, 4, 1), fill(np.full(len(t), -0.5), 4, 4, 1)], -1)
l, = run("codes/dalle-dvae", {"x": fill(t, 4, 4, 1), "both": both}, loss, vars__size=4, vars__colors=1, vars__channels=8, vars__hidden=4, vars__units=1, vars__codes=8, vars__dim=4, nodes__z__temperature=1)
close("dalle-dvae integrates to 1", integral(np.exp(-l / 16), t), 1, 1e-3)

# Counts.
n = np.arange(3000)
counts = {"x": fill(n, 4), "mean": fill(np.full(len(n), 3.7), 4)}
l, = run("observations/poisson-count-vae", counts, loss, vars__features=4)
close("poisson-count-vae sums to 1", np.exp(-l / 4).sum(), 1)
for r in (-1.0, 1.5):
    more = {**counts, "log_r": fill(np.full(len(n), r), 4)}
    l, = run("observations/negative-binomial-vae", more, loss, vars__features=4)
    p = np.exp(-l / 4)
    close(f"negative-binomial-vae sums to 1, log_r {r}", p.sum(), 1, 3e-4)
    close("  and has its mean", (n * p).sum(), 3.7, 4e-3)
    close("  and its variance", (n**2 * p).sum() - 3.7**2, 3.7 + 3.7**2 / np.exp(r), 0.15)
    l, = run("observations/zinb-vae", {**more, "dropped": fill(np.full(len(n), -0.7), 4)}, loss, vars__features=4)
    q, drop = np.exp(-l / 4), 1 / (1 + np.exp(0.7))
    close("zinb-vae sums to 1", q.sum(), 1, 3e-4)
    close("  and mixes", q, (1 - drop) * p + drop * (n == 0), 1e-4)

# Levels of a pixel, and colours of a pixel of four levels each.
k = np.arange(256)
for mean, raw in ((0.3, -4.0), (0.02, -2.0), (0.97, 0.5)):
    m = fill(np.full(256, mean), 32, 32, 1)
    l, = run("observations/discretised-logistic-vae", {"x": fill(k / 255, 32, 32, 1), "mean": m, "half.y1": fill(np.full(256, raw), 32, 32, 1)}, loss)
    close(f"discretised-logistic-vae sums to 1 at {mean}", np.exp(-l / 1024).sum(), 1)
    s, edge = np.log1p(np.exp(raw)) + 1e-3, np.clip((np.arange(257) - 0.5) / 255, -9, 9)
    edge[0], edge[-1] = -np.inf, np.inf
    with np.errstate(over="ignore"): close("  and is a difference of two values of the sigmoid", np.exp(-l / 1024), np.diff(1 / (1 + np.exp(-(edge - mean) / s))), 1e-5)
colours = np.array(list(product(range(4), repeat=3))) / 3
row = random.normal(0, 0.7, 20)
l, = run("observations/logistic-mixture-vae",
         {"x": np.broadcast_to(colours[:, None, None, :], (64, 32, 32, 3)), "logits": np.broadcast_to(row, (64, 32, 32, 20))},
         loss, vars__levels=4, vars__parts=2)
p = np.exp(-l / 1024)
close("logistic-mixture-vae sums to 1", p.sum(), 1)
w, means, s, told = row[:2], row[2:8].reshape(3, 2), np.log1p(np.exp(row[8:14].reshape(3, 2))) + 1e-3, np.tanh(row[14:].reshape(3, 2))
def level(x, mean, s):
    cdf = lambda e: 1 / (1 + np.exp(-(e - mean) / s))
    return (1.0 if x > 0.99 else cdf(x + 1 / 6)) - (0.0 if x < 0.01 else cdf(x - 1 / 6))
wanted = [sum(np.exp(w[j]) / np.exp(w).sum() * level(r, means[0, j], s[0, j]) * level(g, means[1, j] + told[0, j] * r, s[1, j])
              * level(b, means[2, j] + told[1, j] * r + told[2, j] * g, s[2, j]) for j in range(2)) for r, g, b in colours]
close("  and is the mixture of equations 2 and 3", p, np.array(wanted), 1e-5)

# The beta cross entropy, and its limit.
x, logits = (random.random((3, 784)) < 0.3).astype(float), random.normal(0, 2, (3, 784))
for b, tolerance in ((0.005, 1e-2), (1e-5, 2.0)):
    l, = run("observations/robust-vae", {"x": x, "logits": logits}, loss, vars__robustness=b)
    q = 1 / (1 + np.exp(-logits))
    e = np.log(x * q**b + (1 - x) * (1 - q)**b).sum(1)
    norm = np.log(q**(b + 1) + (1 - q)**(b + 1)).sum(1)
    close(f"robust-vae, beta {b}", l, -(b + 1) / b * np.expm1(e) + np.exp(norm) - 1, tolerance)
nll = (softplus(logits) - x * logits).sum(1)
close("  tends to the likelihood", l, nll, 0.01 * nll.max())

# The relaxed categorical density, by its definition at a draw.
a, y = random.normal(0, 1, (2, 20, 10)), random.normal(0, 2, (2, 20, 10))
y -= np.logaddexp.reduce(y, -1, keepdims=True)
def density(a, l):
    u = a - l * y
    return (u.sum(-1) + 9 * np.log(l) - 10 * np.logaddexp.reduce(u, -1)).sum(-1)
l, = run("codes/concrete-vae", {"x": np.zeros((2, 64, 64, 1)), "q": a, "logs": y}, ["losses/kl"])
close("concrete-vae is a ratio of two densities", l, density(a, 0.667) - density(0 * y, 0.5), 1e-2)

# Structural similarity, by a loop over the windows.
def ssim(a, b, w):
    values = []
    for i, j in product(range(a.shape[0] - w + 1), repeat=2):
        p, q = a[i:i + w, j:j + w], b[i:i + w, j:j + w]
        cs = (2 * ((p * q).mean() - p.mean() * q.mean()) + 9e-4) / (p.var() + q.var() + 9e-4)
        values.append((cs * (2 * p.mean() * q.mean() + 1e-4) / (p.mean()**2 + q.mean()**2 + 1e-4), cs))
    return np.mean(values, 0)
a, b = random.random((28, 28)), random.random((28, 28))
b = 0.6 * a + 0.4 * b
half = lambda v: v.reshape(v.shape[0] // 2, 2, -1, 2).mean((1, 3))
given = {"x": a.reshape(1, 784), "image": b.reshape(1, 28, 28, 1)}
l, = run("observations/ssim-vae", given, loss)
close("ssim-vae", l, 1 - ssim(a, b, 7)[0], 1e-5)
l, = run("observations/ms-ssim-vae", given, loss)
parts = [ssim(a, b, 5)[1], ssim(half(a), half(b), 5)[1], ssim(half(half(a)), half(half(b)), 5)[0]]
close("ms-ssim-vae", l, 1 - np.prod(np.maximum(parts, 1e-4) ** np.array([0.071, 0.453, 0.476])), 1e-5)

# Spectra, by a fast Fourier transform of each frame.
x, y = random.normal(0, 0.3, (2, 256, 1)), random.normal(0, 0.3, (2, 256, 1))
def spectra(v, w):
    later = np.concatenate([v[:, w // 2:], np.zeros((len(v), w // 2, 1))], 1)
    frames = np.stack([v.reshape(len(v), -1, w), later.reshape(len(v), -1, w)], 2) * np.hanning(w + 1)[:w]
    return np.abs(np.fft.rfft(frames))
audio = dict(vars__length=256, vars__channels=4, vars__dim=4, vars__codes=8, vars__levels=2, vars__windows=2)
got = run("codes/encodec", {"x": x, "image": y}, ["spectral/0/distance", "spectral/1/distance"], **audio)
for w, distance in zip((32, 128), got):
    p, q = spectra(x, w), spectra(y, w)
    close(f"encodec, window of {w}", distance, np.abs(p - q).mean((1, 2, 3)) + ((np.log(p**2 + 1e-5) / 2 - np.log(q**2 + 1e-5) / 2)**2).mean((1, 2, 3)), 1e-4)

# Quantizers.
small = dict(vars__size=16, vars__colors=1, vars__channels=8, vars__hidden=4, vars__units=1)
z, picture = random.normal(0, 1, (5, 4, 4, 6)), np.zeros((5, 16, 16, 1))
q, code, entropy = run("codes/lfq", {"x": picture, "vectors": z}, ["bits.quantized", "code", "losses/entropy"], **small, vars__dim=6)
close("lfq takes signs", q, np.sign(z), 1e-6)
close("  and numbers them", code[..., 0], ((z > 0) * 2 ** np.arange(6)).sum(-1), 0)
p = 1 / (1 + np.exp(-4 * z))
h = lambda p: -(p * np.log(p) + (1 - p) * np.log(1 - p)).sum(-1)
close("  and has the entropies of the bits", entropy, h(p).mean((1, 2)) - h(p.mean((0, 1, 2))), 1e-4)
small |= dict(vars__codes=16, vars__dim=6)
q, code, book, l = run("codes/simvq", {"x": picture, "vectors": z}, ["quantizer.quantized", "codes", "book", "quantizer.loss"], **small)
distances = ((z[:, :, :, None] - book[0]) ** 2).sum(-1)
close("simvq takes the nearest code", code, distances.argmin(-1), 0)
close("  of its projected codebook", q, book[0][distances.argmin(-1)], 1e-5)
close("  and its losses are the distance", l, 1.25 * distances.min(-1).mean((1, 2)), 1e-4)
scores, book, v = run("codes/sq-vae", {"x": picture, "vectors": z}, ["scores", "book", "log_var"], **small)
wanted = -((z[:, :, :, None] - book[0]) ** 2).sum(-1) / 2 * np.exp(-v[0])
normal = lambda s: s - np.logaddexp.reduce(s, -1, keepdims=True)
close("sq-vae has the probabilities of its distances", normal(scores), normal(wanted), 1e-4)
sums = run("codes/residual-vq", {"x": picture, "vectors": z}, ["quantized", "quantizer/0/q", "quantizer/1/q", "quantizer/2/q"], **small, vars__levels=3)
close("residual-vq adds what its levels give", sums[0], sum(sums[1:]), 1e-5)

# Nothing leaks: what is hidden changes no prediction.
x = random.random((4, 28, 28, 1))
mean, place = run("observations/masked-autoencoder", {"x": x}, ["mean", "place"])
cut = lambda v: v.reshape(len(v), 4, 7, 4, 7, 1).transpose(0, 1, 3, 2, 4, 5).reshape(len(v), 16, 49)
join = lambda v: v.reshape(len(v), 4, 4, 7, 7, 1).transpose(0, 1, 3, 2, 4, 5).reshape(len(v), 28, 28, 1)
close("masked-autoencoder sees a quarter", (place < 4).sum((1, 2)), 4, 0)
other, _ = run("observations/masked-autoencoder", {"x": join(np.where(place < 4, cut(x), 0.5))}, ["mean", "place"])
close("  and nothing else", other, mean, 0)
other, _ = run("observations/masked-autoencoder", {"x": join(np.where(place < 4, 0.5, cut(x)))}, ["mean", "place"])
close("  but that", np.abs(other - mean).max() > 1e-3, True, 0)
open("levels.yaml", "w").write("""version: 1
nodes:
  x:     {type: input, shape: [21, 8]}
  ones:  {type: constant, shape: [21], value: 1}
  level: {type: expr, in: {one: ones}, y: "(cumsum(one) > 1) + (cumsum(one) > 5)"}
  layer: {use: blocks/level-transformer-layer.yaml, in: {x: x, level: level}, vars: {channels: 8, heads: 2, length: 21}, repeat: 2}
losses: {size: {expr: "sum(y^2)", in: {y: layer}}}
""")
os.symlink(os.environ["GRAPHS"] + "/blocks", "blocks")
shipped, os.environ["GRAPHS"] = os.environ["GRAPHS"], "."
x = random.normal(0, 1, (2, 21, 8))
y, = run("levels", {"x": x}, ["layer/1/y"])
x[:, 7, 0] += 1
other, = run("levels", {"x": x}, ["layer/1/y"])
close("level-transformer-layer hides the later levels", other[:, :5], y[:, :5], 0)
close("  and shows a position those of its level", (np.abs(other - y)[:, 5:].max((0, 2)) > 1e-6).all(), True, 0)
sys.exit(failed > 0)
PYTHON
checks=1

# What encode writes decodes to the reconstruction.
images=(--set vars.size=16 --set vars.colors=1 --set vars.channels=16 --set vars.hidden=8 --set vars.units=1
  --set 'data={type: sprites, size: 16, zoom: 2, count: 400}')
decodes() {
  local name=$1
  shift
  expect 0 train "$repository/graphs/codes/$name.yaml" "${images[@]}" "$@" --threads 1 --batch 16 --steps 20 --out "$name" --json
  expect 0 reconstruct "$name" --count 3 --out reconstructed.npy
  expect 0 encode "$name" --count 3 --out codes.npz
  expect 0 decode "$name" --codes codes.npz --out decoded.npy
  checks=$((checks + 1))
  /usr/bin/python3 -c 'import numpy; a, b = (numpy.load(f) for f in ("reconstructed.npy", "decoded.npy")); assert abs(a[:, 1] - b).max() < 1e-5' ||
    fail "$name decodes its codes to something else"
}
quantizer=(--set vars.codes=16 --set vars.dim=8)
decodes residual-vq "${quantizer[@]}" --set vars.levels=3
decodes residual-vq-dropout "${quantizer[@]}" --set vars.levels=3
decodes grouped-vq "${quantizer[@]}" --set vars.groups=2
decodes multi-head-vq "${quantizer[@]}" --set vars.heads=2
decodes cosine-vq "${quantizer[@]}"
decodes rotation-vq "${quantizer[@]}"
decodes simvq "${quantizer[@]}"
decodes fsq
decodes lfq --set vars.dim=6
decodes var "${quantizer[@]}" --set vars.scales=3
decodes titok "${quantizer[@]}" --set vars.patch=4 --set vars.tokens=6 --set vars.layers=1 --set vars.heads=2
finish
