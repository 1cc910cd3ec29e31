"""Compare the speed of rxpump with other clients and with a bare socket: `make bench`.

`workloads.py` lists the work as data. The programs in `contestants/` do it. `runner.py` starts one after the other.
`summary.py` computes medians and ratios, and `report.py` and `picture.py` show them.
"""
