"""Pages of documents and of the ledger."""
