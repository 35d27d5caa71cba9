// Package simulator starts iam-simulate for tests.
package simulator

import (
	"context"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
	"github.com/sagemoat/sagemoat/internal/iamsim"
)

// Start starts a simulator that ends with the test. It needs node and npm (Debian:
// nodejs, npm); the first one is installed into .cache/ at the root of the project.
func Start(tb testing.TB) *iamsim.Simulator {
	tb.Helper()
	dir, err := cached.Install("iam-simulate", iamsim.Pinned(), func(dir string) error {
		return iamsim.Install(tb.Context(), dir)
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context())) // which ends before the clean-up
	s, err := iamsim.Start(ctx, dir)
	if err != nil {
		cancel()
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		defer cancel()
		if err := s.Close(); err != nil {
			tb.Errorf("the simulator ended: %v", err)
		}
	})
	return s
}
