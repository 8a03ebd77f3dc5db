package optoutstore

import "time"

// applyRetry is how long the applier waits before it tries again what the index
// did not take.
const applyRetry = time.Second

// runApplier puts frames into the index in their order and answers who waits for
// them. It runs beside the writer: while it applies one frame the next is synced.
// It ends when toApply is closed.
func (d *Durable) runApplier() {
	for b := range d.toApply {
		err := d.apply(b)
		if err != nil {
			b.fail(err)
			if !d.catchUp(b, err) {
				return
			}
			continue
		}
		b.answer()
	}
}

func (d *Durable) apply(b *batch) error {
	if len(b.events) == 0 {
		return nil // only somebody who waits for what is in front of it
	}
	d.applying.Lock()
	defer d.applying.Unlock()
	ix := d.index.Load()
	if ix == nil {
		return d.notReady() // it was damaged, and is being built again
	}
	if b.end.number <= d.applied.Load().number {
		d.newest.Store(b.recorded)
		return nil // it was built again from a journal that held this
	}
	if err := ix.apply(d.id, b.events, b.end); err != nil {
		return err
	}
	end := b.end
	d.newest.Store(b.recorded)
	d.applied.Store(&end)
	d.moved.ring()
	return nil
}

// catchUp tries to apply first, and what was written meanwhile, until the index
// takes it. The events are in the journal, but were not acknowledged. It returns
// false when the store is closed instead: then the next Open applies them.
func (d *Durable) catchUp(first *batch, err error) bool {
	d.applyFault.set(err)
	d.log.Error("the index does not take what was recorded; trying again", "error", err)
	waiting := []*batch{first}
	retry := time.NewTicker(applyRetry)
	defer retry.Stop()
	for len(waiting) > 0 {
		select {
		case b, ok := <-d.toApply:
			if !ok {
				return false
			}
			b.fail(err)
			waiting = append(waiting, b)
		case <-retry.C:
			for len(waiting) > 0 && d.apply(waiting[0]) == nil {
				waiting = waiting[1:]
			}
		}
	}
	d.applyFault.set(nil)
	d.log.Info("the index takes what is recorded again")
	return true
}
