// Package parity holds no code: it is the test that loads one bank with Tidemark and
// with a PySpark job of the same rules, and compares what both make of it.
//
// In go the raw files of `tidemark generate --bank`, clean and dirtied in named ways,
// the program as it is built and shipped, and pyspark as a process of its own, which
// runs pipeline.py. Out comes, of each case and table, how many rows were read,
// judged, rejected and written, by partition, and of each check its verdict and counts.
//
// What must hold: a case that is said to be alike has no difference. A case that is
// said to differ has exactly the differences that stand with it, with the numbers of
// both sides, and each has a reason. docs/parity.md has the same table, and says why.
//
// `make setup` installs pyspark. Without it the test fails, and says so.
package parity
