package main

import (
	"fmt"
	"io"
	"os"
	"sync"
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

// spinner shows on a terminal what is being done; elsewhere it shows nothing. done
// takes the display away again, and may be called more than once.
func spinner(p process) (tell func(what string), done func()) {
	if _, ok := p.terminal(p.stderr); !ok {
		return func(string) {}, func() {}
	}
	began := time.Now()
	var mu sync.Mutex
	var bar *progressbar.ProgressBar
	tell = func(what string) {
		mu.Lock()
		defer mu.Unlock()
		if bar == nil {
			if time.Since(began) < patience {
				return
			}
			bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(p.stderr), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSpinnerType(14))
		}
		bar.Describe(what)
		_ = bar.Add(1)
	}
	return tell, func() {
		mu.Lock()
		defer mu.Unlock()
		if bar != nil {
			_ = bar.Finish()
			bar = nil
		}
	}
}

// progress shows on a terminal how far an audit is; tell is nil elsewhere.
func progress(p process) (tell func(files int, bytes int64), done func()) {
	if _, ok := p.terminal(p.stderr); !ok {
		return nil, func() {}
	}
	say, done := spinner(p)
	return func(files int, bytes int64) {
		say(fmt.Sprintf("%s, %.1f MB read", count(files, "file"), float64(bytes)/1e6))
	}, done
}
