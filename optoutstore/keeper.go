package optoutstore

import "time"

// runKeeper saves, every now and then, what an open after a crash needs: the
// checkpoint and the witness.
func (d *Durable) runKeeper() {
	defer d.workers.Done()
	tick := time.NewTicker(d.o.checkpointEvery)
	defer tick.Stop()
	var checkpointFault, witnessFault bool
	for {
		select {
		case <-d.ctx.Done():
			return
		case <-tick.C:
		}
		d.report(&checkpointFault, d.advance(), "the checkpoint cannot be saved; after a crash the store opens slowly")
		d.report(&witnessFault, d.saveWitness(), "the witness cannot be saved; a loss of the newest events would not be noticed")
	}
}

// report logs an error when it begins, not every time.
func (d *Durable) report(faulty *bool, err error, what string) {
	if err != nil && !*faulty {
		d.log.Error(what, "error", err)
	}
	*faulty = err != nil
}

// advance moves the checkpoint to what Badger has written into tables.
func (d *Durable) advance() error {
	d.keeping.Lock()
	defer d.keeping.Unlock()
	ix := d.index.Load()
	if ix == nil {
		return nil
	}
	applied := *d.applied.Load() // before the logs are listed
	logs, err := memtableLogs(ix.dir)
	if err != nil {
		return unavailable("the index's directory cannot be read", err)
	}
	flushed := ix.flushed.observe(applied, logs)
	changed, err := ix.manifestChanged()
	if err != nil {
		return unavailable("the index's MANIFEST cannot be read", err)
	}
	if flushed == ix.checkpointed && !changed {
		return nil
	}
	if err := d.saveCheckpoint(ix, flushed); err != nil {
		return err
	}
	ix.checkpointed = flushed
	return nil
}

// saveCheckpoint saves that everything up to flushed is in tables of ix.
func (d *Durable) saveCheckpoint(ix *index, flushed chain) error {
	return writeCheckpoint(&d.o, d.id, ix.dir, flushed)
}

// saveWitness tells the witness how far the store has come.
func (d *Durable) saveWitness() error {
	if d.o.Witness == nil {
		return nil
	}
	if d.index.Load() == nil {
		return nil // nothing was acknowledged since the open
	}
	at := d.applied.Load() // after the index: it is published first
	m := Mark{Store: d.id, Number: at.number, Hash: at.hash}
	if m == d.saved {
		return nil
	}
	if err := d.o.Witness.Save(d.o.Dir, m); err != nil {
		return unavailable("the witness cannot be saved", err)
	}
	d.saved = m
	return nil
}
