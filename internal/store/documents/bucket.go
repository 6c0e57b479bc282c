package documents

import (
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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"
)

// bucket keeps each object in a bucket of an object store.
type bucket struct{ b *blob.Bucket }

// requestTime is how long one request may take, with the SDK's own repetitions.
const requestTime = time.Minute

// maxBackoff is how long the SDK waits at most before it repeats a request.
const maxBackoff = time.Second

// minPart is the least that S3 takes as a part of an upload, in bytes.
const minPart = 5 << 20

// parameters of a bucket's URL. Others, among them roles and profiles, are refused: there
// is one way to give credentials.
var bucketParameters = []string{"region", "endpoint", "use_path_style", "prefix"}

// ErrPlace says that a URL does not name a bucket as it must.
var ErrPlace = errors.New("not the URL of a bucket")

// openBucket opens s3://BUCKET?region=…&endpoint=…&use_path_style=true&prefix=….
func openBucket(ctx context.Context, text string) (*bucket, error) {
	// What url.Parse says of a URL that it cannot read repeats it.
	u, err := url.Parse(text)
	if err != nil || u.Scheme != s3blob.Scheme || u.Host == "" || u.User != nil || u.Path != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: want s3://BUCKET?region=REGION&endpoint=https://HOST, without credentials", ErrPlace)
	}
	query := u.Query()
	for name := range query {
		if !slices.Contains(bucketParameters, name) {
			return nil, fmt.Errorf("%w: parameter %q is not one of %s", ErrPlace, name, strings.Join(bucketParameters, ", "))
		}
	}
	id, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if id == "" || secret == "" {
		return nil, errors.New("the environment has no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the bucket")
	}
	config := aws.Config{
		Region:      query.Get("region"),
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, os.Getenv("AWS_SESSION_TOKEN")),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = maxBackoff })
		},
		Logger: logging.Nop{},
		// Documents are verified by what they are named after. Servers that are not
		// Amazon's often lack the checksums of the protocol.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	client := s3.NewFromConfig(config, func(o *s3.Options) {
		if endpoint := query.Get("endpoint"); endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		o.UsePathStyle = query.Get("use_path_style") == "true"
	})
	b, err := s3blob.OpenBucket(ctx, client, u.Host, &s3blob.Options{RequestChecksumCalculation: config.RequestChecksumCalculation})
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", u.Host, err)
	}
	if prefix := query.Get("prefix"); prefix != "" {
		b = blob.PrefixedBucket(b, strings.TrimSuffix(prefix, "/")+"/")
	}
	return &bucket{b}, nil
}

func (b *bucket) write(ctx context.Context, name string, content []byte, once bool) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	// In one request: a multipart upload of a caller that dies leaves its parts.
	o := &blob.WriterOptions{ContentType: "application/octet-stream", IfNotExist: once, BufferSize: max(len(content)+1, minPart), MaxConcurrency: 1}
	err := b.b.WriteAll(ctx, name, content, o)
	if gcerrors.Code(err) == gcerrors.FailedPrecondition {
		err = fs.ErrExist
	}
	if err != nil {
		return fmt.Errorf("writing to the bucket: %w", err)
	}
	return nil
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
	r, err := b.b.NewReader(ctx, name, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading from the bucket: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(r, maxObject+1))
	size := r.Size()
	if closing := r.Close(); err == nil {
		err = closing
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errBody, err)
	case len(content) > maxObject:
		return nil, ErrDamaged
	case int64(len(content)) != size:
		return nil, fmt.Errorf("%w: %w", errBody, io.ErrUnexpectedEOF)
	}
	return content, nil
}

func (b *bucket) remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	err := b.b.Delete(ctx, name)
	switch gcerrors.Code(err) {
	case gcerrors.OK, gcerrors.NotFound:
		return nil
	case gcerrors.PermissionDenied:
		err = errors.Join(fs.ErrPermission, err)
	}
	return fmt.Errorf("removing from the bucket: %w", err)
}

func (b *bucket) names(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for it := b.b.List(nil); ; {
			object, err := it.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield("", fmt.Errorf("listing the bucket: %w", err))
				return
			}
			if !yield(object.Key, nil) {
				return
			}
		}
	}
}

func (b *bucket) close() error { return b.b.Close() }
