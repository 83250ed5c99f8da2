import { testFullDisks } from '../harness/power-tests.ts'

testFullDisks()
