package cloudtest

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"tidemark/internal/scripttest"
)

// User is somebody with keys of an S3 server.
type User struct{ AccessKey, SecretKey, Token string } // Token: "" for keys that last

// Owner is the user who may do everything.
func Owner() User { return User{AccessKey: AccessKey, SecretKey: SecretKey} }

// Environ is, as NAME=value, what makes a program be this user.
func (u User) Environ() []string {
	return append(Environ(), "AWS_ACCESS_KEY_ID="+u.AccessKey, "AWS_SECRET_ACCESS_KEY="+u.SecretKey, "AWS_SESSION_TOKEN="+u.Token)
}

// Client is a client of the bucket's server, with the keys of a user. It sends each
// request once, and keeps no connection.
func (s *Server) Client(u User) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoint), UsePathStyle: true, Retryer: aws.NopRetryer{},
		HTTPClient:  unkept(),
		Credentials: credentials.NewStaticCredentialsProvider(u.AccessKey, u.SecretKey, u.Token),
	})
}

// Grant makes a user of versitygw or MinIO for each policy, by name, with the rights
// that the policy says, and no others. Policies are documents of IAM. MinIO evaluates
// them as they are, as those of a session. versitygw knows policies of buckets: there the
// second call takes the rights of the first away.
func (s *Server) Grant(policies map[string][]byte) map[string]User {
	s.t.Helper()
	users := map[string]User{}
	for name := range policies {
		switch s.Name {
		case "versitygw":
			users[name] = User{AccessKey: name, SecretKey: name + "-secret"}
			scripttest.Run(s.t, "stores", "user", s.Name, name, users[name].SecretKey, "--dir", s.Dir)
		case "minio":
			users[name] = s.assume(policies[name])
		default:
			s.t.Fatalf("%s has no users", s.Name)
		}
	}
	if s.Name == "versitygw" {
		s.putPolicy(policies)
	}
	return users
}

// assume takes on a role of the owner that a policy confines.
func (s *Server) assume(policy []byte) User {
	s.t.Helper()
	client := sts.New(sts.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoint), HTTPClient: unkept(),
		Credentials: credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
	})
	role, err := client.AssumeRole(context.Background(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:xxx:xxx:xxx:xxxx"), RoleSessionName: aws.String("test"), Policy: aws.String(string(policy)),
	})
	if err != nil {
		s.t.Fatalf("give a user its rights: %v", err)
	}
	c := role.Credentials
	return User{*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken}
}

// putPolicy makes one policy of the bucket of those of its users: the same statements,
// each with the user that it is for.
func (s *Server) putPolicy(policies map[string][]byte) {
	s.t.Helper()
	whole := struct {
		Version   string           `json:"Version"`
		Statement []map[string]any `json:"Statement"`
	}{Version: "2012-10-17"}
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		own := whole
		own.Statement = nil
		if err := json.Unmarshal(policies[name], &own); err != nil || len(own.Statement) == 0 {
			s.t.Fatalf("policy of %s: no statements: %v", name, err)
		}
		for _, statement := range own.Statement {
			statement["Principal"] = map[string]string{"AWS": name}
			delete(statement, "Sid")
			whole.Statement = append(whole.Statement, statement)
		}
	}
	text, err := json.Marshal(whole)
	if err != nil {
		s.t.Fatal(err)
	}
	put := &s3.PutBucketPolicyInput{Bucket: aws.String(Bucket), Policy: aws.String(string(text))}
	if _, err := s.Client(Owner()).PutBucketPolicy(context.Background(), put); err != nil {
		s.t.Fatalf("give users their rights: %v", err)
	}
}

// unkept is a client of HTTP that keeps no connection.
func unkept() *http.Client { return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} }
