"""Tables as files: CSV that streams, XLSX with numbers that are numbers, PDF that one may hand in.

Knows no business: whoever has a report makes a Table of it. Rows are an iterable, read once; CSV holds one of them at a
time, XLSX and PDF what a file of their kind needs.
"""
