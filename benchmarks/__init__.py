"""How fast rxpump is, beside other clients and beside a bare socket: `make bench`.

What is run is data (`workloads.py`), who runs it are programs (`contestants/`), turns are given by `runner.py`, and
what comes out of it is told by `summary.py`, `report.py` and `picture.py`.
"""
