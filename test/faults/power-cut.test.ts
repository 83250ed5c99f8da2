import { testDecidedTrial, testPowerCuts } from '../harness/power-tests.ts'

testPowerCuts('others')
testDecidedTrial()
