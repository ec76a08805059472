#!/usr/bin/env bash
# Closed forms of the graphs of objectives, posteriors and priors against NumPy: log-determinants of flows and numerical
# Jacobians, inverses, densities that integrate to 1, bounds from the weights of their draws.
. "$(dirname "$0")/lib.sh"
/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "no NumPy for /usr/bin/python3"

# small NAME OPTION...: a run of 40 steps in a small form.
small() {
  local name=$1
  shift
  expect 0 train "$(echo "$repository"/graphs/*/"$name.yaml")" --data sprites:size=28,count=300,zoom=2 --set vars.hidden=16 "$@" --batch 16 \
    --steps 40 --set train.eval_every=0 --set train.eval_limit=16 --threads 1 --quiet --out "$name"
}
for name in planar-flow radial-flow iaf-posterior realnvp-posterior full-covariance realnvp-prior planar-prior radial-prior maf-prior spline-prior spline-posterior; do small "$name" --set vars.latent=3; done
for name in vamp-vae mog-vae poincare-vae; do small "$name" --set vars.latent=2; done
for name in vade gamma-vae lsgm ladder-vae; do small "$name" --set vars.latent=3; done
for name in dreg-iwae renyi; do small "$name" --set vars.samples=6 --set vars.latent=3; done
small miwae --set vars.samples=6 --set vars.groups=2 --set vars.latent=3

cat >check.py <<'PY'
import json, os, subprocess, sys
import numpy as np

runner, bad = os.environ["GRAPH_RUNNER"], []
rng = np.random.default_rng(1)

def run(name, feeds, fetches, *options):
    """Feeds ports, returns ports."""
    arguments = [runner, "run", name, "--threads", "1", *options]
    for i, (port, value) in enumerate(feeds.items()):
        np.save(f"feed{i}.npy", np.asarray(value, np.float32))
        arguments += ["--feed", f"{port}=feed{i}.npy"]
    for i, port in enumerate(fetches):
        arguments += ["--fetch", f"{port}=fetch{i}.npy"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}")
    return [np.load(f"fetch{i}.npy").astype(np.float64) for i in range(len(fetches))]

def near(what, a, b, limit):
    error = float(np.max(np.abs(np.asarray(a) - np.asarray(b))))
    if not error <= limit:
        bad.append(f"{what}: {error}, more than {limit}")
    print(f"{what}: {error:.2e}")

def log_det(f, points, step=0.04):
    """ln |det J| of f at points, by central differences of the fourth order."""
    n, d = points.shape
    shifts = [(k, c) for k in range(d) for c in (1, -1, 2, -2)]
    y = f(np.concatenate([points + c * step * np.eye(d)[k] for k, c in shifts])).reshape(len(shifts), n, d)
    jacobian = np.stack([(8 * (y[4 * k] - y[4 * k + 1]) - (y[4 * k + 2] - y[4 * k + 3])) / (12 * step) for k in range(d)], -1)
    return np.linalg.slogdet(jacobian)[1]

# Flows after a Gaussian draw: the log-determinant that the density uses is that of the map.
points = rng.normal(size=(20, 3))
for name, last in [("planar-flow", 7), ("radial-flow", 7), ("iaf-posterior", 1), ("realnvp-posterior", 3), ("full-covariance", None)]:
    features = np.tile(rng.uniform(0, 1, size=(1, 16)), (20, 1))
    def f(z):
        return run(name, {"z0": z, "encoder": np.tile(features[:1], (len(z), 1))}, ["z"])[0]
    told = run(name, {"z0": points, "encoder": features}, [f"flow/{last}/moved.log_det"])[0] if last else np.zeros(20)
    near(f"{name}: log-determinant", told, log_det(f, points), 1e-4)

# Flows as priors: their inverse, their log-determinant.
def forward(z):
    return run("realnvp-prior", {"z": z}, ["flow/5/y"])[0]
u, told = run("realnvp-prior", {"z": points}, ["flow/5/y", "flow/5/moved.log_det"])
near("realnvp-prior: log-determinant", told, log_det(forward, points), 1e-4)
near("realnvp-prior: there and back", run("realnvp-prior", {"noise": u}, ["back/5/x"])[0], points, 1e-5)

for name in ("planar-prior", "radial-prior"):
    def forward(z):
        return run(name, {"z": z}, ["flow/7/moved.z"])[0]
    u, told = run(name, {"z": points}, ["flow/7/moved.z", "flow/7/moved.log_det"])
    near(f"{name}: log-determinant", told, log_det(forward, points, 0.015), 1e-4)
    near(f"{name}: there and back", run(name, {"noise": u}, ["back/7/x"])[0], points, 1e-5)

