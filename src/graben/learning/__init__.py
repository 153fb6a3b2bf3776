"""The learning core: small nets, a recipe, one `fit`, models on disk."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["nets"],
    submod_attrs={
        "export": ["export_onnx"],
        "recipe": ["Recipe"],
        "samples": ["DrawnSamples", "Samples", "TensorSamples", "predict"],
        "training": ["History", "Objective", "fit"],
        "store": ["Stored", "load_model", "save_model"],
    },
)
