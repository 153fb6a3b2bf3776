"""The default: a convolutional correction of the Omori rates that starts at no correction."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.errors import ModelError
from graben.learning import History, Recipe, TensorSamples, fit
from graben.learning.threads import torch_threads
from graben.quakes.models.base import Situation
from graben.quakes.models.mixture import Omori, Stationary
from graben.quakes.models.rates import RateModel
from graben.quakes.rasters import Kernel
from graben.quakes.scene import Scene
from graben.quakes.study import Part, Study

MAP_CHANNELS = (
    "declustered M>={m:g} 20 km",
    "declustered M>={m:g} 80 km",
    "all M>={m:g} 40 km",
    "Omori p 1.2 alpha 0.7 8 km",
    "Omori p 1.2 alpha 0.7 25 km",
    "Omori p 0.9 alpha 1 25 km",
    "Omori p 0.9 alpha 1 70 km",
)
TERRAIN_CHANNELS = ("elevation", "relief", "slope", "land")
SMALLEST = np.float32(1e-7)
CELLS_PER_TRAINING = 12_000
CELLS_PER_VALIDATION = 6_000
MARGIN = 0.1
TOLERATED = 0.02
RECIPE = Recipe(
    learning_rate=2e-3,
    schedule="constant",
    weight_decay=3e-2,
    batch_size=1800,
    max_epochs=200,
    patience=25,
    clip=0.0,
)


@dataclass(frozen=True)
class Patches:
    """Channels around cells, (cell, channel, 3, 3), and what the sparse objective needs of each.

    `x` is scaled by the training's mean and deviation. `y` is 1 for an event's cell, and minus
    the expected count that a drawn cell stands for.
    """

    x: NDArray[Any]
    y: NDArray[Any]


class GridCnn(RateModel):
    """log rate = log Omori rate + f(channels), f from small nets whose last layer starts at zero.

    The log-likelihood ratio over the Omori rates is the sum over events of f minus the sum over
    all cells of rate (e^f - 1). Every event's cell is kept; of the second sum's cells some are
    drawn in proportion to the Omori rate, each standing for the same share of its window's
    expected count. f is the mean over an ensemble of nets, half of them seeing 3 x 3 cells and
    half one cell.

    Parameters
    ----------
    terrain
        Whether elevation, relief, slope and land are among the channels.
    seeds
        Nets per kernel size.
    recipe
        How each net is trained.
    dropout
        Share of the hidden activations dropped in training.
    cells
        Where the correction may be learned, (lat, lon) of booleans; everywhere by default. What
        is left out can be used for a spatial hold-out.

    Attributes
    ----------
    histories_
        How the training of each net went.
    """

    name = "grid-cnn"
    fits = "a regional catalogue of decades, complete from M 4.5, and an elevation model"
    needs_terrain = True

    def __init__(
        self,
        *,
        terrain: bool = True,
        seeds: int = 3,
        recipe: Recipe = RECIPE,
        dropout: float = 0.2,
        cells: NDArray[Any] | None = None,
    ) -> None:
        self.terrain = terrain
        self.seeds = seeds
        self.recipe = recipe
        self.dropout = dropout
        self.cells = cells

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in order."""
        maps = (name.replace(" M>={m:g}", "") for name in MAP_CHANNELS)
        terrain = TERRAIN_CHANNELS if self.terrain else ()
        return ("stationary rate", "Omori rate", *maps, *terrain)

    def fit_rates(self, study: Study) -> None:
        """Fit the Omori base, gather patches, and train the nets."""
        self.stationary_, self.omori_ = Stationary(), Omori()
        for base in (self.stationary_, self.omori_):
            base.fit_rates(study)
        x, y, (self.low_, self.high_) = self._gather(study, "training", CELLS_PER_TRAINING)
        axes = (0, 2, 3)
        self.mean_ = x.mean(axis=axes, dtype=np.float64).astype(np.float32)
        self.deviation_ = x.std(axis=axes, dtype=np.float64).astype(np.float32) + SMALLEST
        training = Patches(self._normalised(x), y)
        validation = self.patches(study, "validation")
        self.nets_: dict[str, Any] = {}
        self.histories_: dict[str, History] = {}
        for kernel in (3, 1):
            for seed in range(self.seeds):
                self._train(f"{kernel}x{kernel}-{seed}", kernel, seed, training, validation)

    def _train(
        self, key: str, kernel: int, seed: int, training: Patches, validation: Patches
    ) -> None:
        net = _net(len(self.channels), kernel, self.dropout)
        samples = [
            TensorSamples(_middle(part.x, kernel), part.y) for part in (training, validation)
        ]
        recipe = replace(self.recipe, seed=self.recipe.seed + seed)
        with torch_threads(1):
            self.histories_[key] = fit(net, samples[0], samples[1], sparse_poisson, recipe)
        self.nets_[key] = net

    def _normalised(self, channels: NDArray[Any]) -> NDArray[Any]:
        shape = (-1, 1, 1)
        return (channels - self.mean_.reshape(shape)) / self.deviation_.reshape(shape)

    def patches(self, study: Study, part: Part) -> Patches:
        """Return the events' cells and drawn cells of a period, scaled for the nets."""
        x, y, _ = self._gather(study, part, CELLS_PER_VALIDATION)
        return Patches(self._normalised(x), y)

    def correction(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the ensemble's f for the middle cells of scaled channels, (cell,)."""
        return np.mean([f[:, 0, 0] for f in self._answers(x)], axis=0)

    def _answers(self, x: NDArray[Any]) -> list[NDArray[Any]]:
        """Return f of each net for scaled channels with one cell of margin."""
        with torch_threads(1):
            return [
                _answer(net, _middle(x, int(key[0]))) for key, net in sorted(self.nets_.items())
            ]

    def _gather(
        self, study: Study, part: Part, cells: int
    ) -> tuple[NDArray[Any], NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]:
        """Return patches, their y, and the lowest and highest value of each channel anywhere."""
        windows = study.windows_of(part)
        times = study.issue_times[windows]
        rng = np.random.default_rng(self.recipe.seed)
        per_window = max(1, round(cells / windows.size))
        targets = study.targets
        if self.cells is not None:
            targets = targets[self.cells[targets["row"], targets["column"]]]
        x, y, lows, highs = [], [], [], []
        for batch, maps in study.batches(times, f"channels of the {part} years"):
            channels, rates = self._channels(study, times[batch], maps)
            lows.append(channels.min(axis=(0, 2, 3)))
            highs.append(channels.max(axis=(0, 2, 3)))
            padded = np.pad(channels, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
            for i, window in enumerate(windows[batch]):
                events = targets[targets["window"] == window]
                allowed = rates[i] if self.cells is None else rates[i] * self.cells
                drawn = _draw(allowed, per_window, rng)
                row = np.concatenate([events["row"].to_numpy(), drawn // rates.shape[2]])
                column = np.concatenate([events["column"].to_numpy(), drawn % rates.shape[2]])
                x.append(_patches(padded[i], row, column))
                y.append(np.ones(len(events), np.float32))
                y.append(np.full(drawn.size, -allowed.sum() / drawn.size, np.float32))
        limits = np.min(lows, axis=0), np.max(highs, axis=0)
        return np.concatenate(x), np.concatenate(y), limits

    def _channels(
        self, scene: Scene, times: pd.DatetimeIndex, maps: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the channels (time, channel, lat, lon) and the Omori rates (time, lat, lon)."""
        omori = self.omori_.rates_of(scene, times, maps)
        stationary = self.stationary_.rates_of(scene, times, maps)
        kernels: tuple[Kernel, ...] = (*scene.maps.smoothed, *scene.maps.omori)
        names = [kernel.name for kernel in kernels]
        chosen = [names.index(name.format(m=scene.source_magnitude)) for name in MAP_CHANNELS]
        logs = [np.log(np.stack([stationary, omori], axis=1) + SMALLEST)]
        logs.append(np.log(maps[:, chosen] + SMALLEST))
        if self.terrain:
            logs.append(np.broadcast_to(scene.terrain, (len(times), *scene.terrain.shape)))
        return np.concatenate(logs, axis=1), omori

    def members_of(self, scene: Scene, times: pd.DatetimeIndex, maps: NDArray[Any]) -> NDArray[Any]:
        """Return the rates with each net's correction, (net, time, lat, lon)."""
        channels, omori = self._channels(scene, times, maps)
        x = np.pad(self._normalised(channels), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
        return omori * np.exp(np.stack(self._answers(x)))

    def check(self, situation: Situation) -> None:
        """Refuse a scene whose channels lie outside what the nets were trained on.

        Raises
        ------
        ModelError
            Some channel leaves its range in training (a tenth wider at both ends) in more than
            2 % of the cells.
        RasterError
            The nets use terrain and there is none, or it does not cover the region.
        """
        if self.terrain:
            super().check(situation)
        scene = situation.scene
        channels, _ = self._channels(scene, situation.times, situation.maps)
        shape = (1, -1, 1, 1)
        margin = MARGIN * (self.high_ - self.low_)
        low, high = (self.low_ - margin).reshape(shape), (self.high_ + margin).reshape(shape)
        outside = ((channels < low) | (channels > high)).mean(axis=(0, 2, 3))
        worst = int(outside.argmax())
        if outside[worst] > TOLERATED:
            raise ModelError(
                f"in {outside[worst]:.0%} of {scene.region} the channel "
                f"'{self.channels[worst]}' lies outside the range that this model was trained "
                "on. Use the model omori, which fits itself to the catalogue, or train a model "
                "here: graben quakes train --region ... --dem ..."
            )

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the learned arrays by name."""
        arrays: dict[str, NDArray[Any]] = {
            "stationary": self.stationary_.weights_,
            "omori": self.omori_.weights_,
            "mean": self.mean_,
            "deviation": self.deviation_,
            "low": self.low_,
            "high": self.high_,
            **super().state(),
        }
        for key, net in self.nets_.items():
            arrays |= {f"net-{key}.{k}": v.numpy() for k, v in net.state_dict().items()}
        return arrays

    def settings(self) -> dict[str, Any]:
        """Return how the nets are built and were trained."""
        return {
            "terrain": self.terrain,
            "seeds": self.seeds,
            "recipe": asdict(self.recipe),
            "dropout": self.dropout,
            "channels": list(self.channels),
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take the learned arrays and settings back."""
        import torch

        super().restore(tensors, settings)
        self.terrain, self.seeds = bool(settings["terrain"]), int(settings["seeds"])
        self.dropout = float(settings["dropout"])
        self.stationary_, self.omori_ = Stationary(), Omori()
        self.stationary_.weights_, self.omori_.weights_ = tensors["stationary"], tensors["omori"]
        self.mean_, self.deviation_ = tensors["mean"], tensors["deviation"]
        self.low_, self.high_ = tensors["low"], tensors["high"]
        self.nets_ = {}
        keys = sorted({name.split(".")[0] for name in tensors if name.startswith("net-")})
        for prefix in keys:
            key = prefix.removeprefix("net-")
            net = _net(len(self.channels), int(key[0]), self.dropout)
            weights = {
                name.removeprefix(prefix + "."): torch.from_numpy(values.copy())
                for name, values in tensors.items()
                if name.startswith(prefix + ".")
            }
            net.load_state_dict(weights)
            self.nets_[key] = net.eval()


def sparse_poisson(output: Any, batch: Mapping[str, Any]) -> Any:
    """Return each sample's share of the negative Poisson log-likelihood ratio over the base.

    y > 0 counts an event: -y f. y < 0 stands for an expected count of -y: -y (e^f - 1).
    """
    import torch

    f, y = output.flatten(), batch["y"].flatten()
    return torch.where(y > 0, -y * f, -y * torch.expm1(f))


def _net(channels: int, kernel: int, dropout: float) -> Any:
    from graben.learning.nets import ConvNet, ConvNetConfig, Convolution

    layers = (Convolution(16, kernel=kernel), Convolution(16, kernel=1))
    return ConvNet(ConvNetConfig(channels, layers, dropout=dropout, zero_initialised=True))


def _answer(net: Any, x: NDArray[Any]) -> NDArray[Any]:
    """Return the net's map for each image; one at a time, which the processor's cache likes."""
    import torch

    if x.shape[-1] <= 3:
        with torch.inference_mode():
            return net(torch.from_numpy(x))[:, 0].numpy()
    maps = []
    with torch.inference_mode():
        for image in x:
            one = torch.from_numpy(image[None]).contiguous(memory_format=torch.channels_last)
            maps.append(net(one)[0, 0].numpy())
    return np.stack(maps)


def _middle(x: NDArray[Any], kernel: int) -> NDArray[Any]:
    return x if kernel == 3 else np.ascontiguousarray(x[..., 1:-1, 1:-1])


def _draw(rates: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[Any]:
    share = np.cumsum(rates.ravel(), dtype=np.float64)
    drawn = np.searchsorted(share, rng.random(count) * share[-1], "right")
    return np.minimum(drawn, share.size - 1)


def _patches(padded: NDArray[Any], row: NDArray[Any], column: NDArray[Any]) -> NDArray[Any]:
    around = np.arange(3)
    rows = row[:, None, None] + around[:, None]
    columns = column[:, None, None] + around
    return np.moveaxis(padded[:, rows, columns], 0, 1)
