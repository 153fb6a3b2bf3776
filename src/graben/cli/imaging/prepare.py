"""`graben imaging prepare`: filter, even out and denoise a volume."""

from pathlib import Path
from typing import Annotated

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


def prepare(
    volume: Volume,
    out: Annotated[Path, typer.Option(help="A .sgy file or a .zarr folder to write.")],
    steps: Annotated[
        str,
        typer.Option(
            metavar='"STEP, ..."',
            help='What is done, in this order: "normalise" (first, by the survey), "bandpass 8-60" '
            '(Hz, zero-phase), "agc 500" (window in ms), "denoise" (along the layers; "denoise 2" '
            "over more traces).",
        ),
    ],
    workers: Workers = 2,
    inline_byte: InlineByte = None,
    crossline_byte: CrosslineByte = None,
    sample_format: SampleFormat = None,
    samples: Samples = None,
    sample_interval: SampleInterval = None,
    domain: Domain = None,
    as_json: AsJson = False,
) -> None:
    """Prepare a volume: band-pass, gain control, normalisation, noise attenuation along layers.

    The file has the headers of the input; beside it lies a picture of a section and its spectrum,
    before and after. The volume may be larger than memory; a command that was interrupted goes on.
    """
    from graben.imaging.attribute_report import prepare_volume
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
    found = prepare_volume(opened, steps, out, workers)
    if as_json:
        print_json(found)
    say(f"wrote {found['file']}; look at {found['picture']}")
