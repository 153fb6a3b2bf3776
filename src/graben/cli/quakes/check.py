"""`graben quakes check`: what to know of a catalogue before trusting it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graben.cli.console import print_json, say

if TYPE_CHECKING:
    from rich.table import Table

    from graben.quakes.catalog import Catalog
    from graben.quakes.completeness import BValue
    from graben.quakes.quality import CatalogReport


def check(
    catalog: Annotated[
        Path | None,
        typer.Argument(help="CSV (ComCat, CSEP, own), ZMAP or QuakeML; without it, our own."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for figures and report.json.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, alone, on stdout.")] = False,
) -> None:
    """Look for faults and traps of a catalogue: repeats, gaps, completeness, b-value."""
    from graben.quakes.quality import check_catalog

    events, repeats = _open(catalog)
    report = check_catalog(events, repeats)
    if out is not None:
        _write(events, report, out)
        say(f"figures and report.json are in {out}")
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report)


def _open(path: Path | None) -> "tuple[Catalog, int]":
    """Read a catalogue without its repeated rows, and say how many there were."""
    from graben.quakes.catalog import Catalog, clean_table, embedded_catalog, repeated_rows
    from graben.quakes.formats import read_raw

    if path is None:
        return embedded_catalog(), 0
    raw = read_raw(path)
    clean = clean_table(raw.table)
    repeats = repeated_rows(clean)
    return Catalog.from_table(clean[~repeats], raw.source, raw.start, raw.end), int(repeats.sum())


def _write(catalog: "Catalog", report: "CatalogReport", out: Path) -> None:
    import json

    from graben.output import written_folder
    from graben.quakes.figures import epicentre_map, magnitude_frequency, magnitude_time

    with written_folder(out) as folder:
        for draw in (magnitude_time, epicentre_map, magnitude_frequency):
            draw(catalog).savefig(folder / f"{draw.__name__}.png", dpi=150)
        text = json.dumps(report.as_dict(), indent=2, allow_nan=False)
        (folder / "report.json").write_text(text + "\n")


def _show(report: "CatalogReport") -> None:
    from rich.console import Console

    console = Console()
    console.print(_facts(report))
    console.print(_windows(report))


def _facts(report: "CatalogReport") -> "Table":
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    title = escape(report.source)
    grid = Table(title=title, title_justify="left", show_header=False, box=SIMPLE)
    depths = ", ".join(f"{share:.1%} at {km:g} km" for km, share in report.fixed_depths.items())
    kinds = list(report.magnitude_types.items())
    shares = ", ".join(f"{kind} {share:.1%}" for kind, share in kinds[:6])
    for name, text in (
        ("events", f"{report.events:,}, M {report.smallest:g} to {report.largest:g}"),
        ("period", f"{report.start:%Y-%m-%d} to {report.end:%Y-%m-%d}"),
        ("repeated rows, left out", f"{report.repeated_rows:,}"),
        ("near-duplicates", f"{len(report.near_duplicates):,} pairs within 16 s and 1 degree"),
        ("suspicious magnitudes", ", ".join(f"M {m:g} ({i})" for i, _, m in report.suspicious)),
        ("magnitude steps", f"{report.magnitude_step:g}" if report.magnitude_step else "none"),
        ("magnitude types", shares + (f" and {len(kinds) - 6} more" if len(kinds) > 6 else "")),
        ("fixed depths", depths),
        ("unknown depths", f"{report.unknown_depths:.1%}"),
        ("aftershocks", f"{report.aftershocks:.1%} (forward Gardner-Knopoff windows)"),
    ):
        grid.add_row(name, escape(text) or "none found")
    for gap in report.gaps:
        text = f"{gap.days:.1f} days from {gap.start:%Y-%m-%d}; by chance: {gap.probability:.2g}"
        grid.add_row("silence", text)
    return grid


def _windows(report: "CatalogReport") -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    title = "completeness magnitude (fullest bin + 0.2; fit of 90 and 95 %), b-value and b-positive"
    grid = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    grid.add_column("window", no_wrap=True)
    for name in ("events", "fullest", "90 %", "95 %", "b", "b+"):
        grid.add_column(name, justify="right", no_wrap=True)
    for window in report.completeness:
        levels = (window.maximum_curvature, window.goodness_90, window.goodness_95)
        grid.add_row(
            f"{window.start:%Y-%m} - {window.end:%Y-%m}",
            f"{window.events:,}",
            *("-" if level != level else f"{level:.1f}" for level in levels),
            _with_uncertainty(window.b_value),
            _with_uncertainty(window.b_positive),
        )
    return grid


def _with_uncertainty(b: "BValue") -> str:
    return "-" if b.value != b.value else f"{b.value:.2f} ± {b.uncertainty:.2f}"
