"""Options that several commands of `graben imaging` share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from graben.errors import InputError, ServiceError

if TYPE_CHECKING:
    from distributed import Client

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
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A dask scheduler, tcp://HOST:8786, whose workers see the file; not threads.",
    ),
]


@contextmanager
def at_work(workers: int, scheduler: str | None) -> "Iterator[int | Client]":
    """Give who computes: threads, or the client of a dask cluster while the block runs.

    Raises
    ------
    InputError
        The package for clusters is not installed.
    ServiceError
        No scheduler answers.
    """
    if scheduler is None:
        yield workers
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "expected the package dask.distributed for --scheduler, got none. Install it: "
            "pip install 'graben[cluster]'"
        ) from error
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise ServiceError(
            f"expected a dask scheduler at {scheduler}, got no answer ({error}). Start one: "
            "dask scheduler; and workers: dask worker ADDRESS."
        ) from error
    with client:
        yield client
