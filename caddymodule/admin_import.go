package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/stopgate/stopgate/caddymodule/listfile"
	"github.com/stopgate/stopgate/caddymodule/operate"
)

// bodyPatience is how long the rows of a chunk may take to arrive. Caddy gives a
// whole request to its admin endpoint ten seconds; an import renews them.
const bodyPatience = 30 * time.Second

// adminImport records the opt-outs of the file in the body, while it comes in, and
// answers with a report.
func adminImport(l *operate.List, w http.ResponseWriter, r *http.Request) error {
	args, err := queryArguments(r, "format", "from", "realm", "sender", "source", "dry_run")
	if err != nil {
		return err
	}
	dry := false
	if text, given := args["dry_run"]; given {
		if dry, err = strconv.ParseBool(text); err != nil {
			return adminError(http.StatusBadRequest, errors.New("dry_run is neither true nor false"))
		}
	}
	o := listfile.Options{
		Format: listfile.Format(args["format"]), Preset: args["from"],
		Realm: args["realm"], Sender: args["sender"], Source: args["source"],
	}
	if o.Format == "" {
		if o.Format, err = formatOf(r.Header.Get("Content-Type")); err != nil {
			return err
		}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" {
		return adminError(http.StatusUnsupportedMediaType, errors.New("the body is compressed; send it as it is"))
	}
	control := http.NewResponseController(w)
	patience := func() error { return control.SetReadDeadline(time.Now().Add(bodyPatience)) }
	if err := patience(); err != nil {
		return err
	}
	rows, err := listfile.NewReader(r.Body, o)
	if err != nil {
		return adminError(http.StatusBadRequest, bodyError(err))
	}
	im := operate.Importer{DryRun: dry, Progress: func(operate.Report) { _ = patience() }}
	if err := operate.CheckFill(r.Context(), l.ImportChunk, o); err != nil {
		if statusOf(err) != http.StatusInternalServerError {
			return err
		}
		return adminError(http.StatusBadRequest, err)
	}
	im.Into = func(ctx context.Context, rows []listfile.Row, dry bool) (operate.Chunk, error) {
		begun := time.Now()
		// A chunk that is being written is written to its end.
		c, err := l.ImportChunk(context.WithoutCancel(ctx), rows, dry)
		if err == nil && !dry {
			rest(ctx, time.Since(begun))
		}
		return c, err
	}
	report, err := im.Run(r.Context(), rows)
	if err == nil {
		return answerJSON(w, http.StatusOK, report)
	}
	// What was recorded stays recorded, so the answer says so.
	status := http.StatusBadRequest
	if list, ok := errors.AsType[*listfile.FileError](err); ok {
		err = list
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		status, err = http.StatusRequestTimeout, fmt.Errorf("no row came for %v", bodyPatience)
	} else if s := statusOf(err); s != http.StatusInternalServerError {
		status = s
	} else {
		err = bodyError(err)
	}
	if report.Rows == 0 {
		return adminError(status, err)
	}
	return adminError(status, fmt.Errorf("%w; %d rows were read before, of which %d were recorded", err, report.Rows, report.Imported))
}

// longestRest is the most that an import rests after a chunk.
const longestRest = time.Second

// rest waits as long as the last chunk took, so that an import takes at most half of
// the list's time from sends and stops. It is here and not in the command, for
// programs send files as well; the command sends each chunk as a file of its own.
func rest(ctx context.Context, took time.Duration) {
	timer := time.NewTimer(min(took, longestRest))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// bodyError is an error of reading the body.
func bodyError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the body ended early")
	}
	return err
}

// formatOf is the format that a media type names.
func formatOf(contentType string) (listfile.Format, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err == nil {
		switch kind {
		case "text/csv":
			return listfile.CSV, nil
		case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/json":
			return listfile.NDJSON, nil
		case "text/plain", "application/octet-stream":
			return "", nil
		}
	}
	return "", adminError(http.StatusUnsupportedMediaType, errors.New("the body has to be text/csv or application/x-ndjson"))
}
