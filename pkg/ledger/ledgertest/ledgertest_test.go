package ledgertest

import (
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/ledger"
)

func TestMemory(t *testing.T) {
	Run(t, func(_ *testing.T, now func() time.Time) ledger.Store { return ledger.NewMemory(now) })
}
