"""The policy: PPO with action masks, exported as plain logits with the observation's scaling inside."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import Tensor

from tradefleet_models.train import graphs
from tradefleet_models.train.config import ConfigError, Policy
from tradefleet_models.train.environment import Tape, TradingEnvironment, edge_of
from tradefleet_models.train.graphs import Floats, Scaling

_LIMIT = 4.0
_ROLLOUT = 64
_BATCH = 128
_EPOCHS = 10
_SAMPLE = 4_000


class Scaled(BaseFeaturesExtractor):
    """The fixed scaling as the policy's first layer, so that the environment's observation is exactly the bot's."""

    def __init__(self, observation_space: gymnasium.spaces.Box, scaling: Scaling) -> None:
        super().__init__(observation_space, len(scaling.mean))
        self.mean, self.scale = torch.from_numpy(scaling.mean), torch.from_numpy(scaling.scale)
        self.limit = scaling.limit

    def forward(self, rows: Tensor) -> Tensor:
        """Scaled observations, [B, O]."""
        return torch.clamp((rows - self.mean) / self.scale, -self.limit, self.limit)


class _CostsRise(BaseCallback):
    """Costs grow from nothing to their full size over the first 60 % of the training.

    With full costs from the start, random trading loses so surely that the policy stops trading before it has seen
    what a score is worth.
    """

    def __init__(self, timesteps: int) -> None:
        super().__init__()
        self._full_at = 0.6 * timesteps

    def _on_rollout_start(self) -> None:
        self.training_env.set_attr("cost_share", min(1.0, self.num_timesteps / self._full_at))

    def _on_step(self) -> bool:
        return True


def fit(tapes: Sequence[Tape], settings: Policy, horizon: int, seed: int) -> tuple[MaskablePPO, Scaling]:
    """Train on the tapes and their mirror images (long and short are then the same problem).

    Raises ConfigError where the scores predict nothing on these tapes and the reward would rest on their word.
    """
    edge = edge_of(tapes, horizon)
    if edge <= 0 and settings.realized_share < 1:
        raise ConfigError(
            "the members' scores do not predict returns on the policy's share of the data: take more data"
        )
    priced = [replace(tape, edge=edge) for tape in tapes]
    both = [*priced, *(tape.mirrored() for tape in priced)]
    unit = _unit_bps(both)

    def environment() -> TradingEnvironment:
        return TradingEnvironment(both, settings.costs, settings.episode, unit, settings.realized_share)

    scaling = _scaling(environment(), seed)
    agent = MaskablePPO(
        "MlpPolicy",
        DummyVecEnv([environment] * settings.environments),
        learning_rate=settings.learning_rate,
        n_steps=_ROLLOUT,
        batch_size=_BATCH,
        n_epochs=_EPOCHS,
        gamma=settings.gamma,
        ent_coef=settings.entropy,
        policy_kwargs={
            "features_extractor_class": Scaled,
            "features_extractor_kwargs": {"scaling": scaling},
            "net_arch": list(settings.layers),
            "activation_fn": torch.nn.Tanh,
        },
        seed=seed,
        device="cpu",
    )
    agent.learn(settings.timesteps, callback=_CostsRise(settings.timesteps))
    return agent, scaling


def logits(agent: MaskablePPO, observations: Floats) -> Floats:
    """The policy network's logits of raw observations [N, O], unmasked: [N, 6]."""
    policy = agent.policy
    with torch.no_grad():
        latent = policy.mlp_extractor.forward_actor(policy.pi_features_extractor(torch.from_numpy(observations)))
        result: Floats = policy.action_net(latent).numpy()
    return result


def graph(agent: MaskablePPO, scaling: Scaling) -> bytes:
    """The policy network as ONNX."""
    layers: list[Any] = [layer for layer in agent.policy.mlp_extractor.policy_net if isinstance(layer, torch.nn.Linear)]
    layers.append(agent.policy.action_net)
    arrays = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in layers]
    return graphs.perceptron(scaling, arrays)


def _unit_bps(tapes: Sequence[Tape]) -> float:
    """One decision's typical move in basis points: rewards of order one whatever the market."""
    moves = np.concatenate([np.diff(np.log((tape.bid + tape.ask) / 2)) for tape in tapes])
    return max(1e-3, 1e4 * float(moves.std()))


def _scaling(environment: TradingEnvironment, seed: int) -> Scaling:
    """Scaling of the observations that random trading meets."""
    draw = np.random.default_rng(seed)
    rows = [environment.reset(seed=seed)[0]]
    while len(rows) < _SAMPLE:
        action = draw.choice(np.flatnonzero(environment.action_masks()))
        row, _, _, over, _ = environment.step(action)
        rows.append(environment.reset()[0] if over else row)
    return Scaling.of(np.stack(rows), _LIMIT)
