"""Maps of any legend learned from dense masks: a U-Net on scale-free views of the terrain."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graben.errors import InputError, ModelError
from graben.landforms.dem import CellSize, cell_size, on_map
from graben.landforms.models.few_labels import grid_of, source_of
from graben.landforms.models.segmentation_channels import channel_names, channel_reach
from graben.landforms.models.segmentation_samples import (
    LabelledDem,
    Scaling,
    Tiles,
    TurnedTiles,
    cut_tiles,
    split_tiles,
)
from graben.landforms.models.segmentation_scores import class_scores, confusion, f1_by_class
from graben.landforms.models.segmentation_tile import PIECE, SegmentTile, calibrated
from graben.learning import History, Recipe, fit, load_model, predict, save_model
from graben.learning.nets import UNet, UNetConfig, has_bfloat16
from graben.progress import track
from graben.tiling import plan_tiles

if TYPE_CHECKING:
    import xarray as xr

    from graben.landforms.models.few_labels import Dem

MODEL = "unet"
ALIKE = 1.25  # by this factor the cells of another elevation model may be larger or smaller
FAVOURS = np.linspace(0, 1, 11)


class Segmentation:
    """A U-Net that maps the classes of a legend, learned from densely labelled terrain.

    It sees slope, aspect, curvature and local relief, all without units, in the 48 cells around
    each cell (at the default depth), never the height itself. Tiles of the labelled land are
    shown in all their eight symmetries. A fifth of the tiles, with no training label within
    reach of their channels, is held out: it stops the training, and chooses how much a rare class
    is favoured.

    Parameters
    ----------
    classes
        Names; the code of a class in masks and maps is its place here plus 1.
    radii
        Of the local relief, in cells.
    width, depth
        Of the net; see `graben.learning.nets.UNetConfig`.

    Attributes
    ----------
    net_
        The trained net.
    validation_
        Scores on the tiles that were held out, with intervals over tiles. They are a little too
        good: the same tiles stopped the training.
    history_
        How the training went.
    cell_metres_
        Size of the training's cells in metres.
    """

    def __init__(
        self,
        classes: Sequence[str],
        radii: tuple[int, ...] = (2, 8, 32),
        width: int = 8,
        depth: int = 3,
    ) -> None:
        if not 2 <= len(classes) <= 255 or len(set(classes)) < len(classes):
            raise InputError(
                f"expected 2 to 255 classes, each named once, got {list(classes)}. Name the land "
                "around what is mapped as a class too (--background)."
            )
        self.classes, self.radii = tuple(classes), tuple(radii)
        channels = len(channel_names(self.radii))
        self.config = UNetConfig(2, channels, len(classes), width=width, depth=depth)

    @property
    def channel_reach(self) -> int:
        """How many cells around a cell its channels depend on."""
        return channel_reach(self.radii)

    @staticmethod
    def tuned() -> Recipe:
        """Return the recipe of the defaults: at most 600 steps, with mixup."""
        return Recipe(
            learning_rate=3e-3,
            mixup=0.2,
            patience=20,
            max_epochs=200,
            max_steps=600,
            batch_size=8,
        )

    def fit(
        self,
        areas: Sequence[LabelledDem],
        recipe: Recipe | None = None,
        side: int = 96,
        balance: float = 0.5,
        checkpoint_folder: Path | None = None,
    ) -> Self:
        """Learn from labelled elevation models.

        Parameters
        ----------
        areas
            One or several, with cells of nearly one size.
        recipe
            How to train; by default `tuned`.
        side
            Cells per side of a tile, a multiple of 2^depth.
        balance
            A class of share p of the labelled cells is weighted by p^-balance in the training:
            0 lets every cell count alike, 1 every class. Probabilities are corrected for it.
        checkpoint_folder
            A training that was cut off goes on from there.

        Raises
        ------
        InputError
            Too little is labelled, or the areas do not fit together; see `split_tiles`.
        """
        self.cell_metres_ = _common_cell(areas)
        self._check_side(side)
        self._check_codes(areas)
        tiles = cut_tiles(areas, side, self.radii)
        training, validation = split_tiles(tiles, len(self.classes), self.channel_reach)
        self.scaling_ = Scaling.of(training.channels)
        share = training.counts(len(self.classes)) / training.counts(len(self.classes)).sum()
        self.weights_ = share**-balance / (share ** (1 - balance)).sum()
        samples = TurnedTiles(
            self.scaling_.apply(training.channels),
            training.codes,
            # so that the loss is the mean over labelled cells whatever part of the tiles they are
            self.weights_ / (training.codes > 0).mean(),
        )
        held = TurnedTiles(
            self.scaling_.apply(validation.channels), validation.codes, np.ones(len(share)), 1
        )
        net = UNet(replace(self.config, bfloat16=has_bfloat16()))
        self.history_: History = fit(
            net,
            samples,
            held,
            weighted_cross_entropy,
            recipe or self.tuned(),
            checkpoint_folder=checkpoint_folder,
            validation_score=lambda logits: _mean_loss(logits, validation.codes, self.weights_),
        )
        self.net_ = UNet(self.config).eval()
        self.net_.load_state_dict(net.state_dict())
        self._judge(predict(self.net_, held, 16), validation, share)
        return self

    def predict(self, dem: "Dem", size: int = PIECE) -> "xr.Dataset":
        """Map an elevation model.

        Parameters
        ----------
        dem
            Elevation in metres, in memory (y, x), with its CRS, or on disk; NaN is void.
        size
            Cells per side of the tiles that are worked on, a multiple of 2^depth; it changes
            memory and time, not the answer.

        Returns
        -------
        xarray.Dataset
            "classes" uint8 (0 is void), "confidence": the probability of that class, "unlike": 1
            where the terrain is unlike that of the training, and "probability" (class, y, x).

        Raises
        ------
        ModelError
            The cells are of another size than those of the training.
        InputError
            `size` is no such multiple, or the elevation model is a single row or column.
        """
        import xarray as xr

        self._check_side(size)
        block, source = replace(self.block(dem), piece=size), source_of(dem)
        found = {name: np.empty(dem.shape, dtype) for name, dtype in block.outputs.items()}
        for tile in track(plan_tiles(dem.shape, size, block.halo), "tiles"):
            arrays = block(source.read(tile.padded), tile, dem.shape)
            for name, values in arrays.items():
                found[name][tile.core] = values
        y, x, crs = np.asarray(dem.y), np.asarray(dem.x), grid_of(dem).crs
        maps = {name: on_map(values, y, x, crs, name) for name, values in found.items()}
        planes = [maps.pop(f"probability_{code + 1}") for code in range(len(self.classes))]
        stack = xr.concat(planes, "class_name").assign_coords(class_name=list(self.classes))
        return xr.Dataset({**maps, "probability": stack.rename("probability")})

    def block(self, dem: "Dem") -> SegmentTile:
        """Return what maps one tile of an elevation model, in memory or on disk.

        Raises
        ------
        ModelError
            The cells are of another size than those of the training.
        InputError
            The elevation model is a single row or column.
        """
        if min(dem.shape) < 2:
            raise InputError(
                f"expected at least 2 rows and 2 columns, which have slopes, got {dem.shape[0]} by "
                f"{dem.shape[1]}. Choose a larger area."
            )
        cells = cell_size(dem)
        size = _size(cells)
        if not self.cell_metres_ / ALIKE <= size <= self.cell_metres_ * ALIKE:
            raise ModelError(
                f"the model learned on cells of {self.cell_metres_:.3g} m, this elevation model "
                f"has {size:.3g} m. Resample it first: `gdalwarp -tr`, or train on such cells."
            )
        return SegmentTile(
            self.config,
            self._state(),
            self.scaling_,
            self.radii,
            self.weights_,
            self.favour_,
            cells,
        )

    def save(self, folder: str | Path, about: dict[str, Any]) -> None:
        """Write a model folder; `about` tells the training data and its licence.

        Raises
        ------
        InputError, OutputError
            As `graben.learning.save_model`.
        """
        arrays = {
            "mean": self.scaling_.mean,
            "spread": self.scaling_.spread,
            "weights": self.weights_,
            "favour": self.favour_,
        }
        nets = {f"net.{name}": value for name, value in self._state().items()}
        save_model(
            folder,
            {**nets, **arrays},
            {
                "model": MODEL,
                "what": "The class of each cell of an elevation model: " + ", ".join(self.classes),
                "metrics": {
                    f"{name}, {score}": row
                    for name, scores in self.validation_.items()
                    for score, row in scores.items()
                },
                "calibration": "probabilities are corrected for the class weights; not tested",
                "cost": f"{self.history_.seconds:.0f} s of training",
                **about,
                "classes": self.classes,
                "radii": self.radii,
                "width": self.config.width,
                "depth": self.config.depth,
                "cell_metres": self.cell_metres_,
                "validation": self.validation_,
                "history": asdict(self.history_),
            },
        )

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model folder.

        Raises
        ------
        ModelError
            It was changed, or holds another kind of model.
        """
        stored = load_model(folder)
        about = stored.description
        if about.get("model") != MODEL:
            raise ModelError(
                f"expected a {MODEL} in {folder}, got {about.get('model')}. Choose the folder of "
                "a segmentation model."
            )
        model = cls(about["classes"], tuple(about["radii"]), about["width"], about["depth"])
        model.scaling_ = Scaling(stored.tensors["mean"], stored.tensors["spread"])
        model.weights_, model.favour_ = stored.tensors["weights"], stored.tensors["favour"]
        model.net_ = UNet(model.config).eval()
        state = {name: torch.tensor(value) for name, value in stored.state("net").items()}
        model.net_.load_state_dict(state)
        model.cell_metres_, model.validation_ = about["cell_metres"], about["validation"]
        model.history_ = History(**about["history"])
        return model

    def _state(self) -> dict[str, NDArray[Any]]:
        return {name: value.numpy() for name, value in self.net_.state_dict().items()}

    def _check_side(self, side: int) -> None:
        if side < 1 or side % self.config.multiple:
            raise InputError(
                f"expected tiles of a multiple of {self.config.multiple} cells per side, got "
                f"{side}. Choose one."
            )

    def _check_codes(self, areas: Sequence[LabelledDem]) -> None:
        most = max(int(area.mask.max()) for area in areas)
        if most > len(self.classes):
            raise InputError(
                f"expected codes from 0 to {len(self.classes)} in the masks, got {most}. Name "
                "every class."
            )

    def _judge(self, logits: NDArray[Any], validation: Tiles, share: NDArray[Any]) -> None:
        """Choose how much rare classes are favoured, and score the maps that follow."""
        log_p = calibrated(logits, self.weights_)
        tables = []
        for favour in FAVOURS:
            mapped = (log_p - favour * np.log(share)[:, None, None]).argmax(1) + 1
            tables.append(confusion(validation.codes, mapped, len(self.classes)))
        best = int(np.argmax([f1_by_class(table.sum(0)).mean() for table in tables]))
        self.favour_ = -FAVOURS[best] * np.log(share)
        self.validation_ = class_scores(tables[best], self.classes)


def weighted_cross_entropy(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Give the mean over cells of minus the log probability of their class, times its weight."""
    return -(batch["y"] * logits.log_softmax(1)).sum(1).flatten(1).mean(1)


def _mean_loss(logits: NDArray[Any], codes: NDArray[np.uint8], weights: NDArray[Any]) -> float:
    """Give the mean of minus the log probability of the class of each labelled cell."""
    log_p = calibrated(logits, weights)
    true = np.maximum(codes, 1).astype(int)[:, None] - 1
    return float(-np.take_along_axis(log_p, true, 1)[:, 0][codes > 0].mean())


def _size(cells: CellSize) -> float:
    return float(np.sqrt(cells.x * cells.y).mean())


def _common_cell(areas: Sequence[LabelledDem]) -> float:
    sizes = [_size(cell_size(area.dem)) for area in areas]
    if not sizes or max(sizes) > ALIKE * min(sizes):
        raise InputError(
            "expected elevation models with cells of nearly one size, got "
            f"{', '.join(f'{size:.3g} m' for size in sizes) or 'none'}. Resample them."
        )
    return float(np.mean(sizes))
