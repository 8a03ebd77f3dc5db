package optoutstore

// syncDir does nothing: Windows cannot sync a directory. The store claims no
// durability there (docs/storage.md).
func syncDir(string) error { return nil }
