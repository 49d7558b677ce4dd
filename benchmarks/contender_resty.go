package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-resty/resty/v2"
)

// newResty is resty with its own transport, and with retries, which are off by default.
func newResty(at place) (caller, error) {
	client := resty.New().SetBaseURL(at.URL).SetAuthToken(token).SetDisableWarn(true)
	closeIdle := client.GetClient().CloseIdleConnections
	if at.Transport != nil {
		client.SetTransport(at.Transport)
	}
	client.SetRetryCount(3).SetRetryWaitTime(time.Millisecond).SetRetryMaxWaitTime(time.Millisecond)
	client.AddRetryCondition(func(r *resty.Response, err error) bool { return err != nil || r.StatusCode() >= 500 })
	return plainCaller(func(ctx context.Context, method, path string, in, into any) error {
		request := client.R().SetContext(ctx).SetResult(into)
		if in != nil {
			request.SetBody(in)
		}
		resp, err := request.Execute(method, path)
		if err == nil && resp.IsError() {
			err = fmt.Errorf("status %d", resp.StatusCode())
		}
		return err
	}, closeIdle), nil
}
