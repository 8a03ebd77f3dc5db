package whatcounts

import (
	"net/http"
	"net/url"

	"github.com/stopgate/stopgate/phone"
	"github.com/stopgate/stopgate/smsapi"
)

// endpoint is the last segment of the API's path: /bin/api_web, or /api_web. A request is
// guarded wherever its path or its query holds that name, see [API.Guards].
const endpoint = "api_web"

// API reads and answers the requests of api_web.
type API struct {
	region *phone.Region
}

var _ smsapi.API = (*API)(nil)

// New returns the API for phones that, where they are written without a country
// code, are of region.
func New(region *phone.Region) *API { return &API{region: region} }

// Guards reports whether a backend could take u for api_web.
func (a *API) Guards(u *url.URL) bool { return smsapi.PathNames(u, endpoint) }

// Accepted reports whether the backend's answer begins with the word SUCCESS.
// Failures are 200 as well, so the status alone says nothing.
func (a *API) Accepted(status int, head []byte) bool {
	if status != http.StatusOK {
		return false
	}
	_, ok := afterWord(head, "SUCCESS")
	return ok
}
