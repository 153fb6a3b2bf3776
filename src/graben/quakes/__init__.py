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
        "incompleteness": ["short_term_incompleteness"],
        "models.adaptation": ["adapt"],
        "models.etas": ["Etas"],
        "models.hybrid_etas": ["HybridEtas", "MappedEtas"],
        "models.folder": ["Trained", "load_trained", "save_trained"],
        "models.point_process_folder": ["open_process", "save_process"],
        "polygon": ["Polygon", "read_polygon"],
        "process_training": ["fit_process"],
        "quality": ["check_catalog"],
        "quantity": ["Quantity"],
        "region": ["Region"],
        "scene": ["Scene"],
        "sequence": ["EventSequence", "Windows"],
        "study": ["Periods", "Study"],
        "training": ["train"],
    },
)
