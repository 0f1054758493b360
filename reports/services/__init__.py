"""Changes: documents asked for and made. One function for each, one ledger entry for each."""
