"""The process that Gatebook ships, CRISP-ML(Q), and the JSON Schema of process documents."""

from lifecycle.definitions import catalogue

__all__ = ["catalogue"]
