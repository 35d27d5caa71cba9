package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
)

const (
	recordsPerFile = 2100
	oneIn          = 2000 // records is SageMaker's
)

// made is an archive and what is in it.
type made struct {
	paths   []string
	sizes   []int64 // of the text of each file
	trueIn  []int   // records of SageMaker in each file
	packed  int64
	bytes   int64
	records int
	traps   int
	truth   []string // eventID of each record of SageMaker
}

// generate writes an archive like those of CloudTrail into dir.
func generate(dir string, seed uint64, files int) (*made, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	a := &made{}
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), made: a}
	for i := range files {
		before := len(a.truth)
		text := g.log(recordsPerFile)
		path := filepath.Join(dir, fmt.Sprintf("111122223333_CloudTrail_eu-west-1_%05d.json.gz", i))
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, 6)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, packed.Bytes(), 0o644); err != nil {
			return nil, err
		}
		a.paths = append(a.paths, path)
		a.sizes = append(a.sizes, int64(len(text)))
		a.trueIn = append(a.trueIn, len(a.truth)-before)
		a.packed += int64(packed.Len())
		a.bytes += int64(len(text))
		a.records += recordsPerFile
	}
	return a, nil
}

// services are the event sources of other records, with some of their operations.
var services = []struct{ source, events string }{
	{"ec2", "DescribeInstances DescribeNetworkInterfaces DescribeSubnets RunInstances CreateTags DescribeVolumes"},
	{"s3", "GetBucketAcl GetBucketLocation ListBuckets PutObject GetBucketPolicy"},
	{"sts", "AssumeRole GetCallerIdentity AssumeRoleWithWebIdentity"},
	{"iam", "GetRole ListRoles CreateRole PutRolePolicy ListAttachedRolePolicies"},
	{"kms", "Decrypt GenerateDataKey DescribeKey ListAliases"},
	{"lambda", "GetFunction20150331v2 Invoke ListFunctions20150331"},
	{"logs", "CreateLogStream DescribeLogGroups PutRetentionPolicy"},
	{"monitoring", "DescribeAlarms PutMetricAlarm ListMetrics"},
	{"ssm", "GetParameter UpdateInstanceInformation DescribeInstanceInformation"},
	{"secretsmanager", "GetSecretValue DescribeSecret ListSecrets"},
	{"ecr", "BatchGetImage GetAuthorizationToken DescribeRepositories"},
	{"ecs", "DescribeTasks RegisterTaskDefinition ListClusters"},
	{"eks", "DescribeCluster ListNodegroups AccessKubernetesApi"},
	{"rds", "DescribeDBInstances DescribeDBClusters ListTagsForResource"},
	{"dynamodb", "DescribeTable ListTables DescribeContinuousBackups"},
	{"sns", "ListTopics GetTopicAttributes ListSubscriptionsByTopic"},
	{"sqs", "GetQueueAttributes ListQueues CreateQueue"},
	{"cloudtrail", "LookupEvents DescribeTrails GetTrailStatus"},
	{"autoscaling", "DescribeAutoScalingGroups DescribeScalingActivities"},
}

type generator struct {
	*rand.Rand
	made *made
	at   int // minutes
}

// log returns the text of one file.
func (g *generator) log(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		g.record(&b)
	}
	b.WriteString(`]}`)
	g.at += 5
	return b.Bytes()
}

func (g *generator) hex(n int) string { return fmt.Sprintf("%016x%016x", g.Uint64(), g.Uint64())[:n] }

func (g *generator) uuid() string {
	return fmt.Sprintf("%s-%s-%s-%s-%s", g.hex(8), g.hex(4), g.hex(4), g.hex(4), g.hex(12))
}

// token returns n characters of base64.
func (g *generator) token(n int) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[g.IntN(len(digits))]
	}
	return string(b)
}

