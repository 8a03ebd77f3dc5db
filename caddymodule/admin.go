package caddymodule

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/stopgate/stopgate/caddymodule/operate"
)

func init() {
	caddy.RegisterModule(adminAPI{})
}

// adminBase is where the routes are on Caddy's admin endpoint.
const adminBase = "/sms_optout/"

// adminAPI is the door for programs: what can be done with the list, on Caddy's
// admin endpoint. docs/openapi.yaml describes it. Whoever reaches that endpoint is
// trusted: it shows phones in full. Caddy itself checks Host and Origin.
type adminAPI struct{}

// CaddyModule returns the Caddy module information.
func (adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.sms_optout",
		New: func() caddy.Module { return new(adminAPI) },
	}
}

// adminVerb answers one method of a route.
type adminVerb func(l *operate.List, w http.ResponseWriter, r *http.Request) error

// adminRoutes has every route but the health's, by path below adminBase and by
// method. What asks about a phone can be asked by POST as well, with the arguments
// as a JSON body: Caddy logs the URI of each request to its admin endpoint.
func adminRoutes() map[string]map[string]adminVerb {
	routes := map[string]map[string]adminVerb{
		"check":   {http.MethodGet: adminCheck, http.MethodPost: adminCheck},
		"history": {http.MethodGet: adminHistory, http.MethodPost: adminHistory},
		"optouts": {http.MethodGet: adminOptouts, http.MethodPost: adminAdd},
		"lifts":   {http.MethodPost: adminLift},
		"import":  {http.MethodPost: adminImport},
		"export":  {http.MethodGet: adminExport},
		"backup":  {http.MethodGet: adminBackup},
		"stats":   {http.MethodGet: adminStats},
		"verify":  {http.MethodGet: adminVerify},
	}
	addRelayRoutes(routes)
	return routes
}

// Routes implements caddy.AdminRouter.
func (adminAPI) Routes() []caddy.AdminRoute {
	routes := []caddy.AdminRoute{
		{Pattern: adminBase, Handler: caddy.AdminHandlerFunc(adminUnknown)},
		{Pattern: adminBase + "health", Handler: caddy.AdminHandlerFunc(adminHealth)},
	}
	for path, methods := range adminRoutes() {
		routes = append(routes, caddy.AdminRoute{Pattern: adminBase + path, Handler: adminHandler(methods)})
	}
	for i := range routes {
		routes[i].Handler = notKept(routes[i].Handler)
	}
	return routes
}

// notKept has the answers of a route, errors too, kept in no cache and taken by no
// browser for anything but what they say they are: they hold phones.
func notKept(route caddy.AdminHandler) caddy.AdminHandler {
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		return route.ServeHTTP(w, r)
	})
}

func adminUnknown(_ http.ResponseWriter, r *http.Request) error {
	return adminError(http.StatusNotFound, fmt.Errorf("there is no such resource below %s; docs/openapi.yaml lists them", adminBase))
}

// adminHandler answers a route. The list is looked for at each request: after a
// load that failed, Caddy answers with the routers of the failed configuration.
func adminHandler(methods map[string]adminVerb) caddy.AdminHandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		verb := methods[r.Method]
		if verb == nil {
			return notThisMethod(w, methods)
		}
		app, shared, err := activeList()
		if err != nil {
			return err
		}
		if err := shared.enter(); err != nil {
			return adminErrorOf(err)
		}
		defer shared.leave()
		caller, err := callerOf(r)
		if err != nil {
			return adminErrorOf(err)
		}
		return adminErrorOf(verb(&operate.List{Store: shared, Region: app.region, By: caller}, w, r))
	}
}

// notThisMethod is the answer to a method that a route does not have.
func notThisMethod[V any](w http.ResponseWriter, methods map[string]V) error {
	var allowed []string
	for m := range methods {
		allowed = append(allowed, m)
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return adminError(http.StatusMethodNotAllowed, fmt.Errorf("the method is not allowed here; use %s", strings.Join(allowed, " or ")))
}

// activeList returns the list of the configuration in force.
func activeList() (*App, *sharedStore, error) {
	module, err := caddy.ActiveContext().AppIfConfigured(appName)
	if err != nil {
		return nil, nil, adminError(http.StatusNotFound, fmt.Errorf("the running configuration has no %s", appName))
	}
	app, ok := module.(*App)
	if !ok {
		return nil, nil, adminError(http.StatusInternalServerError, fmt.Errorf("the app %s is another module's", appName))
	}
	shared, err := app.store()
	if err != nil {
		return nil, nil, adminErrorOf(err)
	}
	return app, shared, nil
}

// Interface guards
var _ caddy.AdminRouter = (*adminAPI)(nil)
