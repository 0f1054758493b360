"""The content of a report in other forms, written from the data (JSON) that was kept with it.

Everything here is a function from that data to bytes: equal data gives equal bytes.
"""
