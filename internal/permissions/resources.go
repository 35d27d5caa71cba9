package permissions

import (
	"encoding/json"
	"fmt"

	"github.com/sagemoat/sagemoat/internal/template"
)

// Guards are the policies of queues, topics and buckets of a template, by the ARN of
// what they guard.
func Guards(r *template.Resolved) (map[string]json.RawMessage, error) {
	guarded := map[string]string{} // ARNs by what Ref returns
	for _, typ := range []string{"AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::S3::Bucket"} {
		for _, id := range r.OfType(typ) {
			ref, err := r.Ref(id)
			if err != nil {
				return nil, err
			}
			if guarded[ref], err = r.ARN(id); err != nil {
				return nil, err
			}
		}
	}
	out := map[string]json.RawMessage{}
	for _, of := range []struct{ typ, member string }{
		{"AWS::SQS::QueuePolicy", "Queues"}, {"AWS::SNS::TopicPolicy", "Topics"}, {"AWS::S3::BucketPolicy", "Bucket"},
	} {
		for _, id := range r.OfType(of.typ) {
			properties := r.Resources[id].Properties
			document, err := json.Marshal(properties["PolicyDocument"])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", id, err)
			}
			refs, err := texts(properties[of.member])
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", id, of.member, err)
			}
			for _, ref := range refs {
				arn, ok := guarded[ref]
				if !ok {
					return nil, fmt.Errorf("%s guards %q, which is not in the template", id, ref)
				}
				if _, twice := out[arn]; twice {
					return nil, fmt.Errorf("%s: %s has a policy already", id, arn)
				}
				out[arn] = document
			}
		}
	}
	return out, nil
}
