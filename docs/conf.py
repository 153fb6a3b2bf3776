"""How the documentation is built: offline, and a warning is an error."""

import os
from weakref import WeakSet

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

import graben

os.environ.setdefault("MPLBACKEND", "Agg")

project = "graben"
author = "the graben developers"
release = version = graben.__version__
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
# the gallery is configured with a function, which sphinx cannot keep between builds
suppress_warnings = ["config.cache"]
templates_path = ["_templates"]
exclude_patterns = ["_build", "examples"]
default_role = "code"

autosummary_ignore_module_all = False
autosummary_imported_members = True
python_maximum_signature_line_length = 80
numpydoc_show_class_members = False


drawn_with_pyplot: WeakSet[Figure] = WeakSet()


def drawn_without_pyplot(block, block_vars, gallery_conf):
    """Show the `figure` of a gallery script that pyplot does not know of."""
    names = block_vars["example_globals"]
    figure = names.get("figure")
    if not isinstance(figure, Figure) or figure in drawn_with_pyplot:
        return ""
    if figure.canvas.manager is not None:
        drawn_with_pyplot.add(figure)  # pyplot lets go of it when it has shown it
        return ""
    del names["figure"]  # shown once
    path = next(block_vars["image_path_iterator"])
    figure.savefig(path, dpi=120, bbox_inches="tight")
    return figure_rst([path], gallery_conf["src_dir"])


sphinx_gallery_conf = {
    # first, since the other closes the figures that it knows of
    "image_scrapers": (drawn_without_pyplot, "matplotlib"),
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "abort_on_example_error": True,
    "capture_repr": (),
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 5,
}

html_theme = "alabaster"
html_theme_options = {
    "description": "Deep learning for working geoscientists, on an ordinary computer",
    "fixed_sidebar": True,
    "page_width": "1040px",
    "sidebar_width": "230px",
    "font_family": 'Palatino, "Palatino Linotype", Charter, Georgia, serif',
    "code_font_size": "0.8em",
    "link": "#8a3d14",
    "link_hover": "#5a2808",
}
html_show_sourcelink = False
html_show_copyright = False
