"""The starter program of ota-supervisor: it runs until you replace it."""

import os
import time

release = os.environ.get("OTA_SUPERVISOR_RELEASE", "none, started by hand")
print(f"This is the starter program, main/main.py (release {release}).")
print("To replace it, put a main.py of your own into the folder deposit/.")
print("Or try an example, in a second terminal: cp -r examples/hello-v2/. deposit/")

try:
    for beat in range(1, 10**9):
        print(f"alive, beat {beat}")
        time.sleep(5)
except KeyboardInterrupt:
    # This is how ota-supervisor asks a program without a SIGTERM handler to end.
    print("stopping: something new has come, or ota-supervisor is ending")
