"""`graben imaging`: what structure and which resources a seismic image shows."""

import typer

from graben.cli.imaging import (
    adapt,
    attribute,
    convert,
    explain,
    facies,
    facies_benchmark,
    faults,
    horizons,
    inspect,
    prepare,
    resources,
    synth,
    train,
)

app = typer.Typer(no_args_is_help=True, help="Structure and resources from seismic images.")
app.command("inspect")(inspect.inspect)
app.command("convert")(convert.convert)
app.command("train")(train.train)
app.command("faults")(faults.faults)
app.command("adapt")(adapt.adapt)
app.command("synth")(synth.synth)
app.command("explain")(explain.explain)
app.command("prepare")(prepare.prepare)
app.command("attribute")(attribute.attribute)
app.command("resources")(resources.resources)
app.command("horizons")(horizons.horizons)
app.command("facies")(facies.facies)
app.command("facies-benchmark")(facies_benchmark.facies_benchmark)
