// Package dynamolocal runs DynamoDB Local, the database that AWS makes for
// tests, with its streams.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html
//
// It needs mvn, java and sh on the PATH (Debian: maven, default-jre-headless). The
// first call fetches it from Maven Central, by the versions in pom.xml, into
// .cache/ at the root of the repository; later ones need no network.
package dynamolocal

import (
	"bytes"
	"context"
	_ "embed" // what it needs
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
)

//go:embed pom.xml
var pom []byte

// main is the class that starts it.
const main = "software.amazon.dynamodb.services.local.main.ServerRunner"

// shell runs what follows until its own standard input ends, which is when the
// test binary does, however it ends.
const shell = `"$@" </dev/null & cat >/dev/null; kill $! 2>/dev/null; wait`

// server is the one of this test binary.
var server = sync.OnceValues(start)

// running is a database. It runs as long as its standard input is open, and its
// port is ours, which is as long as this is referred to.
type running struct {
	url   string
	stdin io.Closer
	port  *os.File // locked
}

// Endpoint is the URL of the one database of this test binary, which ends with
// it. It holds everything in memory.
func Endpoint(tb testing.TB) string {
	tb.Helper()
	db, err := server()
	if err != nil {
		tb.Fatal(err)
	}
	return db.url
}

// Config is what a client of the database is made from. DynamoDB Local keeps
// accounts apart by access key, and Regions.
func Config(tb testing.TB) aws.Config {
	tb.Helper()
	return aws.Config{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(Endpoint(tb)),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// Create makes a table under a name of its own, with a stream that is read from
// the beginning where it has one. It is gone when the test ends.
func Create(tb testing.TB, in *dynamodb.CreateTableInput) (*dynamodb.Client, *Stream) {
	tb.Helper()
	config := Config(tb)
	client := dynamodb.NewFromConfig(config)
	out, err := client.CreateTable(tb.Context(), in)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if _, err := client.DeleteTable(context.WithoutCancel(tb.Context()), &dynamodb.DeleteTableInput{TableName: in.TableName}); err != nil {
			tb.Error(err)
		}
	})
	return client, NewStream(config, aws.ToString(out.TableDescription.LatestStreamArn))
}

// NewStream reads the stream of an ARN, wherever the configuration's endpoint is.
func NewStream(config aws.Config, arn string) *Stream {
	return &Stream{client: dynamodbstreams.NewFromConfig(config), arn: arn, next: map[string]*string{}}
}

// start starts the database, and waits until it answers.
func start() (*running, error) {
	dir, err := cached.Maven("dynamolocal", pom, nil)
	if err != nil {
		return nil, err
	}
	address, lock, err := free()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	said, err := os.CreateTemp("", "dynamolocal-*.log")
	if err != nil {
		return nil, err
	}
	defer said.Close()           //nolint:errcheck // the process has its own
	defer os.Remove(said.Name()) //nolint:errcheck // as is
	//nolint:gosec,noctx // our own program, which ends with this one
	cmd := exec.Command("sh", "-c", shell, "sh", "java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m",
		"-Djava.library.path="+dir, "-cp", filepath.Join(dir, "*"), main,
		"-inMemory", "-disableTelemetry", "-port", port)
	cmd.Stdout, cmd.Stderr = said, said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	// What a small machine that does other things needs, several times over.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) //nolint:forbidigo // of no test
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := new(net.Dialer).DialContext(ctx, "tcp", address); err == nil {
			return &running{"http://" + address, stdin, lock}, c.Close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			text, _ := os.ReadFile(said.Name())
			return nil, fmt.Errorf("DynamoDB Local does not answer at %s; it said: %s", address, bytes.TrimSpace(text))
		}
	}
}

// The ports from which one is taken: below those that systems give to whoever
// asks for any, so that no other listener gets it before the database does.
// https://docs.kernel.org/networking/ip-sysctl.html#ip-variables
const firstPort, ports = 21000, 200

// free is an address at which nothing listens, and a lock on it against other
// test binaries.
func free() (address string, lock *os.File, err error) {
	for port := firstPort; port < firstPort+ports; port++ {
		lock, err := cached.Lock(filepath.Join(os.TempDir(), fmt.Sprintf("dynamolocal-%d.lock", port)), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			continue // another's
		}
		address := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address) //nolint:forbidigo // of no test
		if err == nil {
			return address, lock, l.Close()
		}
		if err := lock.Close(); err != nil {
			return "", nil, err
		}
	}
	return "", nil, fmt.Errorf("no free port from %d to %d", firstPort, firstPort+ports-1)
}
