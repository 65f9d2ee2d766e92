"""Scripts that another process runs, with a converter's packages: nothing here imports dataengine or is imported by it.

`to_litert.py` runs in an environment of its own (`requirements.txt`). Each takes a folder with its input, writes its
files there, and `facts.json`. Those who call them are `litert_files.py` and `tvm_files.py`.
"""
