package sandbox

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Options say which world to make. The zero value is account 111122223333 in
// eu-west-1 under the machine's clock.
type Options struct {
	Account string
	Region  string
	Clock   Clock
	// Seed fixes ids and what faults hit: the same calls in the same order have
	// the same answers.
	Seed uint64
	// EventDelay is what passes between an event and its delivery.
	EventDelay time.Duration
	// CallLog is how many calls are kept for [World.Calls]: 10,000 unless told.
	CallLog int
}

// World is one account in one Region.
type World struct {
	account, region, partition string

	clock    Clock
	services map[string]service
	bus      bus
	hub      *hub
	queues   *queues
	topics   *topics
	buckets  *buckets
	faults   faults
	calls    callLog

	mu      sync.Mutex // holds what follows
	random  *rand.Rand
	callers map[string]string // access key to ARN
	closed  bool
	busy    sync.WaitGroup // requests, and callbacks of the clock
}

// New returns a world with nothing in it. Security Hub is enabled.
func New(o Options) *World {
	w := &World{
		account: cmp.Or(o.Account, "111122223333"),
		region:  cmp.Or(o.Region, "eu-west-1"),
		clock:   o.Clock,
		random:  rand.New(rand.NewPCG(o.Seed, o.Seed)), //nolint:gosec // the same seed, the same world
		callers: map[string]string{},
	}
	if w.clock == nil {
		w.clock = System{}
	}
	w.partition = kind.Partition(w.region)
	w.bus.delay = o.EventDelay
	w.calls.most = cmp.Or(o.CallLog, 10_000)
	w.hub, w.queues, w.topics, w.buckets = newHub(w), newQueues(w), newTopics(w), newBuckets(w)
	w.services = map[string]service{
		"securityhub": w.hub,
		"sqs":         w.queues,
		"sns":         w.topics,
		"s3":          w.buckets,
		"events":      eventBridge{w},
		"sagemaker":   newSageMaker(w),
	}
	return w
}

// Now is the time in this world.
func (w *World) Now() time.Time { return w.clock.Now().UTC() }

// Account is the account of this world.
func (w *World) Account() string { return w.account }

// Region is the Region of this world.
func (w *World) Region() string { return w.region }

// arn is the name of something in this account and Region.
func (w *World) arn(service, resource string) string {
	return "arn:" + w.partition + ":" + service + ":" + w.region + ":" + w.account + ":" + resource
}

// after calls f once d has passed, unless the world has ended by then.
func (w *World) after(d time.Duration, f func()) {
	w.clock.After(d, func() {
		if w.enter() {
			defer w.busy.Done()
			f()
		}
	})
}

// enter says whether there is still a world to do something in. If so, its end
// waits for busy.Done.
func (w *World) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.busy.Add(1)
	}
	return !w.closed
}

// uuid is the next id of this world.
func (w *World) uuid() string {
	var b [16]byte
	w.mu.Lock()
	hi, lo := w.random.Uint64(), w.random.Uint64()
	w.mu.Unlock()
	for i := range 8 {
		b[i], b[8+i] = byte(hi>>(8*i)), byte(lo>>(8*i)) //nolint:gosec // the low byte is meant
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var out [36]byte
	hex.Encode(out[:], b[:4])
	hex.Encode(out[9:], b[4:6])
	hex.Encode(out[14:], b[6:8])
	hex.Encode(out[19:], b[8:10])
	hex.Encode(out[24:], b[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// chance is a random number in [0, 1).
func (w *World) chance() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.Float64()
}

// Credentials lets a session of a role of this account sign requests. Whatever
// the secret, the access key tells who calls.
func (w *World) Credentials(role, session string) (accessKeyID, secretAccessKey string) {
	raw := strings.ToUpper(strings.ReplaceAll(w.uuid(), "-", ""))
	accessKeyID, secretAccessKey = "ASIA"+raw[:16], raw[16:]
	w.mu.Lock()
	defer w.mu.Unlock()
	w.callers[accessKeyID] = "arn:" + w.partition + ":sts::" + w.account + ":assumed-role/" + role + "/" + session
	return accessKeyID, secretAccessKey
}

// Start serves this world on a loopback port until stop is called, which waits
// for what is under way.
func (w *World) Start(ctx context.Context) (endpoint string, stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("start the sandbox: %w", err)
	}
	server := &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() {
		w.mu.Lock()
		w.closed = true
		w.mu.Unlock()
		// Connections that are kept alive have nothing to say any more.
		err := server.Close()
		<-done
		if err != nil && !errors.Is(err, net.ErrClosed) {
			panic(err) // a listener of our own that cannot be closed
		}
		w.busy.Wait()
	}, nil
}
