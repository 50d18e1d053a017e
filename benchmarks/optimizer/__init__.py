"""Measurements of the optimizer, in CPU time of one thread: threads that wait for others would count as work."""

import os

# The libraries read this when they load, so it stands before any of them.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
