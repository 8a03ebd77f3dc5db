//go:build !race

package phone

// raceDetector: tests run under the race detector, where what one goroutine works at takes
// ten times as long and has no race to find.
const raceDetector = false
