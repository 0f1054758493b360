"""Reads that pages, API and reports share. Each says how many SQL queries it costs."""
