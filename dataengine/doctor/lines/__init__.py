"""What a check returns, and how it is shown: shared by the checks of the machine and those of the project.

`check_result.py` is the value, `result_lines.py` its lines on a screen. Another thing that a check should say is a
field of the first, shown by the second.
"""
