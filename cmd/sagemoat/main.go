// Command sagemoat audits the network of Amazon SageMaker AI.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

func main() {
	r, err := audit.Run(context.Background(), audit.Inputs{Paths: os.Args[1:], Stdin: os.Stdin}, audit.Options{Rules: rules.Default(), Now: time.Now()})
	fmt.Fprintln(os.Stderr, err)
	for _, f := range r.Findings {
		b, _ := json.Marshal(f)
		fmt.Println(string(b))
	}
	for _, p := range r.Problems {
		fmt.Fprintln(os.Stderr, p)
	}
	fmt.Fprintln(os.Stderr, len(r.Refused), r.Files, r.Bytes, r.Duplicates)
}
