"""`graben quakes`: earthquake catalogues and the probability of earthquakes."""

import typer

from graben.cli.quakes import (
    adapt,
    at,
    benchmark,
    check,
    evaluate,
    explain,
    fetch,
    fit,
    forecast,
    test,
    train,
)

app = typer.Typer(no_args_is_help=True, help="Probability of earthquakes.")
app.command("check")(check.check)
app.command("fetch")(fetch.fetch)
app.command("forecast")(forecast.forecast)
app.command("at")(at.at)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("fit")(fit.fit)
app.command("adapt")(adapt.adapt)
app.command("benchmark")(benchmark.benchmark)
app.command("test")(test.verify)
# or negative degrees would be taken for options
app.command("explain", context_settings={"ignore_unknown_options": True})(explain.explain)
