"""Input of pages, read and checked."""
