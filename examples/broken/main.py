"""Fails a moment after its start, to show a roll-back.

    cp -r examples/broken/. deposit/
"""

import time

print("This version looks fine, but it is not.")
time.sleep(2)
raise RuntimeError("this example fails on purpose; the version before it should be back now")
