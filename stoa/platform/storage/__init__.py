"""Files that are not rows: a small client over a folder, and links to them that expire.

Law 3 holds: no file is written, read or removed while a transaction is open.
"""
