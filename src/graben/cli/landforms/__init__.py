"""`graben landforms`: what forms the land has, why, and how it changes."""

import typer

from graben.cli.landforms import derive

app = typer.Typer(no_args_is_help=True, help="Landforms of elevation models.")
app.command("derive")(derive.derive)
