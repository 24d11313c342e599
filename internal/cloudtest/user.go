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

	"tidemark/internal/scripttest"
)

// User is somebody with keys of an S3 server.
type User struct{ AccessKey, SecretKey string }

// Owner is the user who may do everything.
func Owner() User { return User{AccessKey, SecretKey} }

// Environ is, as NAME=value, what makes a program be this user.
func (u User) Environ() []string {
	return append(Environ(), "AWS_ACCESS_KEY_ID="+u.AccessKey, "AWS_SECRET_ACCESS_KEY="+u.SecretKey)
}

// Client is a client of the bucket's server, with the keys of a user. It sends each
// request once, and keeps no connection.
func (s *Server) Client(u User) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoint), UsePathStyle: true, Retryer: aws.NopRetryer{},
		HTTPClient:  &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Credentials: credentials.NewStaticCredentialsProvider(u.AccessKey, u.SecretKey, ""),
	})
}

// Grant makes a user of versitygw for each policy, by name, and gives it the rights that
// the policy says, and no others. Policies are documents of IAM: this server takes them
// as one policy of the bucket, in which each statement names the user that it is for.
// The second call takes the rights of the first away.
func (s *Server) Grant(policies map[string][]byte) map[string]User {
	s.t.Helper()
	users := map[string]User{}
	whole := struct {
		Version   string
		Statement []map[string]any
	}{Version: "2012-10-17"}
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		users[name] = User{name, name + "-secret"}
		scripttest.Run(s.t, "stores", "user", s.Name, name, users[name].SecretKey, "--dir", s.Dir)
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
	return users
}
