package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// TestVirtual: what is due is called at its time, in the order of time and then of
// asking, also what is asked for on the way.
func TestVirtual(t *testing.T) {
	c := sandbox.NewVirtual(start)
	var got []string
	say := func(name string) func() {
		return func() { got = append(got, fmt.Sprint(name, " ", c.Now().Sub(start))) }
	}
	c.After(2*time.Second, say("two"))
	c.After(time.Second, func() {
		say("one")()
		c.After(time.Second, say("two more"))
		c.After(0, say("at once"))
	})
	c.After(2*time.Second, say("two again"))
	c.After(-time.Second, say("the past"))
	c.After(time.Minute, say("later"))
	c.Advance(10 * time.Second)
	want := "[the past 0s one 1s at once 1s two 2s two again 2s two more 2s]"
	if fmt.Sprint(got) != want || !c.Now().Equal(start.Add(10*time.Second)) {
		t.Errorf("%v at %v", got, c.Now())
	}
	if at, due := c.Next(); !due || !at.Equal(start.Add(time.Minute)) {
		t.Errorf("next is due at %v, %v", at, due)
	}
	ok(t, c.Sleep(t.Context(), 50*time.Second))
	if _, due := c.Next(); due || len(got) != 7 {
		t.Errorf("after a sleep: %v", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Sleep(ended, time.Hour); !errors.Is(err, context.Canceled) || !c.Now().Equal(start.Add(time.Minute)) {
		t.Errorf("a sleep of nobody: %v at %v", err, c.Now())
	}
}

func TestSystem(t *testing.T) {
	c := sandbox.System{}
	before := c.Now()
	ok(t, c.Sleep(t.Context(), time.Millisecond))
	if c.Now().Sub(before) < time.Millisecond {
		t.Error("a sleep took no time")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Sleep(ended, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("a sleep of nobody: %v", err)
	}
	called := make(chan struct{})
	c.After(0, func() { close(called) })
	<-called
}
