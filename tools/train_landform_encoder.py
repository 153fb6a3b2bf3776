"""Train a landform encoder without labels, as a rival of the exact features.

    python tools/train_landform_encoder.py --seed 0 --out out/encoder-0     # 200 s of one core

A small U-Net sees slope, aspect, curvature and local relief of a tile, of which blocks are hidden,
and predicts the exact features of all scales (geomorphons, openness, texture ...) of every cell,
hidden or not. Tiles come from fractal terrain, from synthetic landscapes (their units are not
looked at) and from the elevation that ships, east of 36 degrees, which no benchmark scores on.
Its features lost to the exact ones (benchmarks/few_labels.py), so that no weights ship.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from graben.cli.console import progress_bar, say
from graben.datasets import load_elevation
from graben.landforms import CellSize, cell_size, fractal, landscape
from graben.landforms.features import TerrainFeatures
from graben.landforms.models.segmentation_channels import terrain_channels
from graben.learning import Recipe, TensorSamples, fit, load_model, save_model
from graben.learning.nets.unet import UNet, UNetConfig
from graben.learning.threads import torch_threads
from graben.progress import shown_by, track
from graben.tiling import Tile, plan_tiles

RADII = (3, 12)  # of the local relief among the input channels
CHANNELS = 4 + len(RADII)
LEVELS = 2  # finest maps of the decoder that are features
TILE = 64
HIDDEN, BLOCK = 0.3, 8  # share of the blocks of cells that are hidden, and their side
SCENES = 6  # fractals, and as many landscapes
RECIPE = Recipe(max_epochs=12, patience=0, batch_size=16, learning_rate=2e-3)


def encoder_config(outputs: int) -> UNetConfig:
    """Describe the net; `outputs` is the number of quantities that it is trained to predict."""
    return UNetConfig(ndim=2, channels=CHANNELS, outputs=outputs, width=16, depth=3)


@dataclass(frozen=True, eq=False)
class EncoderFeatures:
    """The finest maps of the U-Net's decoder; called like `TerrainFeatures`.

    Parameters
    ----------
    cells
        Cell sizes of all rows of the DEM.
    net
        In evaluation mode.
    mean, sd
        Of the input channels in its training, (channel,).
    """

    cells: CellSize
    net: UNet
    mean: np.ndarray
    sd: np.ndarray

    def __call__(self, block: np.ndarray, tile: Tile, shape: tuple[int, ...]) -> np.ndarray:
        """Compute the core of a tile, (feature, y, x) float32; NaN where a channel is."""
        rows = tile.padded[0]
        x = terrain_channels(block, self.cells.x[rows], self.cells.y[rows], RADII)
        void = np.isnan(x).any(axis=0)
        x = np.nan_to_num((x - self.mean[:, None, None]) / self.sd[:, None, None])
        # sides become multiples of 8 by repeating the last cells, which lie beyond the core
        more = [(0, 0), *((0, -side % self.net.config.multiple) for side in x.shape[1:])]
        padded = np.pad(x, more, mode="edge").astype(np.float32)
        with torch.inference_mode():
            maps = self.net.features(torch.from_numpy(padded)[None])[-LEVELS:]
        size = padded.shape[1:]
        grown = [torch.nn.functional.interpolate(one, size=size) for one in maps]
        stack = torch.cat(grown, dim=1)[0].numpy()[:, : void.shape[0], : void.shape[1]].copy()
        stack[:, void] = np.nan
        return stack[(slice(None), *tile.inner)]


def load_encoder(folder: Path) -> tuple[UNet, np.ndarray, np.ndarray]:
    """Read the net, and the mean and spread of its inputs."""
    stored = load_model(folder)
    net = UNet(encoder_config(stored.description["outputs"]))
    net.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in stored.state("net").items()})
    return net.eval(), stored.tensors["mean"], stored.tensors["sd"]


def scenes(seed: int) -> list:
    """Make the terrain, other than that of any benchmark."""
    generator = np.random.default_rng([seed, 77])
    made = [
        fractal(384, 384, *generator.uniform((0.3, 50), (0.9, 2000)), seed=10_000 + 10 * seed + k)
        for k in range(SCENES)
    ]
    made += [landscape(10_000 + 10 * seed + k)["elevation"] for k in range(SCENES)]
    shipped = load_elevation("globe-tile")
    east = shipped.isel(x=shipped["x"].to_numpy() > 36)
    for _ in range(SCENES):
        row, column = (int(generator.integers(0, side - 384)) for side in east.shape)
        made.append(east.isel(y=slice(row, row + 384), x=slice(column, column + 384)))
    return made


def tiles(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut inputs and targets, (tile, channel, y, x), NaN as 0 in both."""
    inputs, targets = [], []
    for dem in track(scenes(seed), "features"):
        heights, cells = dem.to_numpy().astype(np.float32), cell_size(dem)
        features = TerrainFeatures(cells)
        whole = plan_tiles(dem.shape, dem.shape, 0)[0]
        pair = (
            terrain_channels(heights, cells.x, cells.y, RADII),
            features(heights, whole, dem.shape),
        )
        for tile in plan_tiles(dem.shape, TILE, 0):
            x, y = (part[(slice(None), *tile.core)] for part in pair)
            if tile.shape == (TILE, TILE) and np.isfinite(y).mean() > 0.8 and np.ptp(x[0]) > 0:
                inputs.append(x)
                targets.append(y)
    return np.stack(inputs), np.stack(targets)


