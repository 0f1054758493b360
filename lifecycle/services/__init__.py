"""The only place where state changes: one function a change, in one module a noun."""
