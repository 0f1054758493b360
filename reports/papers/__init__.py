"""The kinds of report beside the lifecycle report: each a function from documents to a `Paper`, that is
parts, tables and figures in reading order. One template draws them all, and every table is also data.

Pure: no database, no clock. `reports.queries.papers` gathers what they need.
"""
