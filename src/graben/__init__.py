"""graben: deep learning for working geoscientists, on an ordinary computer.

The names below are the reading list of the API; each is loaded when it is first used.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "datasets",
        "evaluation",
        "explanation",
        "imaging",
        "landforms",
        "learning",
        "quakes",
    ],
)
