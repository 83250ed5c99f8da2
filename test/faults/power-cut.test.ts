import { testDecidedTrial, testPowerCuts } from '../harness/power-cuts.ts'

testPowerCuts(({ isPython }) => !isPython)
testDecidedTrial()