def splines(x, raw, bins=8, bound=4):
    """Rational-quadratic splines (Durkan et al. 2019, equations 4 and 5): values, and ln of their slopes."""
    raw = raw.reshape(*x.shape, 3 * bins - 1)
    def shares(u):
        e = np.exp(u - u.max(-1, keepdims=True))
        return 2 * bound * (0.001 + (1 - 0.001 * bins) * e / e.sum(-1, keepdims=True))
    widths, heights = shares(raw[..., :bins]), shares(raw[..., bins:2 * bins])
    slopes = np.pad(0.001 + np.log1p(np.exp(raw[..., 2 * bins:] + 0.5397)), [(0, 0), (0, 0), (1, 1)], constant_values=1)
    y, logs = x.copy(), np.zeros_like(x)
    for i in np.ndindex(x.shape):
        if not -bound <= x[i] < bound:
            continue
        left, bottom = np.append(-bound, np.cumsum(widths[i]) - bound), np.append(-bound, np.cumsum(heights[i]) - bound)
        k = min(max(np.searchsorted(left, x[i], side="right") - 1, 0), bins - 1)
        s, u, (a, b) = heights[i][k] / widths[i][k], (x[i] - left[k]) / widths[i][k], slopes[i][k:k + 2]
        below = s + (a + b - 2 * s) * u * (1 - u)
        y[i] = bottom[k] + heights[i][k] * (s * u * u + a * u * (1 - u)) / below
        logs[i] = np.log(s * s * (b * u * u + 2 * s * u * (1 - u) + a * (1 - u) ** 2) / below ** 2)
    return y, logs.sum(-1)

wide = rng.normal(size=(100, 3)) * 2.5  # some beyond the bound
u, raw, y, told = run("spline-prior", {"z": wide}, ["flow/5/y", "flow/0/raw", "flow/0/moved.y", "flow/0/moved.log_det"])
near("spline-prior: there and back", run("spline-prior", {"noise": u}, ["back/5/x"])[0], wide, 3e-5)
expected, slopes = splines(wide[:, -y.shape[1]:].astype(np.float32).astype(np.float64), raw)
near("spline-prior: values", y, expected, 1e-5)
near("spline-prior: slopes", told, slopes, 1e-4)
z0 = rng.normal(size=(50, 3)) * 2
raw, y, told = run("spline-posterior", {"z0": z0, "encoder": np.zeros((50, 16))}, ["flow/0/raw", "flow/0/moved.y", "flow/0/moved.log_det"])
expected, slopes = splines(z0[:, -y.shape[1]:].astype(np.float32).astype(np.float64), raw)
near("spline-posterior: values", y, expected, 1e-5)
near("spline-posterior: slopes", told, slopes, 1e-4)
def forward(z):
    return run("maf-prior", {"z": z}, ["flow1.u"])[0]
u, l0, l1 = run("maf-prior", {"z": points}, ["flow1.u", "flow0.log_det", "flow1.log_det"])
near("maf-prior: log-determinant", l0 + l1, log_det(forward, points), 1e-4)
near("maf-prior: there and back", run("maf-prior", {"z": points, "noise": u}, ["back0"])[0], points, 1e-5)

# Priors whose density integrates to 1 on a plane; that of the Poincare ball over the volume of the ball.
grid = np.arange(-9, 9, 0.06)
plane = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
for name, port in [("vamp-vae", "prior"), ("mog-vae", "prior.log_density")]:
    near(f"{name}: integral", np.exp(run(name, {"z": plane}, [port])[0]).sum() * 0.06 ** 2, 1, 1e-3)
angle, radius = np.meshgrid(np.arange(0, 2 * np.pi, 0.02), np.arange(0.005, 0.9999, 0.0005))
ball = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).reshape(-1, 2)
volume = (4 / (1 - radius ** 2) ** 2 * radius).reshape(-1)
step = 0.0005 * (2 * np.pi / angle.shape[1])
p = run("poincare-vae", {"z": ball, "w": np.zeros_like(ball), "q.logvar": np.zeros_like(ball)}, ["density.p"])[0]
near("poincare-vae: integral of the prior", (np.exp(p) * volume).sum() * step, 1, 2e-3)
# The distance of z from the posterior's mean is |w|.
m, w = rng.normal(size=(20, 2)) * 0.5, rng.normal(size=(20, 2))
z = run("poincare-vae", {"q.mu": m, "w": w}, ["z"])[0]
mean = np.tanh(np.linalg.norm(m, axis=1, keepdims=True)) * m / np.linalg.norm(m, axis=1, keepdims=True)
distance = np.arccosh(1 + 2 * ((z - mean) ** 2).sum(1) / (1 - (z ** 2).sum(1)) / (1 - (mean ** 2).sum(1)))
near("poincare-vae: distance", distance, np.linalg.norm(w, axis=1), 1e-4)

