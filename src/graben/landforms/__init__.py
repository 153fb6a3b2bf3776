"""Landforms from elevation models."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "change": ["Change", "Volume", "measure_change"],
        "dem": ["CellSize", "cell_size", "read_dem", "write_raster"],
        "dem_file": ["DemFile"],
        "derivative_table": ["DERIVATIVES", "Derivative"],
        "derivatives": ["derive"],
        "explained": ["CellExplanation", "Ray", "cell_at", "explain_cell"],
        "features": ["TerrainFeatures"],
        "geographic": ["Box", "read_dem_degrees", "resample_mean"],
        "labels": ["Labels", "read_labels"],
        "forms": ["GeomorphonTile", "Sighting", "geomorphons"],
        "landslides": ["Landslide", "candidate_landslides", "landslide_polygons"],
        "legend": [
            "GEOMORPHONS",
            "Legend",
            "LegendClass",
            "write_qgis_ramp",
            "write_qgis_style",
        ],
        "models.active": ["suggest"],
        "models.few_labels": ["FewLabels"],
        "models.segmentation": ["Segmentation"],
        "models.segmentation_export": ["export_deepness"],
        "models.segmentation_samples": ["LabelledDem"],
        "sediment": ["BudgetRow", "budget"],
        "synthetic": ["cone", "fault_scarp", "fractal", "ridge"],
        "synthetic_landscape": ["LANDSCAPE_UNITS", "landscape"],
        "synthetic_landslides": ["add_landslides"],
        "tiled": ["Layer", "stream"],
    },
)
