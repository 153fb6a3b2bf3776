"""`graben imaging`: what structure and which resources a seismic image shows."""

import typer

app = typer.Typer(no_args_is_help=True, help="Structure and resources from seismic images.")
