// Package storetest tests stores of package optoutstore, and stands in for them
// in the tests of others.
//
//   - [Contract] holds what every Store promises, as subtests.
//   - [Random] compares a store with the model over random operations, with
//     restarts and crashes in between.
//   - [Model] is a Store in memory, plain enough to be seen to be right.
//   - [Faulty] wraps a Store and makes its methods fail, or wait, on demand.
//
// It is for tests only: a Model forgets everything when the process ends.
package storetest
