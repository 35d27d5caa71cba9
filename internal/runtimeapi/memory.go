package runtimeapi

import (
	"fmt"
	"os"
	"strings"
)

// Memory is the memory of a process, in bytes.
type Memory struct {
	Resident int64 // now
	Peak     int64 // at most, so far
}

// Memory is the memory of the function's process, as the Linux kernel counts it:
// VmRSS and VmHWM of https://man7.org/linux/man-pages/man5/proc_pid_status.5.html.
func (f *Function) Memory() (m Memory, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil {
		return m, fmt.Errorf("the memory of %s: no process is running", f.binary)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.current.cmd.Process.Pid)) // #nosec G304 -- a number
	if err != nil {
		return m, fmt.Errorf("the memory of %s: %w", f.binary, err)
	}
	found := 0
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		to := map[string]*int64{"VmRSS": &m.Resident, "VmHWM": &m.Peak}[name]
		if to == nil {
			continue
		}
		if _, err := fmt.Sscanf(value, "%d kB", to); err != nil {
			return m, fmt.Errorf("the memory of %s: %s is %q", f.binary, name, value)
		}
		*to <<= 10
		found++
	}
	if found != 2 { // a process that has ended has no memory
		return m, fmt.Errorf("the memory of %s: the process has ended", f.binary)
	}
	return m, nil
}
