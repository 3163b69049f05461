"""What every other room stands on and what knows no crystallography.

algebra   the one solver of ridged normal equations, compiled
errors    `DDIError`, the exception that users are meant to read
figure    widths, fonts and sizes of figures
files     files that are whole or not there
parallel  the same thing done to many items, with progress, on cores or a cluster
paths     the repository and the folders of a profile
stats     Wilson intervals, calibration error
"""

__all__ = ["algebra", "errors", "figure", "files", "parallel", "paths", "stats"]
