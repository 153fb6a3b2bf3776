"""Segmentation models for QGIS: an ONNX file for the Deepness plugin, and the raster it reads.

Deepness (https://qgis-plugin-deepness.readthedocs.io) cuts a raster of 8-bit bands into square
tiles, divides the bytes by 255 and runs the model on them; outside the raster it puts zeros.
It cannot be given an elevation model, which 256 steps would flatten into terraces. So the channels
that the net sees are written as a raster of bytes: 1 to 255 for -4 to 4 spreads about the mean of
the training, 0 where void.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graben.errors import InputError
from graben.landforms.models.segmentation import Segmentation
from graben.landforms.models.segmentation_channels import channel_names
from graben.landforms.models.segmentation_samples import LIMIT
from graben.learning.export import export_onnx
from graben.output import written_file
from graben.progress import track
from graben.tiling import plan_tiles

if TYPE_CHECKING:
    from graben.landforms.dem_file import DemFile

STEPS = 254  # bytes 1 to 255
OVERLAP = 25  # per cent of a tile's side that Deepness lays over the next tile


class DeepnessNet(nn.Module):
    """From bytes over 255, (1, channel, y, x), to a score of each class that sums to 1.

    The class with the highest score is that of `Segmentation.predict`; where the model favours
    rare classes, scores are not the probabilities that it gives.

    Parameters
    ----------
    model
        A fitted model.
    """

    def __init__(self, model: Segmentation) -> None:
        super().__init__()
        self.net = model.net_
        offset = model.favour_ - np.log(model.weights_)
        self.offset: Tensor
        self.register_buffer("offset", torch.tensor(offset, dtype=torch.float32)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        """Give the score of each class, (1, class, y, x)."""
        byte = 255 * x
        scaled = ((byte - 1) / STEPS * 2 - 1) * LIMIT
        scaled = torch.where(byte < 0.5, torch.zeros_like(scaled), scaled)
        return (self.net(scaled) + self.offset).softmax(1)


def as_bytes(scaled: NDArray[np.float32], void: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Round scaled channels, (channel, y, x), to the bytes that `DeepnessNet` takes.

    Examples
    --------
    >>> as_bytes(np.float32([[[-4, 0, 4, 1]]]), np.array([[False, False, False, True]])).tolist()
    [[[1, 128, 255, 0]]]
    """
    bytes_ = 1 + np.rint((scaled / LIMIT + 1) / 2 * STEPS)
    return np.where(void, 0, bytes_).astype(np.uint8)


def export_deepness(model: Segmentation, path: str | Path, tile: int = 512) -> float:
    """Write an ONNX file with the metadata that the Deepness plugin of QGIS reads.

    Parameters
    ----------
    model
        A fitted model.
    path
        The `.onnx` file.
    tile
        Cells per side of the tiles that Deepness will cut. It drops an eighth of a tile's side
        all around: that has to be more than what the net sees around a cell, so that no seam is
        left. A multiple of four times 2^depth, so that all tiles are pooled alike.

    Returns
    -------
    float
        The largest difference between onnxruntime's and torch's scores.

    Raises
    ------
    InputError
        The tile is too small or no such multiple, or the packages for ONNX are missing.
    ModelError
        The scores differ by more than 1e-4; nothing is written.
    OutputError
        Writing failed half way; what stood there before is unchanged.
    """
    config = model.config
    least, step = 200 * config.halo // OVERLAP, 100 * config.multiple // OVERLAP
    if tile < least or tile % step:
        raise InputError(
            f"expected tiles of at least {least} cells per side, a multiple of {step}, got {tile}. "
            "Others would leave seams."
        )
    net = DeepnessNet(model).eval()
    bytes_ = torch.randint(
        0, 256, (1, config.channels, tile, tile), generator=torch.Generator().manual_seed(0)
    )
    metadata = {
        "model_type": "Segmentor",
        "class_names": dict(enumerate(model.classes)),
        "resolution": round(100 * model.cell_metres_, 3),
        "tiles_size": tile,
        "tile_size": tile,
        "tiles_overlap": OVERLAP,
        "seg_thresh": 0.0,
        "seg_small_segment": 0,
        "standardization_mean": [0.0] * config.channels,
        "standardization_std": [1.0] * config.channels,
        "bands": channel_names(model.radii),
    }
    described = {key: json.dumps(value) for key, value in metadata.items()}
    return export_onnx(net, bytes_ / 255, path, described)


def write_bands(model: Segmentation, dem: "DemFile", path: str | Path, size: int = 1024) -> None:
    """Write what the model sees of an elevation model as the raster of bytes that Deepness reads.

    Parameters
    ----------
    model
        A fitted model; the raster fits no other.
    dem
        The elevation model; it need not fit into memory.
    path
        The GeoTIFF: one band per channel, named; 0 is void.
    size
        Cells per side of the tiles that are worked on.

    Raises
    ------
    ModelError
        The cells are of another size than those of the training.
    InputError, OutputError
        As `graben.output.written_file`.
    """
    import rasterio
    from rasterio.windows import Window

    from graben.landforms.dem import gdal_failures_as_os_errors

    function = model.block(dem)
    names = channel_names(model.radii)
    profile = {"driver": "GTiff", "count": len(names), "dtype": "uint8", "nodata": 0}
    profile |= {"height": dem.shape[0], "width": dem.shape[1], "crs": dem.crs}
    profile |= {"transform": dem.transform, "tiled": True, "compress": "DEFLATE"}
    with (
        written_file(path) as temporary,
        gdal_failures_as_os_errors(),
        rasterio.open(temporary, "w", **profile, bigtiff="IF_SAFER") as file,
    ):
        file.descriptions = names
        for tile in track(plan_tiles(dem.shape, size, function.halo), "writing bands"):
            block = dem.read(tile.padded)
            scaled = function.scaled_channels(block, tile)[:, *tile.inner]
            bands = as_bytes(scaled, np.isnan(block[tile.inner]))
            file.write(bands, window=Window.from_slices(*tile.core))
