"""Pages, tables and figures in one self-contained HTML file; no science."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "blocks": ["Picture", "Section", "Table", "Text", "save_picture"],
        "page": ["command_line", "write_page"],
    },
)
