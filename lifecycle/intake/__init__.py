"""Runs from outside: what may come in, and the formats that other tools write."""
