"""Reads that fill documents and pages. Each says how many SQL queries it costs."""
