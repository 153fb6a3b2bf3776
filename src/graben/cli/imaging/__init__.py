"""`graben imaging`: what structure and which resources a seismic image shows."""

import typer

from graben.cli.imaging import convert, inspect, synth, train

app = typer.Typer(no_args_is_help=True, help="Structure and resources from seismic images.")
app.command("inspect")(inspect.inspect)
app.command("convert")(convert.convert)
app.command("train")(train.train)
app.command("synth")(synth.synth)
