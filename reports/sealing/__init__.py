"""From a finished body to a sealed file: proofs put in beside it, and an electronic signature over all of it.

`identity` is who seals (key and certificate), `seal` the one increment that is written after the body,
`stamps` the time-stamp of somebody else. docs/reports.md says what the file then holds.
"""
