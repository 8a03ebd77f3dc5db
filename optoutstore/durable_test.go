package optoutstore

import (
	"context"
	"testing"
)

func TestReopen(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	d := mustOpen(t, o)
	fill(t, d, 0, 500)
	wantFilled(t, d, 500)
	mustClose(t, d)
	if c := readTestCheckpoint(t, o); c.Number != 500 {
		t.Fatalf("after a close the checkpoint is at %d", c.Number)
	}

	d = mustOpen(t, o)
	wantFilled(t, d, 500)
	if _, err := d.Lift(context.Background(), changeN(499), 0); err != nil {
		t.Fatal(err)
	}
	wantFilled(t, d, 499)
	mustClose(t, d)

	d = mustOpen(t, o)
	wantFilled(t, d, 499)
}
