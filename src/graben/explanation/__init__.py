"""Why a net answers what it answers, and whether the explanation can be trusted."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "importance": ["Importance", "permutation_importance"],
        "attribution": ["integrated_gradients", "occlusion", "randomisation_check"],
        "surrogate": ["Surrogate", "shallow_tree"],
    },
)
