import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio.transform import Affine

from graben.errors import InputError, OutputError, RasterError
from graben.landforms import (
    GEOMORPHONS,
    DemFile,
    Legend,
    LegendClass,
    cell_size,
    fractal,
    read_dem,
    tiled,
    write_raster,
)
from graben.landforms.form_measures import MEASURES
from graben.landforms.forms import GeomorphonTile, Sighting, geomorphons
from graben.landforms.tiled import Layer, stream
from graben.tiling import plan_tiles

LEGEND = Legend("Sides", (LegendClass(1, "low", "#102030"), LegendClass(2, "high", "#a0b0c0")))


@dataclass(frozen=True)
class Relief:
    """Height above the lowest cell within `radius`, and which of two classes that is."""

    radius: int
    pause: float = 0.0

    def __call__(self, block, tile, shape):
        time.sleep(self.pause)
        lowest = np.pad(block, self.radius, constant_values=np.inf)
        for axis in (0, 1):
            windows = np.lib.stride_tricks.sliding_window_view(lowest, 2 * self.radius + 1, axis)
            lowest = np.nanmin(windows, axis=-1)
        relief = (block - lowest)[tile.inner]
        side = np.where(np.isnan(relief), 0, 1 + (relief > 200))
        return {"relief": relief, "side": side.astype(np.uint8)}


def layers(folder):
    return {
        "side": Layer(folder / "side.tif", "uint8", LEGEND, "Sides"),
        "relief": Layer(folder / "relief.tif", "float32", None, "Relief", "m"),
    }


@pytest.fixture
def dem(tmp_path):
    """A model whose rows run northwards, in integers with voids."""
    random = np.random.default_rng(1)
    heights = random.integers(-900, 900, (150, 130), np.int16)
    heights[20:25, 30:90] = -999
    profile = {"height": 150, "width": 130, "count": 1, "dtype": "int16", "nodata": -999}
    place = Affine(30, 0, 500_000, 0, 30, 4_000_000)
    path = tmp_path / "dem.tif"
    profile |= {"driver": "GTiff", "crs": "EPSG:32636", "transform": place}
    with rasterio.open(path, "w", **profile) as file:
        file.write(heights, 1)
    return path


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiled, "SMALLEST_TILE", 40)


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


@pytest.mark.usefixtures("small_tiles")
def test_a_stream_gives_what_the_whole_model_gives(dem, tmp_path):
    file = DemFile(dem)
    stream(file, Relief(5), layers(tmp_path / "new"), 5, 2)
    [tile] = plan_tiles(file.shape, 150, 0)
    whole = Relief(5)(file.read(), tile, file.shape)
    for name, layer in layers(tmp_path / "new").items():
        assert np.array_equal(read(layer.path), whole[name], equal_nan=True)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "relief.tif", "side.tif", "side.tif.aux.xml",
    ]  # fmt: skip


def described(path):
    with rasterio.open(path) as file:
        facts = str(file.profile), file.tags(), file.tags(1), file.tags(ns="IMAGE_STRUCTURE")
        facts += file.descriptions, file.units, file.overviews(1), file.colorinterp
        return facts, file.colormap(1) if path.stem == "side" else None


@pytest.mark.usefixtures("small_tiles")
def test_streamed_files_are_described_as_those_written_from_memory(dem, tmp_path):
    stream(DemFile(dem), Relief(5), layers(tmp_path / "streamed"), 5)
    for layer in layers(tmp_path / "streamed").values():
        array = read_dem(dem).copy(data=read(layer.path))
        array.attrs = {"long_name": layer.long_name, "units": layer.units}
        again = tmp_path / layer.path.name
        write_raster(again, array, layer.legend)
        assert described(layer.path) == described(again)
        if layer.legend:
            names = (path.with_name(path.name + ".aux.xml") for path in (layer.path, again))
            assert next(names).read_text() == next(names).read_text()


RUN = """
import sys
from pathlib import Path
from graben.landforms import DemFile, tiled
from graben.progress import shown_by
from graben.tiling import results
sys.path.insert(0, sys.argv[1])
from test_tiled import Relief, layers
tiled.SMALLEST_TILE, results.SECONDS_AT_RISK = 20, 0
folder = Path(sys.argv[2])
def show(tiles, description, total):
    print(description, total)
    return iter(tiles)
with shown_by(show):
    tiled.stream(DemFile(folder / "dem.tif"), Relief(5, 0.02), layers(folder), 5)
"""


def finished(folder):
    """How many tiles are journaled; 0 before there is a journal."""
    journals = folder.glob(".side.tif-tiles/*/finished")
    return sum(int(np.fromfile(journal, np.uint8).sum()) for journal in journals)


