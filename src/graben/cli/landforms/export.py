"""`graben landforms export`: a segmentation model for QGIS."""

from pathlib import Path
from typing import Annotated

import typer

from graben.cli.console import print_json, say
from graben.cli.landforms.options import AsJson, Crs


def export(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL_FOLDER", help="A segmentation model (--model unet).")
    ],
    out: Annotated[Path, typer.Option(metavar="MODEL.onnx", help="The file to write.")],
    dem: Annotated[
        Path | None,
        typer.Option(help="An elevation model; what the net sees of it is written beside MODEL."),
    ] = None,
    crs: Crs = None,
    tile: Annotated[int, typer.Option(help="Cells per side of the tiles in QGIS.")] = 512,
    as_json: AsJson = False,
) -> None:
    """Write a model as an ONNX file for the Deepness plugin of QGIS.

    The file is checked: onnxruntime has to give the answers of torch within 1e-4. Deepness reads
    8-bit bands, not elevations: with --dem, MODEL_bands.tif holds what the net sees of an elevation
    model. Open that in QGIS, choose MODEL.onnx in Deepness, map its bands to the inputs in their
    order, and run.
    """
    from graben.errors import InputError
    from graben.landforms.dem_file import DemFile
    from graben.landforms.models.segmentation import Segmentation
    from graben.landforms.models.segmentation_export import export_deepness, write_bands

    if out.suffix != ".onnx":
        raise InputError(f"expected a file name that ends in .onnx, got {out}. Choose such a name.")
    trained = Segmentation.load(model)
    terrain = None if dem is None else DemFile(dem, crs)
    if terrain is not None:
        trained.block(terrain)  # refuses other cells before the work, not after it
    difference = export_deepness(trained, out, tile)
    bands = None
    if terrain is not None:
        bands = out.with_name(f"{out.stem}_bands.tif")
        write_bands(trained, terrain, bands)
        say(f"{bands} holds the bands that it reads")
    say(f"{out} answers as the model does, within {difference:.1g}")
    if as_json:
        print_json(
            {
                "onnx": str(out),
                "bands": None if bands is None else str(bands),
                "largest_difference": difference,
                "classes": trained.classes,
                "tile": tile,
            }
        )