# Divergences in closed form.
k, s = rng.uniform(0.5, 4, size=(2, 5, 3))
kl = run("gamma-vae", {"encoder": np.zeros((5, 16)), "q.k": k, "q.s": s}, ["losses/kl"])[0]
x = np.exp(np.linspace(-30, 5, 200001))[:, None, None]
log_q = np.log(k / s) + (k - 1) * np.log(x / s) - (x / s) ** k
inside = np.exp(log_q) * (log_q + x) * x
near("gamma-vae: divergence", kl, (inside.sum(0) * 35 / 200000).sum(1), 1e-3)
mu, logvar, g = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), rng.dirichlet(np.ones(10), size=6)
centre, spread, shares = [v[0] for v in run("vade", {"cluster": g}, ["centre", "spread", "shares"])]
kl = run("vade", {"q.mu": mu, "q.logvar": logvar, "cluster": g}, ["losses/kl"])[0]
def gaussians(c):
    return 0.5 * (spread[c] - logvar + (np.exp(logvar) + (mu - centre[c]) ** 2) / np.exp(spread[c]) - 1).sum(1)
log_share = shares - np.log(np.exp(shares).sum())
near("vade: divergence", kl, sum(g[:, c] * (gaussians(c) + np.log(g[:, c]) - log_share[c]) for c in range(10)), 1e-4)
# With the exact noise of N(0, I) the cross entropy is that of N(0, I), so that the divergence is that of the posterior.
n = 200000
t = np.repeat(0.01 + 0.99 * (np.arange(n // 4) + 0.5) / (n // 4), 4)[:, None]
state, e = (np.tile(v, n // 4)[:, None] for v in ([1, 1, -1, -1], [1, -1, 1, -1]))  # they have the moments of N(0, 1)
kl = run("lsgm", {"z": np.tile(state, 3), "noise": np.tile(e, 3), "t": t, "score": np.zeros((n, 3)), "q.logvar": np.zeros((n, 3))}, ["losses/kl"])[0]
near("lsgm: divergence of N(0, I) from itself", kl.mean(), 0, 1e-3)
a, b, c, d = rng.normal(size=(4, 6, 3))
m, v = run("ladder-vae", {"q.mu": a, "q.logvar": b, "p1.mu": c, "p1.logvar": d}, ["product.mu", "product.logvar"])
line = np.linspace(-40, 40, 400001)[:, None]
for i in range(2):
    q = np.exp(-(line - a[i]) ** 2 / np.exp(b[i]) / 2 - (line - c[i]) ** 2 / np.exp(d[i]) / 2)
    near("ladder-vae: mean of the product", (q * line).sum(0) / q.sum(0), m[i], 1e-4)
    near("ladder-vae: its variance", (q * (line - m[i]) ** 2).sum(0) / q.sum(0), np.exp(v[i]), 1e-4)

# Bounds from several draws.
def log_mean_exp(w, axis=-1):
    return np.log(np.mean(np.exp(w - w.max(axis, keepdims=True)), axis)) + w.max(axis)
w = rng.normal(size=(7, 6)) * 3
near("miwae", run("miwae", {"log_weights": w}, ["losses/miwae"], "--mode", "train")[0], -log_mean_exp(w.reshape(7, 2, 3)).mean(1), 1e-4)
near("renyi", run("renyi", {"log_weights": w}, ["losses/renyi"], "--mode", "train")[0], -log_mean_exp(0.5 * w) / 0.5, 1e-4)
near("dreg-iwae", run("dreg-iwae", {"log_weights": w}, ["dreg.encoder"], "--mode", "train")[0], -log_mean_exp(w), 1e-4)
# The gradient of dreg-iwae in the encoder is that of the bound, with less noise.
def gradient(graph, *options):
    np.save("x.npy", np.tile(image, (6000, 1)).astype(np.float32))
    done = subprocess.run([runner, "run", graph, "--weights", weights, "--mode", "train", "--threads", "1", "--feed", "x=x.npy",
        "--gradients", "g.safetensors", *options], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    with open("g.safetensors", "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start, end = header["q.bias"]["data_offsets"]
        return np.frombuffer(file.read()[start:end], np.float32).astype(np.float64)
image = (rng.uniform(size=(1, 784)) < 0.1)
weights = "dreg-iwae/checkpoints/step-000040.safetensors"
sizes = ["--set", "vars.hidden=16", "--set", "vars.latent=3", "--set", "vars.samples=6"]
graphs = os.environ["GRAPHS"]
doubly = gradient(f"{graphs}/objectives/dreg-iwae.yaml", *sizes, "--set", "losses.bound_decoder=null", "--set", "objectives=null")
plain = gradient(f"{graphs}/iwae.yaml", *sizes)
print(doubly, plain)
near("dreg-iwae: gradient", doubly, plain, 0.2 * np.abs(plain).max())
print(f"{len(bad)} wrong")
sys.exit("\n".join(bad) if bad else 0)
PY
checks=$((checks + 1))
GRAPHS=$repository/graphs /usr/bin/python3 check.py || fail "a number is wrong"
finish
