"""Bytes that lie elsewhere, named by their digest: models in folders, buckets, on web servers; tables.

Knows nothing of projects and people. docs/evidence.md says what is read from where and how digests are made.
"""
