import os
import signal
import sys
import time

LINES = 0
IN_BLOCKS = 0

REST = "x" * 91  # 7 digits, a space and the newline make it 100 bytes
out = os.open(os.environ["BENCH_REPORTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def report(what):
    os.write(out, f"{what} {os.getpid()} {time.monotonic_ns()} 0\n".encode())


def end(*_):
    report("end")
    sys.exit(0)


for name in ("SIGTERM", "SIGINT", "SIGUSR2"):
    signal.signal(getattr(signal, name), end)
# The party has come to rest from its own start by then, which is measured by itself.
time.sleep(2)
report("start")
if IN_BLOCKS:
    # As fast as they are taken: the pipe is always full.
    for first in range(0, LINES, 500):
        last = min(first + 500, LINES)
        sys.stdout.write("".join(f"{number:07d} {REST}\n" for number in range(first, last)))
        sys.stdout.flush()
else:
    for number in range(LINES):
        print(f"{number:07d} {REST}")
report("ready")
while True:
    # Not signal.pause(): a signal that came just before it would be answered never.
    time.sleep(0.2)
