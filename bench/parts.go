package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// goBenchmark runs benchmarks of a package in rounds, and returns for each name and
// unit a series.
func goBenchmark(o options, pkg, pattern string, env ...string) (map[string]series, error) {
	cmd := exec.Command("go", "test", "-tags", buildTags, "-run", "^$", "-bench", pattern, "-benchmem",
		"-benchtime", o.benchtime, "-count", strconv.Itoa(o.rounds), "-timeout", "60m", pkg)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test %s: %w: %s", pkg, err, out)
	}
	return parseBenchmarks(out), nil
}

var cores = regexp.MustCompile(`-\d+$`)

// parseBenchmarks reads what go test prints: "BenchmarkX/y-2 100 12.3 ns/op 4 B/op".
func parseBenchmarks(out []byte) map[string]series {
	got := map[string]series{}
	for in := bufio.NewScanner(bytes.NewReader(out)); in.Scan(); {
		f := strings.Fields(in.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name := cores.ReplaceAllString(strings.TrimPrefix(f[0], "Benchmark"), "")
		for i := 2; i+1 < len(f); i += 2 {
			if v, err := strconv.ParseFloat(f[i], 64); err == nil {
				key := name + " " + f[i+1]
				got[key] = append(got[key], v)
			}
		}
	}
	return got
}
