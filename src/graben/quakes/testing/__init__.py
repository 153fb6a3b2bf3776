"""How good forecasts were: scores, tests and alarms, with baselines and intervals; hindsight."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "alarms": ["molchan_test", "roc_test"],
        "catalog_forecast": [
            "CatalogForecast",
            "read_catalog_forecast",
            "write_catalog_forecast",
        ],
        "csep": ["comparison_tests", "consistency_tests"],
        "cumulative": ["cumulative_gain", "cumulative_number", "gain_tests", "pass_rate"],
        "daily": ["daily_tests", "drawn_days", "pass_rates"],
        "fast_catalogs": ["catalog_tests"],
        "fast_poisson": ["poisson_tests"],
        "grids": ["Cells", "GriddedForecast", "read_csep_grid"],
        "hindsight": ["large_shocks"],
        "rates": ["score_rates"],
        "places": ["alarm_table", "curves", "score_places", "score_samples"],
        "temporal": [
            "count_test",
            "expected_between",
            "fitted_overdispersion",
            "rescaled_time_test",
            "window_likelihood_test",
        ],
    },
)
