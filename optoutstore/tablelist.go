package optoutstore

import (
	"os"

	"github.com/dgraph-io/badger/v4/table"
)

// tableListName is the file that lists the tables of the index that were verified.
const tableListName = "tables"

// tableListFormat is the version of that file.
const tableListFormat = 1

// tableList is what is remembered of the tables whose every checksum was right, so
// that an open need not read them again: ten million opt-outs are a gigabyte. A
// table is never changed once Badger has written it. One whose file is another, or
// was touched since, is read before it is used; the rest is read soon after the
// open, in the background, for what a disk changes by itself leaves no trace in
// these figures.
type tableList struct {
	Format int          `json:"format"`
	Tables []tableStamp `json:"tables"`
}

// tableStamp tells a file from what takes its place, and from what it was before
// somebody wrote to it: every write moves the change time, which no program can
// set back.
type tableStamp struct {
	ID       uint64 `json:"id"`
	Size     int64  `json:"size"`
	Inode    uint64 `json:"inode"`
	Modified int64  `json:"modified"` // nanoseconds since 1970 UTC
	Changed  int64  `json:"changed"`
}

// stampOf is the stamp of a table's file in dir. It reports false where there is
// none, or where the operating system does not tell enough.
func stampOf(dir string, id uint64) (tableStamp, bool) {
	info, err := os.Stat(table.NewFilename(id, dir))
	if err != nil {
		return tableStamp{}, false
	}
	inode, changed, ok := inodeOf(info)
	return tableStamp{ID: id, Size: info.Size(), Inode: inode, Modified: info.ModTime().UnixNano(), Changed: changed}, ok
}

// verifiedTables are the tables that were verified and not touched since.
type verifiedTables map[uint64]tableStamp

// readTableList reads which tables were verified. A list that is missing or
// damaged only means that all are read.
func readTableList(fsys fsys, name string) verifiedTables {
	var l tableList
	if readSealed(fsys, name, tableListFormat, &l) != nil {
		return nil
	}
	v := make(verifiedTables, len(l.Tables))
	for _, s := range l.Tables {
		v[s.ID] = s
	}
	return v
}

// has reports whether the table was verified as it is now.
func (v verifiedTables) has(dir string, id uint64) bool {
	was, known := v[id]
	if !known {
		return false
	}
	now, ok := stampOf(dir, id)
	return ok && now == was
}

// save remembers the tables that are in use.
func (v verifiedTables) save(fsys fsys, name string) error {
	l := tableList{Format: tableListFormat, Tables: make([]tableStamp, 0, len(v))}
	for _, s := range v {
		l.Tables = append(l.Tables, s)
	}
	return writeSealed(fsys, name, l)
}
