"""The starter program of ota-supervisor: it runs until you replace it."""

import time

print("This is the starter program in main/main.py. ota-supervisor keeps it running.")
print("To replace it, put a main.py of your own into the folder deposit/.")

beats = 0
while True:
    print(f"alive, beat {beats}")
    beats += 1
    time.sleep(5)
