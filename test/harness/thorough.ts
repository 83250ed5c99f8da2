/**
 * True when the tests are to try everything, and not a sample that is another each time: every power cut
 * with every second one, hundreds of kills. It takes an hour or more.
 */
export const isThorough = process.env['THOROUGH'] !== undefined
