import { testPowerCuts } from '../harness/power-tests.ts'

testPowerCuts('packages')