def test_a_killed_stream_leaves_the_old_file_and_goes_on(dem, tmp_path):
    (tmp_path / "side.tif").write_text("old")
    arguments = [sys.executable, "-c", RUN, Path(__file__).parent, tmp_path]
    with subprocess.Popen(arguments) as process:
        while finished(tmp_path) < 10:
            time.sleep(0.01)
            assert process.poll() is None
        process.kill()
    assert (tmp_path / "side.tif").read_text() == "old"
    left = 56 - finished(tmp_path)
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == f"tiles {left}\nwriting 2\n"
    stream(DemFile(dem), Relief(5), layers(tmp_path / "whole"), 5)
    for layer in layers(tmp_path).values():
        assert np.array_equal(
            read(layer.path), read(tmp_path / "whole" / layer.path.name), equal_nan=True
        )


@pytest.mark.usefixtures("small_tiles")
def test_a_model_that_changed_is_computed_anew(dem, tmp_path, monkeypatch):
    def full(_, finished, **__):
        finished.with_name(finished.name + ".ovr.tmp").touch()
        raise OSError(28, "No space left on device")

    out = tmp_path / "new"
    with monkeypatch.context() as patch:
        patch.setattr(rasterio.shutil, "copy", full)
        with pytest.raises(OutputError, match="No space left"):
            stream(DemFile(dem), Relief(5), layers(out), 5)
    assert [path.name for path in out.iterdir()] == [".side.tif-tiles"]
    with rasterio.open(dem, "r+") as file:
        file.write(file.read(1) * np.int16(0), 1)
    stream(DemFile(dem), Relief(5), layers(out), 5)
    assert set(np.unique(read(out / "side.tif"))) == {1}


def test_what_cannot_be_written_is_refused_before_the_work(dem, tmp_path, monkeypatch):
    file = DemFile(dem)
    with pytest.raises(RasterError, match=r"expected a \.tif file"):
        stream(file, Relief(5), {"side": Layer(tmp_path / "side.nc", "uint8")}, 5)
    (tmp_path / "side.tif").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        stream(file, Relief(5), layers(tmp_path), 5)
    monkeypatch.setattr(tiled.shutil, "disk_usage", lambda _: SimpleNamespace(free=190_000))
    with pytest.raises(OutputError, match=r"got 0\.2 MB\. Free some"):
        stream(file, Relief(5), layers(tmp_path / "new"), 5)
    assert not list((tmp_path / "new").iterdir())


@pytest.fixture(params=["EPSG:32636", "EPSG:4326"])
def rough(request):
    """Whole metres, so that lines of sight tie, with voids; in degrees rows differ in width."""
    dem = fractal(190, 170, hurst=0.7, relief=90.0, seed=5).round()
    dem[60:64, 20:120] = np.nan
    if request.param == "EPSG:32636":
        return dem
    dem = dem.drop_vars("spatial_ref").rio.write_crs(request.param)
    y, x = 61 - np.arange(190) / 120, 30 + np.arange(170) / 120
    return dem.assign_coords(y=y, x=x).rio.write_transform()


@pytest.mark.parametrize("sides", [1, 2, 4, 10])
def test_forms_do_not_depend_on_dask_chunks(rough, sides):
    chunks = {axis: -(-rough.sizes[axis] // sides) for axis in ("y", "x")}
    outputs = MEASURES if sides == 4 else ("forms",)
    whole, chunked = (
        geomorphons(dem, Sighting(12), outputs) for dem in (rough, rough.chunk(chunks))
    )
    for name in outputs:
        assert chunked[name].chunks is not None
        assert np.array_equal(chunked[name], whole[name], equal_nan=True)


@pytest.mark.parametrize("rough", ["EPSG:4326"], indirect=True)
def test_forms_of_files_are_the_same_from_tiles_threads_and_workers(
    rough, tmp_path, two_workers, small_tiles
):
    write_raster(tmp_path / "dem.tif", rough)
    file, whole = DemFile(tmp_path / "dem.tif"), geomorphons(rough, Sighting(9))["forms"]
    function = GeomorphonTile(Sighting(9), cell_size(file))
    for name, workers in (("one", 1), ("threads", 3), ("cluster", two_workers)):
        layers = {"forms": Layer(tmp_path / f"{name}.tif", "uint8", GEOMORPHONS)}
        stream(file, function, layers, function.halo, workers)
        assert np.array_equal(read(layers["forms"].path), whole)
    assert (tmp_path / "cluster.tif").read_bytes() == (tmp_path / "one.tif").read_bytes()
