// A worker with the AWS SDK for Go, version 2: answers questions of its standard input until that ends
// (../sdks/protocol.ts).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
)

type question struct {
	Env       map[string]string `json:"env"`
	Directory string            `json:"directory"`
}

type reply struct {
	Key   string `json:"key,omitempty"`
	Error string `json:"error,omitempty"`
}

// played connects to the played endpoints, whatever the address is.
func played(port string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	}
}

// newClient returns the client that the SDK uses by default, except for where it connects to. It is frozen: the client
// for instance metadata replaces the dialer of one that is not, and would call the real address.
func newClient(port, securePort string) aws.HTTPClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
		transport.DialContext = played(port)
		transport.DialTLSContext = played(securePort)
	}).Freeze()
}

func retrieve(ctx context.Context, client aws.HTTPClient) (string, error) {
	// The SDK determines these when it is loaded, from the home directory of that moment.
	config.DefaultSharedConfigFiles = []string{config.DefaultSharedConfigFilename()}
	config.DefaultSharedCredentialsFiles = []string{config.DefaultSharedCredentialsFilename()}
	loaded, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(client),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithEndpointCredentialOptions(func(options *endpointcreds.Options) { options.HTTPClient = client }),
	)
	if err != nil {
		return "", err
	}
	found, err := loaded.Credentials.Retrieve(ctx)
	return found.AccessKeyID, err
}

func answer(asked question, port, securePort string) reply {
	os.Clearenv()
	for name, value := range asked.Env {
		if err := os.Setenv(name, value); err != nil {
			return reply{Error: err.Error()}
		}
	}
	if err := os.Chdir(asked.Directory); err != nil {
		return reply{Error: err.Error()}
	}
	key, err := retrieve(context.Background(), newClient(port, securePort))
	if err != nil {
		return reply{Error: err.Error()}
	}
	return reply{Key: key}
}

func main() {
	port, securePort := os.Getenv("PLAYED_ENDPOINTS_PORT"), os.Getenv("PLAYED_ENDPOINTS_SECURE_PORT")
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("names are not looked up")
	}}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	output := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := output.Encode(answer(asked, port, securePort)); err != nil {
			panic(err)
		}
	}
}
