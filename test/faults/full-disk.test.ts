import { testFullDisks } from '../harness/power-cuts.ts'

testFullDisks()
