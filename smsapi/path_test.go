package smsapi

import (
	"net/url"
	"strings"
	"testing"
)

func TestPathNames(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/bin/api_web", "/api_web", "/a/b/c/api_web", "api_web",
		"/bin/./api_web", "/x/../bin/api_web", "//bin//api_web", "/bin/api_web/", "/bin/api_web//",
		"/x/%2e%2e/bin/api_web", "/x/..%2fbin/api_web", "/bin%2Fapi_web", "/bin%252Fapi_web", "/bin%25252Fapi_web", "/x%5Capi_web", `/bin\api_web`,
		"/bin/api_web/.", "/bin/api_web/x/..", "/bin/api_web.", "/bin/api_web%20", "/bin/api_web%2e", "/bin/api_web...", "/bin/api_web.%20.",
		"/bin/api_web%00", "/bin/api_web%00.html", "/bin/api_web%0a", "/bin/api_web%09", "/bin/%20api_web",
		"/bin;x=1/api_web", "/bin/api_web;x=1", "/bin/api_web;", "/bin/..;/bin/api_web", "/bin/;/api_web", "/bin/api_web%3Bx",
		"/bin/api_web/extra", "/bin/api_web/extra/more", "/bin/api_web%2Fextra",
		"/BIN/API_WEB", "/Bin/Api_Web", "/bin/api%5Fweb", "/bin/%61pi_web", "/bin/%2561pi_web", "/bin/%u0061pi_web",
		"/bin/ap%C4%B1_web", "/bin/APİ_web", "/bin/%EF%BD%81pi_web", "/bin/ａｐｉ＿ｗｅｂ", "/bin／api_web", "/bin/%C1%A1pi_web", "/bin/api_w\u200beb",
		"/bin/api_web%3F", "/bin/api_web%3Fx=1", "/bin/api_web%23", "/bin/api_web::$DATA", "/bin/api_web%26x",
		"/bin/api_web.json", "/bin/api_web.do", "/bin/api_web%", "/bin/api_web%zz",
		"/bin/api_web2", "/bin/api_website", "/bin/api_web-old", "/bin/api_web_v2", "/bin/api%5Fwebs", "/bin/api_web.backup_of_last_year", "/bin/api_web.x-y",
		"/index.phpapi_web", "/%69ndex.ph%70api_web", "/app_dev.PHPapi_web", "/x.php5API_web/y", "/a.b.phpapi_web", "/index.php.phpapi_web",
		"/cgi-bin/app.pl/cgi-bin/app.plapi_web", "/x.cgiapi_web", "/x.aspxapi_web",
		"/(S(X))/ap/(S(X))i_web.aspx", "/ap/(S(X))i_web.aspx/(S(X))/", "/bin/ap/(S(X))i_web", "/b%2F(F(x))/ap/%28A(y))i_web",
		"/(x/ap/(S(X))i_web", "/(S(q/ap/(S(X))i_web", "/x/ap/(S/(S(X))(Y))i_web", "/(S(1))/(S(2))/ap/(S(3))i/(S(4))_w/(S(5))eb",
		"/bin/my_api_web", "/xapi_web", "/binapi_web", "/BINAPI_WEB", "/bin/S.api_web", "/index.phpxapi_web", "/x?api_web", "/x;api_web", "/bin/x%61pi_web",
		"/bin/api%20_web", "/bin/api_%20web", "/bin/ap%41i_web", "/bin/ap%3Fi_web", "/bin/api%5C_web", "/bin/ap/index.phpi_web",
		"/bin/apindex.phpi_web", "/bin/api_index.phpweb", "/bin/apindex.php/i_web", "/bin/ap.htmli_web", "/bin/api_/index.phpweb",
		"/bin/ap.phpi_web", "/bin/api%3Cb%3E_web", "/bin/ap<i>i_web", "/bin/api&%2395;web", "/bin/api&lowbar;web", "/bin/ap%2541i_web",
		"/bin/api%C3%A9_web", "/bin/a!p@i_%2Bweb", "/bin/a-p.i_web", "/bin/api%2520_web", "/@@api_web", "/bin/%40%40api_web", "/bin/@@api_web/x",
		"/bin/++view++api_web", "/bin/++view++@@api_web",
		"/bin/a%E2%82%A7i_web", "/bin/api%CB%8Dweb", "/bin/api%E2%96%84web", "/bin/api_w%E2%84%87b", "/bin%E2%88%96api_web",
	} {
		for _, u := range readings(path) {
			if !PathNames(u, "api_web") {
				t.Errorf("%q is not guarded (Path %q, RawPath %q)", path, u.Path, u.RawPath)
			}
		}
	}
	for _, path := range []string{
		"/", "", "*", "/static/x.css", "/bin", "/bin/api", "/bin/web", "/bin/my_api", "/api-web", "/api/web",
		"/apiweb", "/static/a%20b;v=1/c%2Fd", "/bin/api%5Fwe", "/_", "/______", "/a_w_pi_web", "/p%C3%A4th/%E2%82%AC",
		"/rest_api_webhook", "/wiki/API_(Web_Services)", "/wiki/REST_API_(web)", "/dav/API-_Web-Design.docx", "/map-i_web/", "/my_api_web_docs",
		"/x%61pi_webs", "/%", "/%%%", "/%u", "/api_we", "/pi_web", "/ap/i_web", "/файл",
		"/(S(X))/other", "/ap/(S(X)i_web", "/ap/(SX))i_web", "/a(b)c", "/index.php", "/index.phpapi_we",
	} {
		for _, u := range readings(path) {
			if PathNames(u, "api_web") {
				t.Errorf("%q is guarded (Path %q, RawPath %q)", path, u.Path, u.RawPath)
			}
		}
	}
}

