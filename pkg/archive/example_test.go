package archive_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/archive"
)

func ExampleScan() {
	log := `{"Records":[{"eventVersion":"1.11","eventSource":"s3.amazonaws.com","userAgent":"sagemaker.amazonaws.com"},` +
		`{"eventVersion":"1.11","eventSource":"sagemaker.amazonaws.com","eventName":"CreateModel"}]}`
	_, err := archive.Scan(context.Background(), strings.NewReader(log), func(r archive.Record) error {
		fmt.Printf("at %d: %s\n", r.Offset, r.Data)
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// at 107: {"eventVersion":"1.11","eventSource":"sagemaker.amazonaws.com","eventName":"CreateModel"}
}
