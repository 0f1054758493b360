"""What a framework asks for, and how a record answers: documents, checks and verdicts, without a database."""
