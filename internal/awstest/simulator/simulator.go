// Package simulator starts iam-simulate for tests.
package simulator

import (
	"context"
	"sync"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
	"github.com/sagemoat/sagemoat/internal/iamsim"
)

var (
	mu     sync.Mutex
	shared *iamsim.Simulator
)

// Start returns the simulator of the test binary, which ends with it. It needs node
// and npm (Debian: nodejs, npm); the first one is installed into .cache/ at the root
// of the project.
func Start(tb testing.TB) *iamsim.Simulator {
	tb.Helper()
	mu.Lock()
	defer mu.Unlock()
	if shared != nil {
		return shared
	}
	dir, err := cached.Install("iam-simulate", iamsim.Pinned(), func(dir string) error {
		return iamsim.Install(tb.Context(), dir)
	})
	if err == nil {
		// The test's context ends before the next one needs it.
		shared, err = iamsim.Start(context.WithoutCancel(tb.Context()), dir)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return shared
}
