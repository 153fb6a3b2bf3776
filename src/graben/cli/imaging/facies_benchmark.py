"""`graben imaging facies-benchmark`: the F3 facies benchmark, for whoever has its data."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from graben.cli.console import print_json, say
from graben.cli.imaging.facies import Encoder, features_of
from graben.cli.imaging.options import AsJson


def facies_benchmark(
    folder: Annotated[
        Path,
        typer.Argument(help="The folder data of the benchmark, with train and test_once in it."),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all that was measured as JSON.")
    ] = None,
    labels: Annotated[
        int, typer.Option(min=2, help="Samples of each class that are learned from.")
    ] = 5000,
    lines: Annotated[
        int, typer.Option(min=1, help="Inlines of the training volume on which they lie.")
    ] = 40,
    encoder: Encoder = "none",
    seed: Annotated[int, typer.Option(help="Of all that is drawn at random.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Learn from the training volume of the F3 facies benchmark, and score both test sets.

    The published rows of Alaudah et al. (2019) stand beside; their nets learned from every sample
    of the training volume.
    """
    from graben.imaging.facies_benchmark import open_benchmark, score_benchmark
    from graben.output import check_file, plain, written_file

    if out is not None:
        check_file(out)
    found = score_benchmark(open_benchmark(folder), features_of(encoder), labels, lines, seed)
    if out is not None:
        with written_file(out) as temporary:
            temporary.write_text(json.dumps(plain(found), indent=2) + "\n", encoding="utf-8")
        say(f"wrote {out}")
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from graben.imaging.facies_benchmark import published_rows

    console = Console()
    columns, rows = published_rows(found)
    table = Table(box=SIMPLE, pad_edge=False, title="both test sets", title_justify="left")
    shown = [place for place, name in enumerate(columns) if name in ("model", "PA", "MCA", "FWIU")]
    for place in shown:
        table.add_column(columns[place], justify="right" if place else "left")
    for row in rows:
        table.add_row(row[0], *(f"{row[place]:.3f}" for place in shown[1:]))
    console.print(table)
    classes = zip(columns, rows[-1], strict=True)
    told = [f"{name} {value:.3f}" for name, value in classes if name in found["labels"]]
    console.print(f"class accuracy: {', '.join(told)}")
    for part in ("test1", "test2"):
        one = found[part]
        console.print(
            f"{part}: pixel accuracy {one['pixel accuracy']:.3f}, mean class accuracy "
            f"{one['mean class accuracy']:.3f}, frequency-weighted IoU "
            f"{one['frequency-weighted IoU']:.3f}"
        )
    console.print("all rows but the last are quoted (Alaudah et al. 2019)")
