#!/usr/bin/python3
"""The evidence of docs/results.md in PyTorch: a VAE or an IWAE of 784-400-latent on exported arrays.

    evidence.py --train train.npy --test test.npy [options]

The arrays are what  graph-runner encode RUN --port x --split train --out train.npy  writes, so that both programs see
the same binary images. Layers, initial values, batches without replacement and the schedule of the learning rate are those
of graphs/vae-mnist.yaml and graphs/iwae.yaml; only the draws differ. Prints one JSON object per evaluation:
step, the negative ELBO and, after the last step, the NLL, in nats per image, each with its standard error.
"""
import argparse
import json
import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Vae(nn.Module):
    def __init__(self, latent, hidden=400, size=784):
        super().__init__()
        self.encoder = nn.Linear(size, hidden)
        self.mu, self.logvar = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.decoder = nn.Linear(latent, hidden)
        self.logits = nn.Linear(hidden, size)

    def posterior(self, x):
        hidden = F.relu(self.encoder(x))
        return self.mu(hidden), self.logvar(hidden)

    def nll(self, x, z):
        """-ln p(x | z) of each draw: [N], or [N, K] of z [N, K, latent]."""
        logits = self.logits(F.relu(self.decoder(z)))
        if z.dim() == 3:
            x = x.unsqueeze(1)
        return (F.softplus(logits) - logits * x).sum(-1)

    def negative_elbo(self, x):
        mu, logvar = self.posterior(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.nll(x, z) + 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1)

    def importance_weighted(self, x, draws):
        """-ln of the mean weight of `draws` draws: Burda et al. 2016, equation 8."""
        mu, logvar = self.posterior(x)
        noise = torch.randn(x.shape[0], draws, mu.shape[1])
        z = mu.unsqueeze(1) + torch.exp(0.5 * logvar).unsqueeze(1) * noise
        log_prior = -0.5 * (z**2).sum(-1)
        log_posterior = -0.5 * (noise**2 + logvar.unsqueeze(1)).sum(-1)
        return math.log(draws) - torch.logsumexp(log_prior - log_posterior - self.nll(x, z), 1)


def mean_and_error(values):
    return round(values.mean().item(), 3), round((values.std() / math.sqrt(len(values))).item(), 3)


@torch.no_grad()
def evaluate(model, test, nll_samples):
    result = {"negative_elbo": mean_and_error(torch.cat([model.negative_elbo(x) for x in test.split(500)]))}
    if nll_samples:
        nll = torch.cat([model.importance_weighted(x, nll_samples) for x in test.split(50)])
        result["nll"] = mean_and_error(nll)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--latent", type=int, default=40)
    parser.add_argument("--samples", type=int, default=0, help="0: the ELBO; else the bound of so many draws")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--steps", type=int, default=300000)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--at", type=int, nargs="*", default=[], help="steps at which the learning rate changes")
    parser.add_argument("--factor", type=float, default=0.631)
    parser.add_argument("--eval-every", type=int, default=30000)
    parser.add_argument("--nll-samples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    train, test = (torch.from_numpy(np.load(path).reshape(-1, 784)) for path in (options.train, options.test))
    model = Vae(options.latent)
    optimizer = torch.optim.Adam(model.parameters(), lr=options.lr, fused=True)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, options.at, options.factor)
    begin, step, order = time.monotonic(), 0, torch.empty(0, dtype=torch.long)
    while step < options.steps:
        if len(order) < options.batch:
            order = torch.randperm(len(train))
        batch, order = train[order[: options.batch]], order[options.batch :]
        optimizer.zero_grad()
        bound = model.importance_weighted(batch, options.samples) if options.samples else model.negative_elbo(batch)
        bound.mean().backward()
        optimizer.step()
        schedule.step()
        step += 1
        if step % options.eval_every == 0 or step == options.steps:
            seconds = round(time.monotonic() - begin, 1)
            draws = options.nll_samples if step == options.steps else 0
            print(json.dumps({"step": step, "seconds": seconds, **evaluate(model, test, draws)}), flush=True)


if __name__ == "__main__":
    main()
