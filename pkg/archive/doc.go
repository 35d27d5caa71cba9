// Package archive reads CloudTrail logs at about the speed of decompression and hands out the records of
// SageMaker, whole and untouched, and whatever else in a log is no record of CloudTrail.
//
// A log is what CloudTrail puts into its bucket: {"Records":[{…},{…}]}, compressed by gzip or not
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html). A record is
// SageMaker's when its own eventSource, not one inside it, is "sagemaker.amazonaws.com"
// (https://docs.aws.amazon.com/sagemaker/latest/dg/logging-using-cloudtrail.html). An element without an eventSource
// of its own is nobody's record, and is handed out lest it be lost: others put their own envelopes around records and
// call the list Records. Nothing is decoded: whoever gets a record decodes it.
//
// # How it reads
//
// One small parser follows the text from element to element of Records. It is exact, whatever the layout, and it
// alone decides what a record is.
//
// Most of an archive is other services' records, so between two elements the parser may leap. It looks for the
// first place at which SageMaker's name could stand as an event source (see suspect), and goes on at the start of
// an element shortly before that place. Where an element starts is proven, not guessed: CloudTrail writes its
// records without spaces and with eventVersion first, and 256 KiB of such elements, one after another, fit into no
// record, because CloudTrail writes none that is larger
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html, event size). So they are
// elements of Records. Where the proof fails the parser simply does not leap. A leap therefore changes the time a
// scan takes, not its result, save in three ways:
//
//   - what is leapt over is not checked: neither its syntax nor the limits below;
//   - an element among those that are leapt over which has no eventSource, and SageMaker's name as an event source
//     nowhere in it but in a string, is not handed out. CloudTrail writes none;
//   - 256 KiB of elements which start with eventVersion, in another array than Records, may be taken for Records.
//     CloudTrail writes no other array of that size.
//
// [Scanner.Exact] forbids leaping, for logs that somebody other than CloudTrail may have written.
//
// # Escapes
//
// JSON can spell one string in many ways: "sagemaker\u002eamazonaws.com" is SageMaker's name too. CloudTrail does
// not write it like that, but the scan does not rely on it: an escape that stands for a letter or a full stop is as
// suspect as the name itself, and the parser then decodes the event source.
package archive
