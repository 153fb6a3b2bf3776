"""Probability of earthquakes from catalogues and terrain."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["testing"],
    submod_attrs={
        "catalog": ["Catalog", "embedded_catalog"],
        "export": ["read_forecast", "write_csep", "write_geotiff", "write_netcdf"],
        "fdsn": ["fetch_catalog"],
        "forecast": ["forecast_map", "forecast_places", "set_up"],
        "formats": ["read_catalog", "write_catalog"],
        "models.folder": ["Trained", "load_trained", "save_trained"],
        "quality": ["check_catalog"],
        "quantity": ["Quantity"],
        "region": ["Region"],
        "scene": ["Scene"],
        "study": ["Periods", "Study"],
        "training": ["train"],
    },
)
