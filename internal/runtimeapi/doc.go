// Package runtimeapi runs the binary of a function as Lambda does: as a process
// that asks a local Runtime API for its events. It is for tests and benchmarks.
//
// The Runtime API is the one of version 2018-06-01
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html); environment
// variables are those of a function on provided.al2023
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime).
// One event is handled at a time. A process that ended, by itself or because its
// time was over, is started anew for the next event
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
//
// What Lambda has and this has not: limits of memory and of CPU, freezing
// between events, extensions, streamed responses, a file system that is only
// read, ten seconds at most to start.
package runtimeapi
