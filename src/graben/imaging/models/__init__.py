"""Networks that interpret seismic images."""
