"""What `select` leaves on disk, and why each image is in it.

Read `files.py` (the files, their columns and their readers), then `evidence.py` (reasons in words, and the contact
sheet) and `entered.py` (the selection in the ledger of rounds). Adding a column: write it in `files.py` with the
reader's check, and show it in `curation/`.
"""
