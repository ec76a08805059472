"""The benchmark graphs of ../graphs in plain PyTorch: the same layers and losses, a class a model.

A new model derives from nn.Module (from Vae, if it is one) and has, besides __init__,
    batch_size                 the batch that is measured by default
    images                     True where channels_last applies to the batch
    batch(size, generator)     synthetic data
    loss(x)                    what a training step minimises: nats per sample, mean over the batch
    optimizer()
and is registered under its graph's name in MODELS. All of it works in PyTorch 1.13 and 2.x.
"""
import models_continuous
import models_discrete
import torch
import torch.nn.functional as F
from torch import nn

VERSION = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])


def adam(parameters, lr):
    fastest = {"fused": True} if VERSION >= (2, 4) else {}  # fused Adam came to the CPU in 2.4
    return torch.optim.Adam(parameters, lr=lr, **fastest)


def relu():
    return nn.ReLU(inplace=True)


class Vae(nn.Module):
    """Bernoulli likelihood, Gaussian posterior, standard normal prior; a model adds encode, decode and event."""
    batch_size = 128
    images = True
    learning_rate = 1e-3
    beta = 1.0
    event = ()  # the shape of a sample, channels first

    def batch(self, size, generator):
        return torch.rand(size, *self.event, generator=generator)

    def loss(self, x):
        mu, logvar = (part.float() for part in self.encode(x))
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        nll = F.binary_cross_entropy_with_logits(self.decode(z).float(), x, reduction="sum")
        kl = 0.5 * (mu.pow(2) + logvar.exp() - 1 - logvar).sum()
        return (nll + self.beta * kl) / x.shape[0]

    def optimizer(self):
        return adam(self.parameters(), self.learning_rate)


class VaeMlp(Vae):
    """Kingma and Welling's on MNIST: 784-400-20-400-784."""
    images = False
    event = (784,)

    def __init__(self, hidden=400, latent=20):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, hidden), relu())
        self.mu = nn.Linear(hidden, latent)
        self.logvar = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), relu(), nn.Linear(hidden, 784))

    def encode(self, x):
        h = self.encoder(x)
        return self.mu(h), self.logvar(h)

    def decode(self, z):
        return self.decoder(z)


class VaeConv(Vae):
    """Two strided convolutions each way on 28x28."""
    event = (1, 28, 28)

    def __init__(self, latent=32):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 4, stride=2, padding=1), relu(),
            nn.Conv2d(32, 64, 4, stride=2, padding=1), relu(),
            nn.Flatten(), nn.Linear(64 * 7 * 7, 2 * latent))
        self.decoder = nn.Sequential(
            nn.Linear(latent, 64 * 7 * 7), relu(), nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), relu(),
            nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1))

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)

    def decode(self, z):
        return self.decoder(z)


class BetaVae64(VaeConv):
    """Burgess et al. 2018 on 64x64: four strided convolutions and two hidden layers each way."""
    batch_size = 64
    learning_rate = 5e-4
    beta = 4.0
    event = (1, 64, 64)

    def __init__(self, latent=10, width=32, hidden=256):
        nn.Module.__init__(self)
        down, up = [], []
        for channels in (1, width, width, width):
            down += [nn.Conv2d(channels, width, 4, stride=2, padding=1), relu()]
        for channels in (width, width, width, 1):
            up += [relu(), nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1)]
        self.encoder = nn.Sequential(
            *down, nn.Flatten(), nn.Linear(width * 16, hidden), relu(), nn.Linear(hidden, hidden), relu(),
            nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden), relu(), nn.Linear(hidden, hidden), relu(),
            nn.Linear(hidden, width * 16), nn.Unflatten(1, (width, 4, 4)), *up)


MODELS = {"vae-mlp": VaeMlp, "vae-conv": VaeConv, "beta-vae-64": BetaVae64, **models_continuous.MODELS,
          **models_discrete.MODELS}
