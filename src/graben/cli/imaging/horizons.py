"""`graben imaging horizons`: horizons from seed points."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graben.cli.console import print_json, say
from graben.cli.imaging.options import (
    AsJson,
    CrosslineByte,
    Domain,
    InlineByte,
    SampleInterval,
    Volume,
)
from graben.errors import InputError

if TYPE_CHECKING:
    from graben.imaging.horizon_map import Seed


def horizons(
    volume: Volume,
    out: Annotated[
        Path,
        typer.Option(metavar="HORIZONS.xyz", help="The points; a picture (.png) lies beside."),
    ],
    seed: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INLINE,CROSSLINE,TIME",
            help="A point that a horizon goes through (ms, or m in depth); may be repeated.",
        ),
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(help="A stack of horizons, so far apart (ms or m) at the seed's trace."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Another net than the one that ships.")
    ] = None,
    inline_byte: InlineByte = None,
    crossline_byte: CrosslineByte = None,
    sample_interval: SampleInterval = None,
    domain: Domain = None,
    as_json: AsJson = False,
) -> None:
    """Follow horizons from seed points through a volume, without holding it in memory.

    Horizons are surfaces of equal relative geologic time: traces up to 64 apart are matched by a
    net that has seen nothing real, and all matches are reconciled. They jump at faults, and are
    left out where a fault, a pause or salt has cut them.
    """
    from graben.imaging.horizon_map import stacked_seeds, write_horizons
    from graben.imaging.models.structure import StructureNet
    from graben.imaging.volume import open_volume

    seeds = [_seed(text) for text in seed or []]
    if not seeds and every is None:
        raise InputError("expected --seed INLINE,CROSSLINE,TIME or --every MS. Give one of them.")
    if len(seeds) > 1 and every is not None:
        raise InputError(
            f"expected one --seed with --every, got {len(seeds)}. Give one, or leave --every out."
        )
    opened = open_volume(
        volume,
        inline_byte=inline_byte,
        crossline_byte=crossline_byte,
        sample_interval=sample_interval,
        domain=domain,
    )
    if every is not None:
        seeds = stacked_seeds(opened, every, seeds[0] if seeds else None)
    found = write_horizons(opened, out, seeds, StructureNet.load(model))
    say(f"wrote {out}; look at {out.with_suffix('.png')}")
    if as_json:
        print_json(found)
    else:
        _show(found["horizons"], opened.unit)


def _seed(text: str) -> "Seed":
    from graben.imaging.horizon_map import Seed

    numbers = text.split(",")
    try:
        inline, crossline, depth = numbers
        return Seed(int(inline), int(crossline), float(depth))
    except ValueError as error:
        raise InputError(
            f"expected --seed INLINE,CROSSLINE,TIME in whole line numbers and ms (or m), got "
            f"{text!r}. Give for example --seed 1200,830,1460."
        ) from error


def _show(records: list[dict[str, Any]], unit: str) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False)
    for name in ("", f"seed, {unit}", "traces", "shallowest", "deepest"):
        table.add_column(name, justify="right")
    for one in records:
        ends = (one[f"{name}_{unit}"] for name in ("shallowest", "deepest"))
        known = ("" if end is None else f"{end:.1f}" for end in ends)
        share = f"{100 * one['share_of_traces']:.0f} %"
        table.add_row(str(one["number"]), f"{one[f'seed_{unit}']:g}", share, *known)
    Console().print(table)
