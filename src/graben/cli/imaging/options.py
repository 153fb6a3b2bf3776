"""Options that several commands of `graben imaging` share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Volume = Annotated[
    Path,
    typer.Argument(
        metavar="VOLUME", help="SEG-Y, whatever its geometry, size and format, or a zarr folder."
    ),
]
InlineByte = Annotated[
    int | None,
    typer.Option(help="Where inlines begin in trace headers, from 1; found where not given."),
]
CrosslineByte = Annotated[
    int | None, typer.Option(help="Where crosslines begin; give both bytes, or none.")
]
XByte = Annotated[int | None, typer.Option(help="Where x coordinates begin.")]
YByte = Annotated[int | None, typer.Option(help="Where y coordinates begin.")]
SampleFormat = Annotated[
    int | None,
    typer.Option(help="SEG-Y code of samples: 1 IBM, 2 int32, 3 int16, 5 IEEE, 8 int8, ..."),
]
Samples = Annotated[int | None, typer.Option(help="Samples of a trace.")]
SampleInterval = Annotated[
    float | None, typer.Option(help="Milliseconds between samples; metres in depth.")
]
Domain = Annotated[Literal["time", "depth"] | None, typer.Option(help="What samples run down in.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, alone, on stdout.")]
Workers = Annotated[int, typer.Option(min=1, help="Threads that compute.")]
