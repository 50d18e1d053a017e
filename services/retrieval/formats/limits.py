"""How much of a file is read before it is refused; a fund's prospectus stays far below each limit."""

from __future__ import annotations

_MEBIBYTE = 1 << 20

# The longest prospectuses have some 20 MB, most of it pictures.
LARGEST_FILE = 50 * _MEBIBYTE
# A header states some fifteen fields, the deepest a list.
LONGEST_HEADER = 16 * 1024
DEEPEST_HEADER = 5
# War and Peace has 3.2 million characters.
LONGEST_TEXT = 5_000_000
# Descriptions of pictures, comments and the like; it is searched for instructions.
LONGEST_UNSEEN = 500_000
MOST_PAGES = 1_500
MOST_ROWS = 50_000
MOST_COLUMNS = 200

# A DOCX is a ZIP of XML, which shrinks 5 to 30 times; a bomb shrinks up to 1,000 times. The ratio is asked only
# of files that would grow large.
LARGEST_UNPACKED = 200 * _MEBIBYTE
LARGEST_RATIO = 100
RATIO_MATTERS_FROM = 10 * _MEBIBYTE
MOST_PARTS = 5_000

# A parser that takes longer or needs more is stopped. A page of a PDF takes 0.02 to 0.2 CPU seconds.
LONGEST_SECONDS = 300.0
LARGEST_MEMORY = 2048 * _MEBIBYTE
