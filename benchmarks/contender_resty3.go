package main

import (
	"context"
	"fmt"
	"time"

	"resty.dev/v3"
)

// newResty3 is the next major version of resty, used like the current one.
func newResty3(at place) (caller, error) {
	client := resty.New().SetBaseURL(at.URL).SetAuthToken(token).SetLoggerWarnLevel(true)
	closeIdle := client.Client().CloseIdleConnections
	if at.Transport != nil {
		client.SetTransport(at.Transport)
	}
	client.SetRetryCount(3).SetRetryWaitTime(time.Millisecond).SetRetryMaxWaitTime(time.Millisecond).SetRetryAllowNonIdempotent(true)
	client.AddRetryConditions(func(r *resty.Response, err error) bool { return err != nil || r.StatusCode() >= 500 })
	return plainCaller(func(ctx context.Context, method, path string, in, into any) error {
		request := client.R().SetContext(ctx).SetResult(into)
		if in != nil {
			request.SetBody(in)
		}
		resp, err := request.Execute(method, path)
		if err == nil && resp.IsStatusFailure() {
			err = fmt.Errorf("status %d", resp.StatusCode())
		}
		return err
	}, closeIdle), nil
}
