"""Structure and resources from seismic reflection images."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "amplitudes": ["Amplitudes"],
        "attribute_report": ["map_attributes", "prepare_volume"],
        "attribute_table": ["ATTRIBUTES"],
        "attributes": ["Window", "eigen_coherence", "semblance", "variance"],
        "complex_trace": ["envelope", "frequency", "phase", "spectral", "sweetness"],
        "explained": ["explain_pick", "place_at"],
        "inspection": ["inspect_volume"],
        "segy_headers": ["Oddity", "Overrides"],
        "segy_writing": ["write_new_segy", "write_segy_like", "write_zarr"],
        "prepare": ["Bandpass", "Denoise", "GainControl", "Normalise", "Preparation"],
        "fault_map": ["map_faults"],
        "scene": ["FACIES", "Recording", "Scene"],
        "shift": ["Shift", "shift_section", "survey_shift"],
        "structure": ["dips"],
        "synthetic": ["Synthetic", "draw_scene", "draw_window", "render_scene"],
        "throw_series": ["ThrowSeries", "draw_fault_window", "take_throw_away"],
        "volume": ["SeismicVolume", "in_memory_volume", "open_volume"],
    },
)
