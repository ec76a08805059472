"""The delta-VAE and the VAE-GAN of ../graphs in plain PyTorch; what a model has to offer says models.py.

`step(x)`, where a model has it, is a whole training step in place of the usual one: several objectives.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn


def standard_normal_kl(mu, logvar):
    return 0.5 * (mu.pow(2) + logvar.exp() - 1 - logvar).sum()


class CausalLayer(nn.Module):
    def __init__(self, channels, kernel, condition):
        super().__init__()
        self.kernel = kernel
        self.conv = nn.Conv1d(channels, 2 * channels, kernel)
        self.told = nn.Conv1d(condition, 2 * channels, 1, bias=False)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x, z):
        value, through = (self.conv(F.pad(x, (self.kernel - 1, 0))) + self.told(z)).chunk(2, 1)
        return x + self.mix(torch.tanh(value) * torch.sigmoid(through))


class DeltaVae(nn.Module):
    """The rows of an image as steps of time: AR(1) prior, a decoder that sees the rows before."""
    batch_size = 64
    images = True
    alpha = 0.9

    def __init__(self, latent=8, channels=64, layers=6):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, (3, 4), stride=(1, 2), padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, (3, 4), stride=(1, 2), padding=1), nn.ReLU(inplace=True))
        self.hidden = nn.Conv1d(448, 128, 3, padding=1)
        self.parameters_of_q = nn.Conv1d(128, 2 * latent, 1)
        self.embed = nn.Conv1d(28, channels, 1)
        self.layers = nn.ModuleList(CausalLayer(channels, 3, latent) for _ in range(layers))
        self.logits = nn.Conv1d(channels, 28, 1)

    def batch(self, size, generator):
        return torch.rand(size, 1, 28, 28, generator=generator)

    def kl(self, mu, logvar):
        a, variance = self.alpha, logvar.exp()
        rest = 1 - a * a
        moved = (mu[..., 1:] - a * mu[..., :-1]).pow(2)
        later = (variance[..., 1:] + moved + a * a * variance[..., :-1]) / rest - 1 - logvar[..., 1:] + math.log(rest)
        return standard_normal_kl(mu[..., 0], logvar[..., 0]) + 0.5 * later.sum()

    def loss(self, x):
        h = self.encoder(x).permute(0, 1, 3, 2).flatten(1, 2)
        mu, logvar = self.parameters_of_q(F.relu(self.hidden(h))).float().chunk(2, 1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        rows = x[:, 0].transpose(1, 2)
        h = self.embed(F.pad(rows, (1, 0))[..., :-1])
        for layer in self.layers:
            h = layer(h, z)
        nll = F.binary_cross_entropy_with_logits(self.logits(F.relu(h)).float(), rows, reduction="sum")
        return (nll + self.kl(mu, logvar)) / len(x)

    def optimizer(self):
        version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
        return torch.optim.Adam(self.parameters(), lr=1e-3, **({"fused": True} if version >= (2, 4) else {}))


def down(inner, outer):
    return [nn.Conv2d(inner, outer, 5, stride=2, padding=2), nn.BatchNorm2d(outer), nn.ReLU(inplace=True)]


def up(inner, outer):
    return [nn.ConvTranspose2d(inner, outer, 5, stride=2, padding=2, output_padding=1), nn.BatchNorm2d(outer),
            nn.ReLU(inplace=True)]


def dense(inner, outer):
    return [nn.Linear(inner, outer), nn.BatchNorm1d(outer), nn.ReLU(inplace=True)]


class VaeGan64(nn.Module):
    """Larsen et al. 2016: the reconstruction is compared by the discriminator's features."""
    batch_size = 64
    images = True
    gamma = 1e-3

    def __init__(self, latent=128):
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(*down(3, 64), *down(64, 128), *down(128, 256), nn.Flatten(), *dense(16384, 1024),
                                     nn.Linear(1024, 2 * latent))
        self.decoder = nn.Sequential(*dense(latent, 16384), nn.Unflatten(1, (256, 8, 8)), *up(256, 256), *up(256, 128),
                                     *up(128, 32), nn.Conv2d(32, 3, 5, padding=2), nn.Sigmoid())
        self.lower = nn.Sequential(nn.Conv2d(3, 32, 5, padding=2), nn.ReLU(inplace=True), *down(32, 128),
                                   *down(128, 256)[:2])
        self.upper = nn.Sequential(nn.ReLU(), *down(256, 256), nn.Flatten(), *dense(16384, 512), nn.Linear(512, 1))

    def batch(self, size, generator):
        return torch.rand(size, 3, 64, 64, generator=generator)

    def optimizer(self):
        parts = (self.encoder, self.decoder, nn.ModuleList([self.lower, self.upper]))
        self.players = [list(part.parameters()) for part in parts]
        self.optimizers = [torch.optim.RMSprop(player, lr=3e-4, alpha=0.99) for player in self.players]
        return self.optimizers[0]

    def step(self, x):
        mu, logvar = self.encoder(x).float().chunk(2, 1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        made = self.decoder(torch.cat([z, torch.randn(len(x), self.latent)]))
        features = self.lower(torch.cat([x.to(made.dtype), made]))
        real, copied, drawn = self.upper(features).float().chunk(3)
        target, reached, _ = features.float().chunk(3)
        error = 0.5 * (target.detach() - reached).pow(2).sum() / len(x)
        kl = standard_normal_kl(mu, logvar) / len(x)
        game = F.softplus(-real).mean() + 0.5 * (F.softplus(copied) + F.softplus(drawn)).mean()
        deceived = 0.5 * (F.softplus(-copied) + F.softplus(-drawn)).mean()
        losses = (kl + error, self.gamma * error + deceived, game)
        for loss, player, last in zip(losses, self.players, (False, False, True)):
            gradients = torch.autograd.grad(loss, player, retain_graph=not last)
            for parameter, gradient in zip(player, gradients):
                parameter.grad = gradient
        for optimizer in self.optimizers:
            optimizer.step()
        return losses[0]


MODELS = {"delta-vae": DeltaVae, "vae-gan-64": VaeGan64}
