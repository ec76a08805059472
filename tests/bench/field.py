#!/usr/bin/env python3
"""field.py: trains the models of graphs/ at one stated size, measures them alike, and prints the tables of docs/results.md.

  field.py train GROUP[/NAME]...   trains and measures what is not measured yet
  field.py tables                  prints the tables of what is measured, as Markdown

Groups: mnist (binarised; layers 784-400-20, 4,690 steps of 128, which are 10 epochs), gray (MNIST as gray values, the same),
sprites (each model's own, 1,000 steps of 64), cifar (10,000 images of 32x32, 64 channels, 2,000 steps of 32 in bf16), priors
(of the codes of two runs of cifar, as wide as the graphs have them; 2,000 steps of 32).

--runs FOLDER holds the runs and what was measured of each, NAME/measured.json; a model with that file is left alone.
--mnist and --cifar are the folders of the data. GRAPH_RUNNER is the executable (default: build/release/bin/graph-runner).
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNNER = os.environ.get("GRAPH_RUNNER", str(ROOT / "build/release/bin/graph-runner"))

# name: what is set beside the options of its group; steps=N in place of those of the group
MNIST = {
    "vae-mnist": [], "cyclical-vae": ["vars.steps=4690"], "free-bits": [], "info-vae": [],
    "iwae": ["vars.samples=8"], "ciwae": ["vars.samples=8"], "dreg-iwae": ["vars.samples=8"], "renyi": ["vars.samples=8"],
    "miwae": ["vars.samples=8", "vars.groups=2"], "piwae": ["vars.samples=8", "vars.groups=2"],
    "full-covariance": [], "planar-flow": [], "radial-flow": [], "iaf-posterior": [], "realnvp-posterior": [],
    "spline-posterior": [], "joint-vae": [], "gamma-vae": [], "poincare-vae": [], "mog-vae": [], "vade": [],
    "vamp-vae": ["vars.pseudo=64"], "maf-prior": [], "planar-prior": [], "radial-prior": [], "realnvp-prior": [],
    "spline-prior": [], "lsgm": [],
    "hvae": [], "ladder-vae": [], "recurrent-vae": [], "vrnn": ["steps=1500"],
    "vdvae": ["vars.channels=16", "vars.levels=12", "steps=1500"], "nvae": ["vars.channels=16", "vars.levels=6", "steps=1500"],
    "denoising-vae": [], "conditional-vae": [], "introvae": [], "soft-introvae": [],
    "aae": [], "r1-aae": [], "spectral-aae": [], "wgan-gp-aae": [], "adversarial-vb": [], "geco": [], "robust-vae": [],
    "masked-vae": [], "semi-supervised-m2": [], "poe-vae": [], "bigan": [],
}
GRAY = {name: [] for name in ("l1-vae", "logcosh-vae", "sigma-vae", "sigma-vae-learned", "heteroscedastic-vae",
                              "ssim-vae", "ms-ssim-vae", "rae-l2", "rae-gp", "wae-mmd", "wae-gan", "sliced-wasserstein")}
SPRITES = {name: [] for name in ("vae", "beta-vae", "beta-tcvae", "dip-vae-i", "dip-vae-ii", "hyperspherical-vae",
                                 "squeeze-excitation-vae", "categorical-vae", "concrete-vae", "straight-through-gumbel-vae",
                                 "bernoulli-latent", "factor-vae", "sprites", "spatial-broadcast-vae",
                                 "attribute-vae", "discretised-logistic-vae", "logistic-mixture-vae", "dc-ae")}
CIFAR = {name: [] for name in ("vq-vae", "vq-vae-loss", "rotation-vq", "cosine-vq", "simvq", "sq-vae", "fsq",
                               "lfq", "grouped-vq", "multi-head-vq", "residual-vq", "residual-vq-dropout",
                               "var", "titok", "dalle-dvae", "vqgan", "autoencoder-kl")}
CIFAR["finite-scalar-vae"] = ["vars.colors=3"]

PRIORS = {  # each over a run of another group
    "pixelcnn-prior": ["vars.run={runs}/cifar/vq-vae"], "gpt-prior": ["vars.run={runs}/cifar/vq-vae"],
    "maskgit-prior": ["vars.run={runs}/cifar/vq-vae"], "var-prior": ["vars.run={runs}/cifar/var"],
}


def groups(options):
    mnist = f"idx:{options.mnist}"
    return {
        "mnist": (MNIST, ["--data", f"{mnist},binarize=dynamic", "--batch", "128", "--steps", "4690", "--set", "train.eval_every=0"],
                  ["--data", f"{mnist},binarize=fixed", "--limit", "1000"], 100),
        "gray": (GRAY, ["--data", mnist, "--batch", "128", "--steps", "4690", "--set", "train.eval_every=0"], ["--limit", "1000"], 0),
        "sprites": (SPRITES, ["--batch", "64", "--steps", "1000", "--set", "train.eval_every=0"], ["--limit", "1000"], 0),
        "cifar": (CIFAR, ["--data", f"cifar:{options.cifar}", "--set", "vars.size=32", "--set", "vars.channels=64", "--batch", "32",
                          "--steps", "2000", "--precision", options.precision, "--set", "train.eval_every=0"], ["--limit", "1000"], 0),
        "priors": (PRIORS, ["--data", f"cifar:{options.cifar}", "--batch", "32", "--steps", "2000", "--precision", options.precision,
                            "--set", "train.eval_every=0"], ["--limit", "1000"], 0),
    }


def command(*words):
    return subprocess.run([RUNNER, *words], capture_output=True, text=True, check=False)


def measure(run, flags, draws):
    """Everything that eval knows; with the likelihood of draws where the model has what they need."""
    for extra in ([["--nll-samples", str(draws)]] if draws else []) + [[]]:
        done = command("eval", str(run), "--newest", "--json", *flags, *extra)
        if done.returncode == 0:
            return json.loads(done.stdout)
    sys.exit(f"{run}: {done.stderr}")


def train(options, group, name, sets):
    """Whether the model is measured."""
    models, flags, eval_flags, draws = groups(options)[group]
    run = pathlib.Path(options.runs) / group / name
    file = run / "measured.json"
    if file.exists():
        return True
    if run.exists():
        sys.exit(f"{run} was not measured: remove it, or resume it")
    words = ["train", name, *flags, "--threads", str(options.threads), "--quiet", "--json", "--out", str(run)]
    for text in sets:
        if text.startswith("steps="):
            words[words.index("--steps") + 1] = text.removeprefix("steps=")
            continue
        words += ["--set", text.format(runs=pathlib.Path(options.runs).resolve())]
    start = time.monotonic()
    done = command(*words)
    seconds = time.monotonic() - start
    if done.returncode != 0:
        print(f"{group}/{name}: {(done.stderr or done.stdout).strip()}", flush=True)
        return False
    result = measure(run, eval_flags, draws)
    result["measured"] = {"group": group, "name": name, "sets": sets, "minutes": seconds / 60}
    file.write_text(json.dumps(result, indent=1))
    print(f"{group}/{name}: {seconds:.0f} s, negative ELBO {result.get('negative_elbo')}, NLL {result.get('nll')}", flush=True)
    return True


def number(value, digits):
    return "" if value is None else f"{value:,.{digits}f}"


def with_error(result, key, digits):
    error = result.get(f"{key}_standard_error")
    return number(result.get(key), digits) + (f" +- {error:.{digits}f}" if error is not None and result.get(key) is not None else "")


def perplexity(result):
    """Of each quantizer, of how many codes: "60, 61 of 64"."""
    found = list(result.get("quantizers", {}).values())
    return f"{', '.join(number(one['perplexity'], 0) for one in found)} of {found[0]['codes']}" if found else ""


def bits(result):
    found = result.get("quantizers", {}).values()
    return number(sum(one["bits_per_item"] for one in found), 0) if found else ""


COLUMNS = {
    "mnist": {"negative ELBO": lambda r: with_error(r, "negative_elbo", 2), "NLL, 100 draws": lambda r: with_error(r, "nll", 2),
              "rate": lambda r: number(r.get("rate"), 1), "reconstruction": lambda r: number(r["terms"].get("reconstruction"), 1)},
    "gray": {"negative ELBO": lambda r: with_error(r, "negative_elbo", 1), "rate": lambda r: number(r.get("rate"), 1),
             "PSNR, dB": lambda r: number(r.get("psnr"), 2), "SSIM": lambda r: number(r.get("ssim"), 3)},
    "sprites": {"negative ELBO": lambda r: with_error(r, "negative_elbo", 1), "rate": lambda r: number(r.get("rate"), 1),
                "PSNR, dB": lambda r: number(r.get("psnr"), 2), "SSIM": lambda r: number(r.get("ssim"), 3)},
    "priors": {"nats a picture": lambda r: with_error(r, "nll", 1) or number(r["loss"] if "loss" in r else None, 1)},
    "cifar": {"normalised error": lambda r: number(r.get("normalised_error"), 3), "PSNR, dB": lambda r: number(r.get("psnr"), 2),
              "bits a picture": bits, "perplexity": perplexity},
}


def tables(options):
    for group, (models, *_) in groups(options).items():
        columns = COLUMNS[group]
        print(f"\n{group}\n\n| graph | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}")
        for name, sets in models.items():
            file = pathlib.Path(options.runs) / group / name / "measured.json"
            if not file.exists():
                continue
            result = json.loads(file.read_text())
            with_sets = f" ({', '.join(text.removeprefix('vars.').replace('=', ' ') for text in sets if '{' not in text)})" if any("{" not in text for text in sets) else ""
            cells = [column(result) for column in columns.values()]
            print(f"| {name}{with_sets} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["train", "tables"])
    parser.add_argument("what", nargs="*", help="groups, or models of one: mnist/vade")
    parser.add_argument("--runs", default="runs/field")
    parser.add_argument("--mnist", default="mnist")
    parser.add_argument("--cifar", default="cifar10")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="bf16", choices=["f32", "bf16"], help="of the group cifar")
    options = parser.parse_intermixed_args()
    if options.verb == "tables":
        tables(options)
        return 0
    measured = True
    for what in options.what:
        group, _, name = what.partition("/")
        models = groups(options)[group][0]
        for one in [name] if name else models:
            measured = train(options, group, one, models[one]) and measured
    return 0 if measured else 1


if __name__ == "__main__":
    sys.exit(main())
