"""What lies around a place, as an image: 5.6 x 5.6 degrees of past seismicity and terrain."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.quakes.grid import Grid
from graben.quakes.rasters import OmoriKernel, SeismicityMaps, SmoothedKernel
from graben.quakes.region import Region
from graben.quakes.scene import Scene
from graben.quakes.terrain import on_fine_grid

STEP = 0.1
SIDE = 56
FINE = 4
MARGIN_DEGREES = 3.0
SMALLEST = np.float32(1e-4)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Maps of a scene from which the images around places are cut.

    Channels of the coarse image (56 x 56 pixels of 0.1 degrees): elevation, relief, long-term
    seismicity, recent seismicity. Of the fine one (224 x 224 pixels of 0.025 degrees):
    long-term seismicity, recent seismicity, elevation.
    """

    scene: Scene

    @cached_property
    def grid(self) -> Grid:
        """Cells of 0.1 degrees, 3 degrees beyond the region where the elevations reach."""
        region = self.scene.region.padded(MARGIN_DEGREES)
        elevation = self.scene.elevation
        assert elevation is not None
        half = (float(elevation.x[1]) - float(elevation.x[0])) / 2
        reach = Region(
            float(elevation.x.min()) - half,
            float(elevation.y.min()) - half,
            float(elevation.x.max()) + half,
            float(elevation.y.max()) + half,
        )
        return Grid.covering(region.within(reach), STEP)

    @cached_property
    def _terrain(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Fine elevation, coarse elevation, coarse relief; scaled to about -1..1."""
        assert self.scene.elevation is not None
        metres = np.maximum(on_fine_grid(self.scene.elevation, self.grid), 0)
        blocks = metres.reshape(self.grid.rows, FINE, self.grid.columns, FINE)
        relief = blocks.max(axis=(1, 3)) - blocks.min(axis=(1, 3))
        coarse = np.sqrt(blocks.mean(axis=(1, 3))) / 40 - 0.5
        return np.sqrt(metres) / 40 - 0.5, coarse, np.log1p(relief) / 4 - 0.7

    def seismicity(
        self, times: pd.DatetimeIndex, window: NDArray[Any], corner: NDArray[Any]
    ) -> NDArray[Any]:
        """Return long-term and recent seismicity around places, (sample, 2, 56, 56) float16.

        `window` numbers each sample's issue time, `corner` (sample, 2) is the row and column of
        its south-western pixel.
        """
        magnitude = self.scene.source_magnitude
        maps = SeismicityMaps(
            self.scene.catalog,
            self.grid,
            (SmoothedKernel(20.0, True, magnitude),),
            (OmoriKernel(1.2, 0.7, 10.0),),
            quantity=self.scene.quantity,
            reference=self.scene.reference or self.scene.region,
            source_magnitude=magnitude,
        )
        images = np.zeros((window.size, 2, SIDE, SIDE), np.float16)
        pixel = np.arange(SIDE)
        wanted = np.unique(window)
        done = 0
        for batch in maps.batches(times[wanted]):
            logs = np.log10(batch + SMALLEST) / 1.5 + 2.0
            here = np.flatnonzero(
                (window >= wanted[done]) & (window <= wanted[done + len(batch) - 1])
            )
            at = np.searchsorted(wanted, window[here]) - done
            rows = corner[here, :1, None] + pixel[:, None]
            columns = corner[here, 1:, None] + pixel
            images[here] = np.moveaxis(logs[at[:, None, None], :, rows, columns], -1, 1)
            done += len(batch)
        return images

    def corners(self, longitude: NDArray[Any], latitude: NDArray[Any]) -> NDArray[Any]:
        """Return row and column of the south-western pixel of the image around each place."""
        half = SIDE // 2
        row = np.round((latitude - self.grid.south) / STEP).astype(int) - half
        column = np.round((longitude - self.grid.west) / STEP).astype(int) - half
        top = (self.grid.rows - SIDE, self.grid.columns - SIDE)
        return np.stack([np.clip(row, 0, top[0]), np.clip(column, 0, top[1])], axis=1)

    def coarse(self, corner: NDArray[Any], seismicity: NDArray[Any]) -> NDArray[Any]:
        """Return images of 4 channels and 56 x 56 pixels."""
        _, elevation, relief = self._terrain
        pixel = np.arange(SIDE)
        rows, columns = corner[:, :1, None] + pixel[:, None], corner[:, 1:, None] + pixel
        terrain = np.stack([elevation[rows, columns], relief[rows, columns]], axis=1)
        return np.concatenate([terrain, seismicity], axis=1, dtype=np.float32)

    def fine(self, corner: NDArray[Any], seismicity: NDArray[Any]) -> NDArray[Any]:
        """Return images of 3 channels and 224 x 224 pixels; in memory the channel comes last."""
        elevation, _, _ = self._terrain
        side = SIDE * FINE
        images = np.empty((len(corner), side, side, 3), np.float32)
        enlarged = images.reshape(len(corner), SIDE, FINE, SIDE, FINE, 3)
        enlarged[..., :2] = np.moveaxis(seismicity, 1, -1)[:, :, None, :, None]
        for image, (row, column) in zip(images, FINE * corner, strict=True):
            image[..., 2] = elevation[row : row + side, column : column + side]
        return np.moveaxis(images, -1, 1)
