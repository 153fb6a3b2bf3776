"""The exceptions of graben: each says what was expected, what was got, and the remedy."""


class GrabenError(Exception):
    """Root of every error that graben raises on purpose."""


class InputError(GrabenError, ValueError):
    """What the user gave cannot be used; the command line exits with code 2."""


class CatalogError(InputError):
    """An earthquake catalogue cannot be read or does not allow what was asked."""


class RasterError(InputError):
    """An elevation model or another raster cannot be read or does not fit."""


class SeismicError(InputError):
    """A seismic file or volume cannot be read or does not fit."""


class ModelError(InputError):
    """A model folder is damaged, or a model is asked to work outside what it was made for."""


class StaleError(InputError):
    """A forecast is asked for a time that the catalogue does not reach."""


class DatasetError(GrabenError, OSError):
    """A data set that ships or can be fetched is missing, damaged or out of reach."""


class ServiceError(GrabenError, OSError):
    """A web service failed, or answered with something that is not what it promises."""


class OutputError(GrabenError, OSError):
    """A result could not be written; what stood there before is unchanged."""
