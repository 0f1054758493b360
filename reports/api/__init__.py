"""Documents over HTTP for programs."""
