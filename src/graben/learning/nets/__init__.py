"""Small nets, each built from a frozen dataclass."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "convnet": ["ConvNet", "ConvNetConfig", "Convolution", "has_bfloat16"],
        "folding": ["Direct3d", "folded"],
        "recurrent": ["RecurrentNet", "RecurrentNetConfig"],
        "streaming": ["StreamedUNet"],
        "unet": ["UNet", "UNetConfig"],
    },
)
