package prevent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/prevent"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// TestCDKCompiles: tsc takes the constructs, by the types of aws-cdk-lib. The
// libraries have 200 MB, so it is done in the large number of rounds only.
func TestCDKCompiles(t *testing.T) {
	for range chaos.N(0, 1) {
		var pinned []byte
		from := map[string][]byte{}
		for _, name := range []string{"package.json", "package-lock.json"} {
			text, err := os.ReadFile(filepath.Join("testdata", "cdk", name))
			if err != nil {
				t.Fatal(err)
			}
			from[name], pinned = text, append(pinned, text...)
		}
		dir, err := cached.Install("cdk", pinned, func(dir string) error {
			for name, text := range from {
				if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
					return err
				}
			}
			return cached.Run("nodejs and npm", "npm", "ci", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund")
		})
		if err != nil {
			t.Fatal(err)
		}
		f, err := rules.Load("rules.yaml", []byte("version: 1\nallow: [{accounts: ['*'], subnets: [subnet-1], security-groups: [sg-1]}]"), kind.Kinds())
		if err != nil {
			t.Fatal(err)
		}
		args := []string{filepath.Join(dir, "node_modules", "typescript", "bin", "tsc"), "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext"}
		for _, form := range forms {
			documents, err := prevent.Generate(f, prevent.Options{Now: now}).Policies(form)
			if err != nil {
				t.Fatal(err)
			}
			files, err := prevent.Files(documents, form, "cdk", "")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, files[0].Name) // beside what it imports
			if err := os.WriteFile(path, []byte(files[0].Text), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, path)
		}
		if err := cached.Run("nodejs", "node", args...); err != nil {
			t.Error(err)
		}
	}
}
