package runtimeapi

import (
	"bytes"
	"sync"
)

// kept is how much is kept of what a function writes, in bytes.
const kept = 1 << 20

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if len(t.buf) > 2*kept { // moved seldom
		t.buf = bytes.Clone(t.buf[len(t.buf)-kept:])
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf[max(0, len(t.buf)-kept):])
}
