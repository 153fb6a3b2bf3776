"""`graben landforms`: what forms the land has, why, and how it changes."""

import typer

from graben.cli.landforms import change, classify, derive, explain, export, forms

app = typer.Typer(no_args_is_help=True, help="Landforms of elevation models.")
app.command("derive")(derive.derive)
app.command("forms")(forms.forms)
app.command("classify")(classify.classify)
app.command("change")(change.change)
# or negative coordinates would be taken for options
app.command("explain", context_settings={"ignore_unknown_options": True})(explain.explain)
app.command("export")(export.export)
