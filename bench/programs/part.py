"""One module of a program of many: as long as a module usually is."""

VERSION = 0


class Reading:
    """A value of one sensor."""

    def __init__(self, sensor, value, unit, at):
        self.sensor = sensor
        self.value = value
        self.unit = unit
        self.at = at

    def __repr__(self):
        return f"Reading({self.sensor!r}, {self.value!r}, {self.unit!r}, {self.at!r})"

    def __eq__(self, other):
        return isinstance(other, Reading) and self.as_tuple() == other.as_tuple()

    def as_tuple(self):
        return (self.sensor, self.value, self.unit, self.at)

    def is_within(self, low, high):
        return low <= self.value <= high

    def scaled(self, factor):
        return Reading(self.sensor, self.value * factor, self.unit, self.at)


class Series:
    """Readings in the order in which they came."""

    def __init__(self, limit=1000):
        self.limit = limit
        self.readings = []

    def add(self, reading):
        self.readings.append(reading)
        if len(self.readings) > self.limit:
            del self.readings[: len(self.readings) - self.limit]

    def values(self):
        return [reading.value for reading in self.readings]

    def mean(self):
        values = self.values()
        return sum(values) / len(values) if values else None

    def median(self):
        values = sorted(self.values())
        if not values:
            return None
        middle = len(values) // 2
        if len(values) % 2 == 1:
            return values[middle]
        return (values[middle - 1] + values[middle]) / 2

    def spread(self):
        values = self.values()
        return max(values) - min(values) if values else 0

    def between(self, start, end):
        return [reading for reading in self.readings if start <= reading.at < end]


def parse(line):
    """Reads `sensor value unit at`; None when the line is something else."""
    parts = line.split()
    if len(parts) != 4:
        return None
    sensor, value, unit, at = parts
    try:
        return Reading(sensor, float(value), unit, int(at))
    except ValueError:
        return None


def parse_all(lines, series=None):
    series = series or Series()
    skipped = 0
    for line in lines:
        reading = parse(line)
        if reading is None:
            skipped += 1
        else:
            series.add(reading)
    return series, skipped


def report(series, title="readings"):
    mean = series.mean()
    rows = [title, "-" * len(title)]
    for reading in series.readings[-10:]:
        rows.append(f"{reading.at:>12} {reading.sensor:<10} {reading.value:>8.2f} {reading.unit}")
    rows.append("no readings" if mean is None else f"mean {mean:.2f}, spread {series.spread():.2f}")
    return "\n".join(rows)
