"""Structure and resources from seismic reflection images."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "synthetic": ["Recording", "Scene", "Synthetic"],
    },
)