// record writes one record, laid out as CloudTrail does.
func (g *generator) record(b *bytes.Buffer) {
	service := services[min(g.IntN(len(services)), g.IntN(len(services)))]
	events := strings.Fields(service.events)
	source, event := service.source+".amazonaws.com", events[g.IntN(len(events))]
	agent := []string{
		"aws-cli/2.32.3 md/awscrt#0.28.4 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.13.9 md/pyimpl#CPython",
		"aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.25.1 md/GOOS#linux md/GOARCH#arm64 api/" + service.source,
		"APN/1.0 HashiCorp/1.0 Terraform/1.13.1 (+https://www.terraform.io) terraform-provider-aws/6.14.1",
		"Boto3/1.40.30 md/Botocore#1.40.30 ua/2.1 os/linux#5.10.242 md/arch#x86_64 lang/python#3.12.11 cfg/retry-mode#legacy",
	}[g.IntN(4)]
	request := g.request()
	invokedBy := ""
	eventID := g.uuid()
	switch g.IntN(oneIn) {
	case 0:
		source, event = "sagemaker.amazonaws.com", "CreateTrainingJob"
		request = fmt.Sprintf(`{"trainingJobName":"fraud-%s","enableNetworkIsolation":false,"vpcConfig":{"subnets":["subnet-%s"],`+
			`"securityGroupIds":["sg-%s"]},"roleArn":"arn:aws:iam::111122223333:role/ml"}`, g.hex(6), g.hex(17), g.hex(17))
		g.made.truth = append(g.made.truth, eventID)
	case 1:
		g.made.traps++
		invokedBy = `"invokedBy":"sagemaker.amazonaws.com",`
		agent = "sagemaker.amazonaws.com"
	case 2:
		g.made.traps++
		inside := `{"Records":[{"eventVersion":"1.11","eventTime":"2026-01-02T03:04:05Z","eventSource":"sagemaker.amazonaws.com",` +
			`"eventName":"CreateTrainingJob","eventID":"` + g.uuid() + `"}]}`
		quoted, _ := json.Marshal(inside) // a string can always be marshalled
		request = `{"bucketName":"logs","body":` + string(quoted) + `}`
	}
	role := []string{"deploy", "audit", "ci", "ReadOnly", "node"}[g.IntN(5)]
	session := g.hex(8)
	fmt.Fprintf(b, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE%s:%s",`+
		`"arn":"arn:aws:sts::111122223333:assumed-role/%s/%s","accountId":"111122223333","accessKeyId":"ASIA%s",`+
		`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE%s","arn":"arn:aws:iam::111122223333:role/%s",`+
		`"accountId":"111122223333","userName":"%s"},"attributes":{"creationDate":"2026-01-02T03:%02d:05Z","mfaAuthenticated":"false"}},%s`,
		strings.ToUpper(role), session, role, session, strings.ToUpper(g.hex(16)), strings.ToUpper(role), role, role, g.at%60, invokedBy)
	b.Truncate(b.Len() - 1) // the comma
	fmt.Fprintf(b, `},"eventTime":"2026-01-02T03:%02d:%02dZ","eventSource":"%s","eventName":"%s","awsRegion":"eu-west-1",`+
		`"sourceIPAddress":"10.%d.%d.%d","userAgent":"%s","requestParameters":%s,"responseElements":%s,`+
		`"additionalEventData":{"bytesTransferredIn":%d,"x-amz-id-2":"%s"},"requestID":"%s","eventID":"%s","readOnly":%t,"eventType":"AwsApiCall","managementEvent":true,`+
		`"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3",`+
		`"cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"%s.eu-west-1.amazonaws.com"}}`,
		(g.at+g.IntN(5))%60, g.IntN(60), source, event, g.IntN(4), g.IntN(8), g.IntN(250), agent, request, g.response(),
		g.IntN(1e6), g.token(40), g.uuid(), eventID, strings.HasPrefix(event, "Describe"), service.source)
}

// request returns what requestParameters hold: mostly little, now and then a policy as a string.
func (g *generator) request() string {
	switch g.IntN(10) {
	case 0, 1:
		return "null"
	case 2:
		return `{"roleName":"service-` + g.hex(4) + `","assumeRolePolicyDocument":"{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    ` +
			`{\n      \"Effect\": \"Allow\",\n      \"Principal\": {\"Service\": \"lambda.amazonaws.com\"},\n      \"Action\": \"sts:AssumeRole\"\n    }\n  ]\n}"}`
	case 3, 4, 5:
		var items []string
		for range 1 + g.IntN(6) {
			items = append(items, `{"instanceId":"i-0`+g.hex(4)+`00000000000a"}`)
		}
		return `{"maxResults":1000,"instancesSet":{"items":[` + strings.Join(items, ",") + `]},"filterSet":{"items":[{"name":"vpc-id",` +
			`"valueSet":{"items":[{"value":"vpc-0aa11bb22cc33dd44"}]}}]}}`
	default:
		return `{"bucketName":"data-eu-west-1","Host":"data-eu-west-1.s3.eu-west-1.amazonaws.com","location":"","prefix":"year=2026/month=01/",` +
			`"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::data-eu-west-1/year=2026/month=01/part-` + g.hex(5) + `.parquet"}}`
	}
}

// response returns what responseElements hold.
func (g *generator) response() string {
	if g.IntN(3) > 0 {
		return "null"
	}
	return `{"credentials":{"accessKeyId":"ASIAEXAMPLE` + strings.ToUpper(g.hex(8)) + `","sessionToken":"` + g.token(100) +
		`","expiration":"Jan 2, 2026, 4:04:05 AM"},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE:session","arn":"arn:aws:sts::111122223333:assumed-role/ci/session"}}`
}

// newReader buffers a file like a scan does.
func newReader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 64<<10) }
