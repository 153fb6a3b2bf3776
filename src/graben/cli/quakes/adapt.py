"""`graben quakes adapt`: a pretrained point process for a region with little data."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from graben.cli.console import print_json, say
from graben.cli.quakes.fit import Area, Completeness, open_sequence
from graben.cli.quakes.options import AsJson, Box


def adapt(
    catalog: Annotated[
        Path, typer.Argument(metavar="CATALOG", help="CSV (ComCat, CSEP, own), ZMAP or QuakeML.")
    ],
    model: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|NAME",
            help="A mapped-etas or hybrid-etas of another region: its folder, or california, "
            "japan or anatolia, which ship.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The model folder to write.")],
    polygon: Area = None,
    region: Box = None,
    mc: Completeness = None,
    as_json: AsJson = False,
) -> None:
    """Carry a pretrained point process to a region; refit a few parameters if that helps there.

    Compared on 15 % of the catalogue's time: the pretrained process as it is, with five parameters
    refitted, and ETAS of the region alone. Takes less than a minute for ten thousand events; the
    folder appears when all is done.
    """
    from graben.output import check_folder
    from graben.quakes.models.adaptation import adapt as adapt_process
    from graben.quakes.models.point_process_folder import open_process, save_process
    from graben.quakes.process_training import about_adapted

    check_folder(out)
    pretrained = open_process(model)
    events, sequence = open_sequence(catalog, polygon, region, mc)
    found = adapt_process(pretrained, sequence)
    about = about_adapted(found, pretrained, sequence, events)
    save_process(out, found.process, about)
    say(f"{found.choice} of {model} is in {out}: {found.reason}")
    if as_json:
        print_json(about["adaptation"] | {"metrics": about["metrics"]})
        return
    for name, value in found.validation.items():
        gain = found.gains.get(name)
        over = "" if gain is None else f", over zero-shot {_text(asdict(gain))}"
        typer.echo(f"{name}: {value:.3f} nats per validation event{over}")
    typer.echo(f"test, total: {_text(about['metrics']['total'])} nats per event")


def _text(entry: dict[str, float]) -> str:
    if entry["low"] != entry["low"]:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"