def standardised(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bring each channel to mean 0 and sd 1, within 5; give mean and sd too."""
    mean, sd = (of(values, axis=(0, 2, 3)) for of in (np.nanmean, np.nanstd))
    scaled = (values - mean[:, None, None]) / np.maximum(sd, 1e-6)[:, None, None]
    return np.nan_to_num(scaled.clip(-5, 5)), mean, np.maximum(sd, 1e-6)


def hidden(x: np.ndarray, seed: int) -> np.ndarray:
    """Hide blocks of cells of every tile."""
    side = TILE // BLOCK
    mask = np.random.default_rng([seed, 78]).random((len(x), 1, side, side)) < HIDDEN
    return np.where(mask.repeat(BLOCK, 2).repeat(BLOCK, 3), 0, x)


def squared(output: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Give the mean squared error of each tile."""
    return ((output - batch["y"]) ** 2).flatten(1).mean(1)


def main() -> None:
    """Train and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    started = time.process_time()
    x, y = tiles(asked.seed)
    order = np.random.default_rng(asked.seed).permutation(len(x))
    x, mean, sd = standardised(x[order])
    y, _, _ = standardised(y[order])
    x = hidden(x, asked.seed)
    held_out = len(x) // 10
    net = UNet(encoder_config(y.shape[1]))
    recipe = replace(RECIPE, seed=asked.seed)
    with torch_threads(1):
        history = fit(
            net,
            TensorSamples(x[held_out:], y[held_out:]),
            TensorSamples(x[:held_out], y[:held_out]),
            squared,
            recipe,
        )
    cost = f"{time.process_time() - started:.0f} CPU s on one core, {len(x)} tiles of {TILE} cells"
    description = {
        "model": "landform-encoder",
        "what": "Maps of a U-Net that predicts exact terrain features from local channels",
        "training_data": "Fractals, synthetic landscapes and GLOBE elevations, without labels",
        "metrics": {
            "mean squared error of standardised features, held-out tiles": {
                "value": min(history.validation),
                "baseline": float((y[:held_out] ** 2).mean()),
            }
        },
        "cost": cost,
        "seed": asked.seed,
        "outputs": y.shape[1],
        "channels": CHANNELS,
    }
    save_model(
        asked.out,
        {**{f"net.{k}": v.numpy() for k, v in net.state_dict().items()}, "mean": mean, "sd": sd},
        description,
    )
    say(f"{asked.out}: validation {history.validation}, {cost}")


if __name__ == "__main__":
    with shown_by(progress_bar):
        main()
