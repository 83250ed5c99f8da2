/**
 * The time in milliseconds since the machine started (CLOCK_MONOTONIC). Python's `time.monotonic_ns`
 * reads the same clock, so that times of both can be compared.
 */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
