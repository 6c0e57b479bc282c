package documents

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/elicence/elicence/internal/bilingual"
)

// bucket keeps each object in a bucket of an object store, under a prefix that may be empty
// and else ends in a slash.
type bucket struct {
	client *s3.Client
	name   string
	prefix string
}

// requestTime is how long one request may take, with the SDK's own repetitions.
const requestTime = time.Minute

// maxBackoff is how long the SDK waits at most before it repeats a request.
const maxBackoff = time.Second

// parameters of a bucket's URL. Others, among them roles and profiles, are refused: there
// is one way to give credentials.
var bucketParameters = []string{"region", "endpoint", "use_path_style", "prefix"}

// ErrPlace says that a URL does not name a bucket as it must.
var ErrPlace = bilingual.New("不是存储桶的地址", "not the URL of a bucket")

// openBucket opens s3://BUCKET?region=…&endpoint=…&use_path_style=true&prefix=….
func openBucket(text string) (*bucket, error) {
	// What url.Parse says of a URL that it cannot read repeats it.
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil || u.Path != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: want s3://BUCKET?region=REGION&endpoint=https://HOST, without credentials", ErrPlace)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil { // it repeats what it cannot read too
		return nil, fmt.Errorf("%w: its parameters cannot be read", ErrPlace)
	}
	for name, values := range query {
		if !slices.Contains(bucketParameters, name) || len(values) != 1 {
			return nil, fmt.Errorf("%w: parameter %q is not one of %s, or is there twice", ErrPlace, name, strings.Join(bucketParameters, ", "))
		}
	}
	endpoint := query.Get("endpoint")
	if !isEndpoint(endpoint) {
		return nil, fmt.Errorf("%w: the endpoint is not https://HOST, without credentials", ErrPlace)
	}
	pathStyle := query.Get("use_path_style")
	if pathStyle != "" && pathStyle != "true" && pathStyle != "false" {
		return nil, fmt.Errorf("%w: use_path_style is neither true nor false", ErrPlace)
	}
	prefix := query.Get("prefix")
	if prefix != "" {
		prefix = strings.TrimSuffix(prefix, "/") + "/"
	}
	if !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, unicode.IsControl) || strings.Contains(prefix, "../") {
		return nil, fmt.Errorf("%w: a prefix has neither control characters nor steps upwards (../)", ErrPlace)
	}
	id, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if id == "" || secret == "" {
		return nil, errors.New("the environment has no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the bucket")
	}
	config := aws.Config{
		Region:      query.Get("region"),
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, os.Getenv("AWS_SESSION_TOKEN")),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxBackoff = maxBackoff
				// Two that write one document at once may both be sent away by Amazon's store.
				o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{"ConditionalRequestConflict": {}}})
			})
		},
		Logger: logging.Nop{},
		// Documents are verified by what they are named after. Servers that are not
		// Amazon's often lack the checksums of the protocol.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	client := s3.NewFromConfig(config, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		o.UsePathStyle = pathStyle == "true"
	})
	return &bucket{client: client, name: u.Host, prefix: prefix}, nil
}

// isEndpoint reports whether a text is the address of an object store, or empty for Amazon's.
// What stands in it may be repeated in errors, so it has no credentials.
func isEndpoint(text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// key is where the object with a name lies.
func (b *bucket) key(name string) *string { return aws.String(b.prefix + name) }

// write stores an object in one request: a multipart upload of a caller that dies leaves its
// parts.
func (b *bucket) write(ctx context.Context, name string, content []byte, once bool) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	in := &s3.PutObjectInput{Bucket: &b.name, Key: b.key(name), Body: bytes.NewReader(content), ContentType: aws.String("application/octet-stream")}
	if once {
		in.IfNoneMatch = aws.String("*")
	}
	_, err := b.client.PutObject(ctx, in)
	if codeOf(err) == "PreconditionFailed" {
		err = fs.ErrExist
	}
	if err != nil {
		return fmt.Errorf("writing to the bucket: %w", err)
	}
	return nil
}

// codeOf is the code of an error of the object store; empty where it says none.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func (b *bucket) create(ctx context.Context, name string, content []byte) error {
	return b.write(ctx, name, content, true)
}

func (b *bucket) replace(ctx context.Context, name string, content []byte) error {
	return b.write(ctx, name, content, false)
}

// readTries is how often a body that was cut off is asked for again: the SDK repeats
// requests, not bodies.
const readTries = 3

func (b *bucket) read(ctx context.Context, name string) ([]byte, error) {
	var failed error
	for range readTries {
		content, err := b.readOnce(ctx, name)
		if !errors.Is(err, errBody) || ctx.Err() != nil {
			return content, err
		}
		failed = err
	}
	return nil, failed
}

// errBody says that a body did not come to its end.
var errBody = errors.New("reading the object from the bucket")

func (b *bucket) readOnce(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: b.key(name)})
	if code := codeOf(err); code == "NoSuchKey" || code == "NotFound" {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading from the bucket: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(out.Body, maxObject+1))
	if closing := out.Body.Close(); err == nil {
		err = closing
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errBody, err)
	case len(content) > maxObject:
		return nil, ErrDamaged
	case out.ContentLength != nil && int64(len(content)) != *out.ContentLength:
		return nil, fmt.Errorf("%w: %w", errBody, io.ErrUnexpectedEOF)
	}
	return content, nil
}

func (b *bucket) remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: b.key(name)})
	switch codeOf(err) {
	case "NoSuchKey", "NotFound": // Amazon's store says nothing of what was not there
		return nil
	case "AccessDenied", "Forbidden":
		err = errors.Join(fs.ErrPermission, err)
	}
	if err != nil {
		return fmt.Errorf("removing from the bucket: %w", err)
	}
	return nil
}

func (b *bucket) names(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &b.prefix})
		for pages.HasMorePages() {
			page, err := nextPage(ctx, pages)
			if err != nil {
				yield("", fmt.Errorf("listing the bucket: %w", err))
				return
			}
			for _, object := range page.Contents {
				if !yield(strings.TrimPrefix(aws.ToString(object.Key), b.prefix), nil) {
					return
				}
			}
		}
	}
}

func nextPage(ctx context.Context, pages *s3.ListObjectsV2Paginator) (*s3.ListObjectsV2Output, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	page, err := pages.NextPage(ctx)
	if err == nil && aws.ToBool(page.IsTruncated) && aws.ToString(page.NextContinuationToken) == "" {
		err = errors.New("there is more, and the object store does not say how to go on: it does not know ListObjectsV2")
	}
	return page, err
}

// close has nothing to end: what is asked of a bucket ends with its request.
func (b *bucket) close() error { return nil }
