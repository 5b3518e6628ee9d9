"""Tiny PyTorch networks with drawn weights: as `FILE.py:NAME` and as classes."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (the extra torch)", exc_type=ImportError)

from torch import nn  # noqa: E402


class Residual(nn.Module):
    """A stem and two residual blocks with batch normalisation, the second right before the pooling."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
            for _ in range(2)
        )
        self.relu, self.pool, self.drop = nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Dropout(0.2)
        self.dense = nn.Linear(8, 5)
        for block in self.blocks:
            nn.init.normal_(block[1].running_mean, 0, 0.3)
            nn.init.uniform_(block[1].running_var, 0.5, 2)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = self.relu(block(x) + x)
        return self.dense(self.drop(torch.flatten(self.pool(x), 1)))


def residual():
    return Residual()


class Branching(Residual):
    """What torch.fx cannot trace."""

    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)


network = residual()
