import { testPowerCuts } from '../harness/power-cuts.ts'

testPowerCuts(({ isPython }) => isPython)
