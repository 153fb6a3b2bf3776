"""`graben imaging convert`: SEG-Y to zarr, and back."""

from pathlib import Path
from typing import Annotated

import typer

from graben.cli.console import say
from graben.cli.imaging.options import (
    CrosslineByte,
    Domain,
    InlineByte,
    SampleFormat,
    SampleInterval,
    Samples,
    Volume,
)


def convert(
    volume: Volume,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A .zarr folder or a .sgy file.")],
    inline_byte: InlineByte = None,
    crossline_byte: CrosslineByte = None,
    sample_format: SampleFormat = None,
    samples: Samples = None,
    sample_interval: SampleInterval = None,
    domain: Domain = None,
) -> None:
    """Convert SEG-Y to zarr, which crosslines and slices are read from faster, and back.

    Slab by slab, whatever the size. The zarr folder keeps every text and trace header: SEG-Y made
    of it has them byte for byte, in the same order, with samples as IEEE floats.
    """
    from graben.imaging.segy_writing import convert_volume
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
    convert_volume(opened, out)
    say(f"wrote {out}")
