"""A second version to deposit over the starter program: main.py, a package and a data file.

    cp -r examples/hello-v2/. deposit/
"""

import time
from pathlib import Path

from greeter import greeting

# The working directory is main/, so plain relative paths would do as well.
NAMES = Path(__file__).parent / "data" / "names.txt"

print("Hello from version 2.")
try:
    while True:
        # Read each time: deposit a new data/names.txt alone, and only that file is replaced.
        for name in NAMES.read_text(encoding="utf-8").split():
            print(greeting(name))
            time.sleep(5)
except KeyboardInterrupt:
    print("version 2 is stopping")
