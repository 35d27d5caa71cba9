package dynamolocal

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestStream writes to a table, and reads its stream as Lambda would get it.
func TestStream(t *testing.T) {
	client, stream := Create(t, &dynamodb.CreateTableInput{
		TableName:            aws.String("stream"),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("k"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: types.KeyTypeHash}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	k := map[string]types.AttributeValue{"k": &types.AttributeValueMemberS{Value: "a"}}
	item := func(n string) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{"k": k["k"], "n": &types.AttributeValueMemberN{Value: n}}
	}
	for _, n := range []string{"1", "2"} {
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("stream"), Item: item(n)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := stream.Next(t.Context())
	if err != nil || len(got) != 2 {
		t.Fatalf("got %d records, %v", len(got), err)
	}
	if r := got[0]; r.EventName != "INSERT" || r.EventSource != "aws:dynamodb" || r.AWSRegion == "" || len(r.Change.OldImage) != 0 ||
		r.Change.NewImage["n"].Number() != "1" || r.Change.Keys["k"].String() != "a" || r.Change.StreamViewType != "NEW_AND_OLD_IMAGES" ||
		r.Change.ApproximateCreationDateTime.IsZero() || r.Change.SequenceNumber == "" {
		t.Errorf("the first: %+v", r)
	}
	if r := got[1]; r.EventName != "MODIFY" || r.Change.OldImage["n"].Number() != "1" || r.Change.NewImage["n"].Number() != "2" {
		t.Errorf("the second: %+v", r)
	}
	if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("stream"), Key: k}); err != nil {
		t.Fatal(err)
	}
	got, err = stream.Next(t.Context())
	if err != nil || len(got) != 1 || got[0].EventName != "REMOVE" || got[0].Change.OldImage["n"].Number() != "2" || len(got[0].Change.NewImage) != 0 {
		t.Errorf("then got %+v, %v", got, err)
	}
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("stream"), Item: map[string]types.AttributeValue{
		"k": k["k"], "set": &types.AttributeValueMemberSS{Value: []string{"x"}},
	}}); err != nil {
		t.Fatal(err)
	}
	if got, err = stream.Next(t.Context()); err == nil {
		t.Errorf("a type of attribute that is not told: got %+v", got)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err = stream.Next(over); err == nil {
		t.Errorf("after its time was over: got %+v", got)
	}
}

// TestInstall: what is missing is named.
func TestInstall(t *testing.T) {
	project := t.TempDir()
	for file, text := range map[string]string{"go.mod": "", "mvn": "#!/bin/sh\necho no such version; exit 1\n"} {
		if err := os.WriteFile(filepath.Join(project, file), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ dir, path, want string }{
		{"/", "", "no go.mod above"},
		{project, "", "install maven and default-jdk-headless"},
		{project, project, "exit status 1: no such version"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			t.Chdir(tt.dir)
			t.Setenv("PATH", tt.path)
			if _, err := start(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestFree: two that run at once have two ports, and one that is taken is left
// alone.
func TestFree(t *testing.T) {
	first, lock, err := free()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	second, other, err := free()
	if err != nil || second == first {
		t.Fatalf("two have %s and %s, %v", first, second, err)
	}
	l, err := net.Listen("tcp", second)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other.Close()
	third, last, err := free()
	if err != nil || third == second || third == first {
		t.Errorf("%s is taken, and %s is given, %v", second, third, err)
	}
	last.Close()
}
