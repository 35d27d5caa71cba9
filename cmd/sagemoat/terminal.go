package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// terminal says whether a stream is a terminal, and how many columns it has.
func terminal(w io.Writer) (columns int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) /* #nosec G115 -- a file descriptor is small */ {
		return 0, false
	}
	columns, _, err := term.GetSize(int(f.Fd())) // #nosec G115 -- a file descriptor is small
	if err != nil {
		columns = 0
	}
	return columns, true
}

// patience is how long a run may take before it shows progress.
const patience = time.Second

// progress shows on a terminal how far a run is; it returns nil elsewhere. done
// takes the display away again.
func progress(p process) (tell func(files int, bytes int64), done func()) {
	if _, ok := p.terminal(p.stderr); !ok {
		return nil, func() {}
	}
	began := time.Now()
	var bar *progressbar.ProgressBar
	tell = func(files int, bytes int64) {
		if bar == nil {
			if time.Since(began) < patience {
				return
			}
			bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(p.stderr), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSpinnerType(14))
		}
		bar.Describe(fmt.Sprintf("%s, %.1f MB read", count(files, "file"), float64(bytes)/1e6))
		_ = bar.Add(1)
	}
	return tell, func() {
		if bar != nil {
			_ = bar.Finish()
		}
	}
}
