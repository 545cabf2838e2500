"""The recurrent member: one LSTM layer, trained by truncated back-propagation with its state carried along.

Training sees what the bot will see: one step a decision, the state never reset within an unbroken stretch of data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tradefleet_models.labels import UNKNOWN
from tradefleet_models.train import graphs
from tradefleet_models.train.config import Lstm
from tradefleet_models.train.graphs import Floats, LstmWeights, Scaling


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive decisions: scaled or raw features [N, F] and labels [N] (UNKNOWN where there is none to learn)."""

    features: Floats
    labels: NDArray[np.int8]


class Network(nn.Module):
    """LSTM layer and linear head: `[T, B, F] -> margins [T, B, 3]`."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.layer = nn.LSTM(width, hidden)
        self.head = nn.Linear(hidden, 3)

    def forward(self, steps: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Margins of every step, and the state after the last."""
        out, state = self.layer(steps, state)
        return self.head(out), state

    def zero_state(self, streams: int) -> tuple[Tensor, Tensor]:
        """The state before the first decision."""
        shape = (1, streams, self.layer.hidden_size)
        return torch.zeros(shape), torch.zeros(shape)


def fit(stretches: Sequence[Stretch], scaling: Scaling, settings: Lstm, seed: int) -> Network:
    """Train on parallel streams cut from the stretches; the caller has limited torch to one thread."""
    torch.manual_seed(seed)
    network = Network(stretches[0].features.shape[1], settings.hidden)
    features, labels = _streams(stretches, scaling, settings.streams)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    loss_of = nn.CrossEntropyLoss(ignore_index=UNKNOWN)
    for _ in range(settings.epochs):
        state = network.zero_state(features.shape[1])
        for begin in range(0, len(features), settings.steps):
            target = labels[begin : begin + settings.steps].reshape(-1)
            margins, state = network(features[begin : begin + settings.steps], state)
            state = (state[0].detach(), state[1].detach())
            if bool((target == UNKNOWN).all()):
                continue
            optimizer.zero_grad()
            loss_of(margins.reshape(-1, 3), target).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
    return network


def probabilities(network: Network, scaling: Scaling, features: Floats) -> Floats:
    """What the network says of consecutive decisions [N, F], from a zero state: [N, 3]."""
    with torch.no_grad():
        margins, _ = network(torch.from_numpy(scaling(features))[:, None], network.zero_state(1))
        result: Floats = torch.softmax(margins[:, 0], dim=1).numpy()
    return result


def graph(network: Network, scaling: Scaling) -> bytes:
    """One step of the network as ONNX, scaling inside."""
    value = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    weights = LstmWeights(
        weight_input=value["layer.weight_ih_l0"],
        weight_hidden=value["layer.weight_hh_l0"],
        bias=value["layer.bias_ih_l0"] + value["layer.bias_hh_l0"],
        head_weight=value["head.weight"],
        head_bias=value["head.bias"],
    )
    return graphs.lstm(scaling, weights)


def _streams(stretches: Sequence[Stretch], scaling: Scaling, streams: int) -> tuple[Tensor, Tensor]:
    """Cut every stretch into equal streams side by side, padded with UNKNOWN: features [T, S, F], labels [T, S]."""
    total = sum(len(stretch.labels) for stretch in stretches)
    length = max(1, -(-total // streams))
    pieces = [
        (scaling(stretch.features[begin : begin + length]), stretch.labels[begin : begin + length])
        for stretch in stretches
        for begin in range(0, len(stretch.labels), length)
    ]
    features = np.zeros((length, len(pieces), pieces[0][0].shape[1]), np.float32)
    labels = np.full((length, len(pieces)), UNKNOWN, np.int64)
    for index, (rows, targets) in enumerate(pieces):
        features[: len(rows), index], labels[: len(rows), index] = rows, targets
    return torch.from_numpy(features), torch.from_numpy(labels)
