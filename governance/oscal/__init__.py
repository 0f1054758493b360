"""OSCAL, the Open Security Controls Assessment Language: frameworks read from it, and records written in it.

Nothing here asks a database. Written is version 1.2.1, as the schemas of usnistgov/OSCAL define it.
"""
