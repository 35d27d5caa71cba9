package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestTheModelIsCurrent: the sandbox speaks the SDK's version of the API.
func TestTheModelIsCurrent(t *testing.T) {
	got, err := os.ReadFile(filepath.Join("..", "..", "..", filepath.FromSlash(file)))
	if err != nil {
		t.Fatalf("%v; write it with: go run ./internal/gen/sandbox", err)
	}
	want, err := render()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
		for i := range min(len(gotLines), len(wantLines)) {
			if !bytes.Equal(gotLines[i], wantLines[i]) {
				t.Errorf("line %d\n got: %s\nwant: %s", i+1, gotLines[i], wantLines[i])
				break
			}
		}
		t.Errorf("%s is not what the SDK has (%d lines, want %d). Write it anew with: go run ./internal/gen/sandbox", file, len(gotLines), len(wantLines))
	}
}
