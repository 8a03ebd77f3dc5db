//go:build race

package whatcounts

const raceDetector = true
