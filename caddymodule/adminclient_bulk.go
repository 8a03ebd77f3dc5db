package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/stopgate/stopgate/caddymodule/listfile"
	"github.com/stopgate/stopgate/caddymodule/operate"
)

// ImportChunk implements [operate.Verbs]: one small request for each chunk, far
// below the ten seconds that Caddy's admin endpoint gives one.
func (c *adminClient) ImportChunk(ctx context.Context, rows []listfile.Row, dry bool) (operate.Chunk, error) {
	var body []byte
	for i := range rows {
		var err error
		if body, err = rows[i].AppendNDJSON(body); err != nil {
			return operate.Chunk{}, err
		}
	}
	query := queryOf("format", string(listfile.NDJSON))
	if dry {
		query.Set("dry_run", "true")
	}
	resp, err := c.call(ctx, http.MethodPost, "import", query, "application/x-ndjson", bytes.NewReader(body))
	if err != nil {
		return operate.Chunk{}, err
	}
	defer resp.Body.Close()
	var report operate.Report
	if err := json.NewDecoder(resp.Body).Decode(&report); err != nil {
		return operate.Chunk{}, c.unreachable(ctx, err)
	}
	chunk := operate.Chunk{Imported: report.Imported, Known: report.Known, New: report.New}
	for _, r := range report.Rejects {
		// Its lines are those of the body: a row each.
		if r.Line < 1 || r.Line > len(rows) {
			return chunk, errors.New("the server's answer names a row that was not sent")
		}
		r.Row = rows[r.Line-1]
		r.Line = r.Row.Line
		chunk.Rejects = append(chunk.Rejects, r)
	}
	return chunk, nil
}

// Export implements [operate.Verbs].
func (c *adminClient) Export(ctx context.Context, w io.Writer, e operate.Export) (uint64, error) {
	query := queryOf("format", string(e.Format), "realm", e.Realm, "sender", e.Sender)
	if e.History {
		query.Set("history", "true")
	}
	resp, err := c.call(ctx, http.MethodGet, "export", query, "", nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if err := c.copy(ctx, w, resp.Body); err != nil {
		return 0, err
	}
	rows, err := strconv.ParseUint(resp.Trailer.Get(headerRows), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the server at %s did not say that the export is whole", c.address)
	}
	return rows, nil
}

// copy copies an answer, and tells errors of w from those of the connection.
func (c *adminClient) copy(ctx context.Context, w io.Writer, body io.Reader) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return c.unreachable(ctx, err)
		}
	}
}

// Stats implements [operate.Verbs].
func (c *adminClient) Stats(ctx context.Context) (s operate.Stats, err error) {
	err = c.ask(ctx, http.MethodGet, "stats", nil, &s)
	return s, err
}

// Verify implements [operate.Verbs].
func (c *adminClient) Verify(ctx context.Context, progress func(done, total uint64)) error {
	resp, err := c.call(ctx, http.MethodGet, "verify", nil, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	for {
		var v verification
		if err := d.Decode(&v); err != nil {
			return c.unreachable(ctx, err)
		}
		switch {
		case v.OK == nil:
			if progress != nil {
				progress(v.Done, v.Total)
			}
		case *v.OK:
			return nil
		default:
			return &serverError{http.StatusOK, v.Error}
		}
	}
}

// Backup implements [operate.Verbs].
func (c *adminClient) Backup(ctx context.Context, w io.Writer) (b operate.Backup, err error) {
	resp, err := c.call(ctx, http.MethodGet, "backup", nil, "", nil)
	if err != nil {
		return b, err
	}
	defer resp.Body.Close()
	if err := c.copy(ctx, w, resp.Body); err != nil {
		return b, err
	}
	if err := json.Unmarshal([]byte(resp.Trailer.Get(headerBackup)), &b); err != nil {
		return b, fmt.Errorf("the server at %s did not say that the backup is whole", c.address)
	}
	return b, nil
}
