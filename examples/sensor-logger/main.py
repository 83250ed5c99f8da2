"""Logs one reading every few seconds and remembers what it has done, also across a power cut.

    cp -r examples/sensor-logger/. deposit/

It needs no hardware: it reads the temperature of the CPU, or the load average where there is none.
What it writes lies in main/data/, beside its code. Deposits add and replace files and delete
nothing, so the data survives every new version, and every roll-back.
"""

import csv
import json
import os
import signal
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

EVERY_SECONDS = 5
# An SD card wears with every write; a power cut loses a minute of the count and no reading.
SAVE_EVERY = 12
DATA = Path(__file__).parent / "data"
READINGS = DATA / "readings.csv"
STATE = DATA / "state.json"


def read_sensor() -> tuple[str, float]:
    """What was measured, and its value."""
    for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*/temp")):
        try:
            return "cpu_celsius", int(zone.read_text()) / 1000
        except (OSError, ValueError):
            continue  # Some zones are there but cannot be read.
    return "load_average", os.getloadavg()[0]


def load_state() -> dict:
    """What an earlier run has saved, or a beginning."""
    try:
        return json.loads(STATE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"starts": 0, "readings": 0}


def save_state(state: dict) -> None:
    """Old or new, whole: a power cut never leaves half a file."""
    temporary = STATE.with_suffix(".new")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, STATE)


def append_reading(what: str, value: float) -> None:
    """One line of the table; the first one gets a heading."""
    with READINGS.open("a", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        if file.tell() == 0:
            table.writerow(["time", "what", "value"])
        table.writerow([datetime.now(timezone.utc).isoformat(timespec="seconds"), what, value])


def stop(_number: int, _frame: object) -> None:
    """SIGTERM: leave the loop the way Ctrl-C does, so that there is one way out."""
    raise KeyboardInterrupt


def main() -> None:
    """Measures until it is asked to stop."""
    DATA.mkdir(exist_ok=True)
    state = load_state()
    state["starts"] += 1
    save_state(state)
    print(f"start {state['starts']}, readings so far: {state['readings']}, in {READINGS}")
    try:
        while True:
            what, value = read_sensor()
            append_reading(what, value)
            state["readings"] += 1
            if state["readings"] % SAVE_EVERY == 0:
                save_state(state)
            print(f"{what} {value:.1f}")
            time.sleep(EVERY_SECONDS)
    finally:
        # Runs on a stop and on an error alike.
        save_state(state)
        print(f"saved, readings so far: {state['readings']}")


if __name__ == "__main__":
    # With a handler for it, ota-supervisor stops the program by SIGTERM; without one, by SIGINT.
    signal.signal(signal.SIGTERM, stop)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