// PHP programs take the query out of the target wherever it stands.
func TestPathThatHoldsTheQuery(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]bool{"/bin/apzi_web?z": true, "/bin/apx=1i_web?x=1": true, "/bin/apzi_web?y": false, "/search/z?z": false} {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		if got := PathNames(u, "api_web"); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
}

// A path of nothing but tokens costs its length: it was copied once for each. Nobody
// could wait for as many copies of eight megabytes.
func TestPathOfTokens(t *testing.T) {
	t.Parallel()
	if PathNames(&url.URL{Path: "/é" + strings.Repeat("/(a(b))", 1<<20)}, "api_web") {
		t.Error("is guarded")
	}
}

// So does what vanishes, which was gone over from each underscore anew. What would take
// too long is guarded.
func TestPathOfWhatVanishes(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"<_>", "%3C_%3E"} {
		text := strings.Repeat(unit, 1<<20/len(unit))
		for _, u := range []*url.URL{{Path: "/" + text}, {Path: "/", RawQuery: "a=" + text}} {
			if !PathNames(u, "api_web") {
				t.Errorf("%s is not guarded", unit)
			}
		}
	}
}

// readings are the URLs that a path may arrive as: parsed by net/url where it
// parses, and as it is.
func readings(path string) []*url.URL {
	all := []*url.URL{{Path: path}, {Path: "/other", RawPath: path}, {Opaque: path}}
	if u, err := url.ParseRequestURI(path); err == nil && u.Path != "" && u.RawQuery == "" {
		all = append(all, u)
	}
	return all
}

// A router may look for the path behind the first slash of the query.
func TestQueryNamesPath(t *testing.T) {
	t.Parallel()
	for want, queries := range map[bool][]string{
		true: {
			"x/bin/api_web?&r=1", "a=/bin/API_WEB", "/bin/api_web", "x/bin/%61pi_web", "a=b&c=/bin/%2561pi_web", "api_web", "a=api_web",
			"s=bin%2Fapi_web", "s=bin%2Fapi%5Fweb", "s=%61pi_%77eb", "s=ap%69%5fWEB", "x/bin/apı_web", "s=bin/api_web.html",
			"a=b&/bin/api_web.html", "/bin/api_web.html?r=1", "q=%22api_web%22", "page=api_web~", "page={api_web}", "page=api_web+",
			"page=api_web.php", "page=api%20_web", "page=api_+web", "task=api!_web", "page=ap../i_web", "page=api../_web", "api_web=1",
			"a=b&api%20web=1", "x_w=%41&%61pi.w%65b=1", "api.web", "+api[web=1", "api_web[]=1", "page=api%u005Fweb", "s=bin|api_web|x|1",
			"api.web%00=1", "api_web[xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]=1",
			"++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++api.web=1", "page=api%EF%BC%BFweb", "page=ap;i_web",
			"x=1;page=api_!web", "route=b.i.n/a.pi_web", "route=bin/ap%2541i_web", "bin/api_web:method=",
		},
		false: {
			"q=my_api_web", "back=/docs/api_web.html", "query=%7Bapp%3D%22api_web%22%7D", "q=service%3A%22api_web%22", "q=%22api_web%22+c/c%2B%2B",
			"room=api_web,x", "q=api_web+docs", "query=rate(x{job=%22api_web%22}[5m])", "page=my_api_%20web", "a=api.web", "apiweb=1",
			"query=%7Bcontainer%3D~%22web%7Capi_web%22%7D", "query=up%7Bjob%3D~%22web%7Capi_web%7Cx%22%7D/2", "columns=a/b|api_web|r",
			"ref=/docs/api_webhooks", "", "_", "a=/bin/api", "a=/b%20c", "next=/home/index.html&q=a/b/c", "sender_code=1&message_text=api%20_webs",
		},
	} {
		for _, query := range queries {
			if got := PathNames(&url.URL{Path: "/x", RawQuery: query}, "api_web"); got != want {
				t.Errorf("%q: %v, want %v", query, got, want)
			}
		}
	}
}

// FuzzPath holds that no spelling which a simple reader resolves to the endpoint
// goes unguarded.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"/bin/api_web", "/BIN/%61pi_web/x", "/x/../api_web;a=1", "/%252e/api_web%00", `\api_web.`, "/ａpi_web"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		guarded := PathNames(&url.URL{Path: path}, "api_web")
		if guarded {
			return
		}
		decoded, err := url.PathUnescape(path)
		if err != nil {
			decoded = path
		}
		for _, s := range []string{path, decoded} {
			s, _, _ = strings.Cut(strings.ToLower(strings.ReplaceAll(s, `\`, "/")), "\x00")
			for seg := range strings.SplitSeq(s, "/") {
				seg, _, _ = strings.Cut(seg, ";")
				if strings.TrimRight(seg, " .") == "api_web" {
					t.Fatalf("%q is not guarded", path)
				}
			}
		}
		if PathNames(&url.URL{Path: "/x/" + path + "/"}, "api_web") && !strings.HasPrefix(path, "%") {
			t.Fatalf("%q is guarded only below another path", path)
		}
	})
}
