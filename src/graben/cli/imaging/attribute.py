"""`graben imaging attribute`: coherence, complex-trace attributes, spectra and dips."""

from pathlib import Path
from typing import Annotated, Any

import typer

from graben.cli.console import print_json, say
from graben.cli.imaging.options import (
    AsJson,
    CrosslineByte,
    Domain,
    InlineByte,
    SampleFormat,
    SampleInterval,
    Samples,
    Volume,
    Workers,
)
from graben.errors import InputError

What = Annotated[
    str,
    typer.Option(
        metavar="NAME,...",
        help="Which: semblance, variance, eigen_coherence, envelope, phase, frequency, sweetness, "
        "spectral, dip_inline, dip_crossline, dip, azimuth.",
    ),
]


def attribute(
    volume: Volume,
    out: Annotated[
        Path,
        typer.Option(
            help="A .sgy or .zarr file (of several attributes: NAME_semblance.sgy and so on), or a "
            "folder."
        ),
    ],
    what: What = "semblance",
    window: Annotated[
        str,
        typer.Option(
            metavar="TRACESxSAMPLES",
            help="Window of semblance, variance and eigen_coherence: 3x9 is 3 x 3 traces and 9 "
            "samples.",
        ),
    ] = "3x9",
    hertz: Annotated[
        str, typer.Option(metavar="HZ,...", help="Frequencies of spectral.")
    ] = "15,30,60",
    workers: Workers = 2,
    inline_byte: InlineByte = None,
    crossline_byte: CrosslineByte = None,
    sample_format: SampleFormat = None,
    samples: Samples = None,
    sample_interval: SampleInterval = None,
    domain: Domain = None,
    as_json: AsJson = False,
) -> None:
    """Compute attributes, each as a file with the headers of the input and a picture beside it.

    The volume may be larger than memory; a command that was interrupted goes on.
    """
    from graben.imaging.attribute_report import map_attributes
    from graben.imaging.volume import open_volume

    opened = open_volume(
        volume,
        inline_byte=inline_byte,
        crossline_byte=crossline_byte,
        sample_format=sample_format,
        samples=samples,
        sample_interval=sample_interval,
        domain=domain,
    )
    names = [name.strip() for name in what.split(",")]
    found = map_attributes(opened, names, out, _window(window), _hertz(hertz), workers)
    if as_json:
        print_json(found)
    else:
        _show(found)
    say(f"wrote {', '.join(one['file'] for one in found['attributes'])}")


def _window(text: str) -> Any:
    from graben.imaging.attributes import Window

    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) % 2 for side in sides):
        raise InputError(
            f"expected an odd number of traces and of samples, got {text!r}. Give, for example, "
            "--window 3x9."
        )
    traces, samples = (int(side) for side in sides)
    return Window(traces // 2, samples // 2)


def _hertz(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(one) for one in text.split(","))
    except ValueError as error:
        raise InputError(
            f"expected frequencies with commas between them, got {text!r}. Give, for example, "
            "--hertz 15,30,60."
        ) from error


def _show(found: dict[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from graben.report.page import shown

    title = "on the section of the picture"
    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    table.add_column("attribute", overflow="fold")
    for column in ("unit", "lowest", "median", "highest"):
        table.add_column(column, justify="right")
    for one in found["attributes"]:
        numbers = (shown(one[key]) for key in ("min", "median", "max"))
        table.add_row(one["name"], one["units"], *numbers)
    Console().print(table)
