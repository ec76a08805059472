"""The discrete models of ../graphs in plain PyTorch: vector quantizers, a gated PixelCNN, a WaveNet decoder.

What a model has to offer says models.py; `sample_step(size)` besides it is one position of ancestral sampling by a full
forward pass: what PyTorch does without a cache of its own.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn


def adam(parameters, lr):
    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    return torch.optim.Adam(parameters, lr=lr, **({"fused": True} if version >= (2, 4) else {}))


class Discrete(nn.Module):
    learning_rate = 3e-4
    images = True

    def optimizer(self):
        return adam(self.parameters(), self.learning_rate)


class Quantizer(nn.Module):
    """Nearest code, straight-through gradient, codebook by exponential moving averages (van den Oord et al. 2017)."""

    def __init__(self, codes, dim, decay=0.99, epsilon=1e-5):
        super().__init__()
        self.decay, self.epsilon = decay, epsilon
        start = torch.randn(codes, dim)
        for name, value in (("codebook", start), ("sums", start.clone()), ("counts", torch.ones(codes))):
            self.register_buffer(name, value)

    @torch.no_grad()
    def follow(self, vectors, codes):
        chosen = F.one_hot(codes, len(self.counts)).to(vectors.dtype)
        self.counts.lerp_(chosen.sum(0), 1 - self.decay)
        self.sums.lerp_(chosen.t() @ vectors, 1 - self.decay)
        total = self.counts.sum()
        smoothed = (self.counts + self.epsilon) * total / (total + len(self.counts) * self.epsilon)
        self.codebook.copy_(self.sums / smoothed[:, None])

    def forward(self, z):  # channels first, of any number of axes; the quantized vectors and the commitment loss
        with torch.autocast("cpu", enabled=False):
            last = z.float().movedim(1, -1)
            vectors = last.reshape(-1, last.shape[-1])
            with torch.no_grad():
                codes = torch.addmm(self.codebook.square().sum(1), vectors, self.codebook.t(), alpha=-2).argmin(1)
            nearest = F.embedding(codes, self.codebook)
            if self.training:
                self.follow(vectors, codes)
            loss = F.mse_loss(vectors, nearest)
            quantized = (vectors + (nearest - vectors).detach()).view_as(last)
            return quantized.movedim(-1, 1), loss


class Residual(nn.Sequential):
    def __init__(self, width, hidden):
        super().__init__(nn.ReLU(), nn.Conv2d(width, hidden, 3, padding=1), nn.ReLU(inplace=True),
                         nn.Conv2d(hidden, width, 1))

    def forward(self, x):
        return x + super().forward(x)


def residuals(width, hidden, units):
    return [Residual(width, hidden) for _ in range(units)] + [nn.ReLU(inplace=True)]


def down(channels, width, hidden=32, units=2, halvings=2):
    layers, inner = [], channels
    for i in range(halvings):
        outer = width if i == 1 else width // 2
        layers += [nn.Conv2d(inner, outer, 4, stride=2, padding=1), nn.ReLU(inplace=True)]
        inner = outer
    return nn.Sequential(*layers, nn.Conv2d(inner, width, 3, padding=1), *residuals(width, hidden, units))


def up(channels, width, filters, hidden=32, units=2, doublings=2):
    head = [nn.Conv2d(channels, width, 3, padding=1), *residuals(width, hidden, units)]
    if doublings == 2:
        head += [nn.ConvTranspose2d(width, width // 2, 4, stride=2, padding=1), nn.ReLU(inplace=True)]
        width //= 2
    return nn.Sequential(*head, nn.ConvTranspose2d(width, filters, 4, stride=2, padding=1))


class VqVae128(Discrete):
    """128x128x3 to 32x32 codes: 512 codes of 64 dimensions."""
    batch_size = 32

    def __init__(self, width=128, dim=64, codes=512):
        super().__init__()
        self.encoder = nn.Sequential(down(3, width), nn.Conv2d(width, dim, 1))
        self.quantizer = Quantizer(codes, dim)
        self.decoder = up(dim, width, 3)

    def batch(self, size, generator):
        return torch.rand(size, 3, 128, 128, generator=generator)

    def loss(self, x):
        quantized, commitment = self.quantizer(self.encoder(x))
        return F.mse_loss(self.decoder(quantized).float(), x) / 0.06 + 0.25 * commitment


class VqVae2(Discrete):
    """256x256x3 to 64x64 and 32x32 codes."""
    batch_size = 8

    def __init__(self, width=128, dim=64, codes=512):
        super().__init__()
        self.bottom_encoder = down(3, width)
        self.top_encoder = nn.Sequential(down(width, width, halvings=1), nn.Conv2d(width, dim, 1))
        self.top = Quantizer(codes, dim)
        self.top_decoder = up(dim, width, dim, doublings=1)
        self.narrow = nn.Conv2d(dim + width, dim, 1)
        self.bottom = Quantizer(codes, dim)
        self.upsample = nn.ConvTranspose2d(dim, dim, 4, stride=2, padding=1)
        self.decoder = up(2 * dim, width, 3)

    def batch(self, size, generator):
        return torch.rand(size, 3, 256, 256, generator=generator)

    def loss(self, x):
        features = self.bottom_encoder(x)
        top, top_loss = self.top(self.top_encoder(features))
        told = self.top_decoder(top)
        bottom, bottom_loss = self.bottom(self.narrow(torch.cat([told, features], 1)))
        image = self.decoder(torch.cat([self.upsample(top), bottom.to(told.dtype)], 1))
        return F.mse_loss(image.float(), x) / 0.06 + 0.25 * (top_loss + bottom_loss)


def gate(x):
    value, through = x.chunk(2, 1)
    return torch.tanh(value) * torch.sigmoid(through)


class GatedBlock(nn.Module):
    """Both stacks of a gated PixelCNN, by kernels that are cropped to what a position may see."""

    def __init__(self, width, kernel, first):
        super().__init__()
        self.first, self.pad = first, kernel // 2
        self.vertical = nn.Conv2d(width, 2 * width, (kernel // 2 + 1, kernel))
        self.horizontal = nn.Conv2d(width, 2 * width, (1, kernel // 2 + (0 if first else 1)))
        self.link = nn.Conv2d(2 * width, 2 * width, 1)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, vertical, horizontal):
        rows = self.vertical(F.pad(vertical, (self.pad, self.pad, self.pad, 0)))
        above = F.pad(rows, (0, 0, 1, 0))[:, :, :-1]
        seen = F.pad(horizontal, (self.pad, 0))
        along = self.horizontal(seen[..., :-1] if self.first else seen)
        out = self.out(gate(along + self.link(above)))
        return gate(rows), out if self.first else horizontal + out


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, width, h, w = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        q, k, v = self.project(tokens).view(n, h * w, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            hidden = torch.full((h * w, h * w), -math.inf).triu_(1)
            y = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(width // self.heads) + hidden, -1) @ v
        y = self.out(y.transpose(1, 2).reshape(n, h * w, width))
        return x + y.transpose(1, 2).reshape(n, width, h, w)


class PixelCnnPrior(Discrete):
    """A prior over 32x32 codes: eight gated blocks, attention after the fourth."""
    batch_size = 16
    images = False

    def __init__(self, codes=512, width=128, blocks=8, kernel=5, heads=4, size=32):
        super().__init__()
        self.codes, self.size = codes, size
        self.embedding = nn.Embedding(codes, width)
        self.blocks = nn.ModuleList(GatedBlock(width, kernel, i == 0) for i in range(blocks))
        self.attention = Attention(width, heads)
        self.head = nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 1), nn.ReLU(inplace=True),
                                  nn.Conv2d(width, codes, 1))

    def batch(self, size, generator):
        return torch.randint(self.codes, (size, self.size, self.size), generator=generator)

    def logits(self, codes):
        vertical = self.embedding(codes).permute(0, 3, 1, 2)  # channels last as it is
        if not self.blocks[0].vertical.weight.is_contiguous(memory_format=torch.channels_last):
            vertical = vertical.contiguous()
        horizontal = vertical
        for i, block in enumerate(self.blocks):
            vertical, horizontal = block(vertical, horizontal)
            if i + 1 == len(self.blocks) // 2:
                horizontal = self.attention(horizontal)
        return self.head(horizontal)

    def loss(self, codes):
        return F.cross_entropy(self.logits(codes).float(), codes)

    @torch.no_grad()
    def sample_step(self, size, position=[0], maps={}):
        """The next position of `size` maps."""
        codes = maps.setdefault(size, torch.zeros(size, self.size, self.size, dtype=torch.long))
        row, column = divmod(position[0] % (self.size * self.size), self.size)
        probabilities = torch.softmax(self.logits(codes)[:, :, row, column].float(), 1)
        codes[:, row, column] = torch.multinomial(probabilities, 1)[:, 0]
        position[0] += 1


class WaveNetBlock(nn.Module):
    def __init__(self, width, skip, dilation):
        super().__init__()
        self.dilation = dilation
        self.conv = nn.Conv1d(width, 2 * width, 2, dilation=dilation)
        self.residual = nn.Conv1d(width, width, 1)
        self.skip = nn.Conv1d(width, skip, 1)

    def forward(self, x, told):
        y = self.conv(F.pad(x, (self.dilation, 0)))
        n, channels, length = y.shape
        y = (y.view(n, channels, told.shape[2], -1) + told[..., None]).view(n, channels, length)
        gated = gate(y)
        return x + self.residual(gated), self.skip(gated)


class VqVaeAudio(Discrete):
    """One code of 64 samples; a WaveNet of two stacks of nine blocks makes the waveform."""
    batch_size = 4
    images = False
    learning_rate = 2e-4

    def __init__(self, length=8192, width=128, dim=64, codes=512, channels=64, skip=128, stacks=2, depth=9):
        super().__init__()
        self.length = length
        layers = []
        for i in range(6):
            layers += [nn.Conv1d(width if i else 1, width, 4, stride=2, padding=1), nn.ReLU(inplace=True)]
        self.encoder = nn.Sequential(*layers, nn.Conv1d(width, dim, 1))
        self.quantizer = Quantizer(codes, dim)
        self.embedding = nn.Embedding(256, channels)
        # A 1x1 convolution commutes with upsampling by repetition, so all blocks are told at the rate of the codes.
        self.told = nn.Conv1d(dim, 2 * channels * stacks * depth, 1, bias=False)
        self.blocks = nn.ModuleList(WaveNetBlock(channels, skip, 2 ** (i % depth)) for i in range(stacks * depth))
        self.head = nn.Sequential(nn.ReLU(), nn.Conv1d(skip, skip, 1), nn.ReLU(inplace=True), nn.Conv1d(skip, 256, 1))

    def batch(self, size, generator):
        return torch.rand(size, 1, self.length, generator=generator)

    def loss(self, x):
        quantized, commitment = self.quantizer(self.encoder(x))
        companded = torch.sign(x[:, 0]) * torch.log1p(255 * x[:, 0].abs()) / math.log(256)
        levels = ((companded + 1) * 127.5 + 0.5).long().clamp_(0, 255)
        h = F.pad(self.embedding(levels), (0, 0, 1, 0))[:, :-1].transpose(1, 2).contiguous()
        skips = 0
        for block, told in zip(self.blocks, self.told(quantized).chunk(len(self.blocks), 1)):
            h, skip = block(h, told)
            skips = skips + skip
        return F.cross_entropy(self.head(skips).float(), levels) + 0.25 * commitment


MODELS = {"vq-vae-128": VqVae128, "vq-vae-2-256": VqVae2, "pixelcnn-prior-32": PixelCnnPrior,
          "vq-vae-audio": VqVaeAudio}
