"""`graben quakes train`: a model folder, with the evidence for and against it."""

from pathlib import Path
from typing import Annotated

import typer

from graben.cli.console import print_json, say
from graben.cli.quakes.options import (
    AsJson,
    Box,
    CatalogFile,
    Dem,
    Horizon,
    Magnitude,
    Radius,
    quantity_of,
    region_of,
)


def train(
    out: Annotated[Path, typer.Option(help="The model folder to write.")],
    catalog: CatalogFile = None,
    dem: Dem = None,
    region: Box = None,
    horizon: Horizon = "30d",
    min_magnitude: Magnitude = 5.0,
    radius_km: Radius = 100.0,
    source_magnitude: Annotated[
        float, typer.Option(help="The smallest magnitude that counts as a source.")
    ] = 4.5,
    model: Annotated[str, typer.Option(help="Name of the model; see graben models.")] = "grid-cnn",
    compare: Annotated[
        bool, typer.Option("--compare", help="Train all other models too, for one table.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a model, score it beside its baselines on years it never saw, and write its folder."""
    from graben.output import check_folder
    from graben.quakes.inputs import open_study
    from graben.quakes.models.folder import save_trained
    from graben.quakes.training import train as train_model

    check_folder(out)
    study = open_study(
        catalog,
        dem,
        region_of(region),
        quantity_of(horizon, min_magnitude, radius_km),
        source_magnitude=source_magnitude,
    )
    trained = train_model(study, model, compare=compare)
    save_trained(out, trained)
    say(f"{model} is in {out} (CARD.md tells what it is); trained until {trained.training_end}")
    if as_json:
        print_json(trained.evidence)
