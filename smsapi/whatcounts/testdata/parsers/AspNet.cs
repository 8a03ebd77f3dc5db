// Reads a JSON list of {"method", "query", "body", "cookie"} from standard input and
// writes what System.Web makes of them: {"asp.net/version": [[{name: value}, ...], ...]}.
// What it answers with an error has no views. Bytes travel as Latin-1, and the query is handed to
// System.Web as Mono's FastCGI server does it: in Latin-1, whatever does not fit in it.
using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Web;
using System.Web.Hosting;
using System.Web.Script.Serialization;

class Worker : SimpleWorkerRequest {
  readonly string method, cookie;
  readonly byte[] body;

  public Worker(string method, string query, string cookie, byte[] body)
      : base("/", "/tmp", "bin/api_web", query, new StringWriter()) {
    this.method = method;
    this.cookie = cookie;
    this.body = body;
  }

  public override string GetHttpVerbName() { return method; }
  public override byte[] GetPreloadedEntityBody() { return body; }
  public override bool IsEntireEntityBodyIsPreloaded() { return true; }

  public override string GetKnownRequestHeader(int index) {
    switch (index) {
      case HeaderContentType: return "application/x-www-form-urlencoded";
      case HeaderContentLength: return body.Length.ToString();
      case HeaderCookie: return cookie == "" ? null : cookie;
    }
    return null;
  }
}

class AspNet {
  static readonly string[] names = {"c", "cmd", "r", "realm", "phone", "sender_code"};

  static IDictionary View(Func<string, string> value) {
    var view = new Dictionary<string, string>();
    foreach (string name in names) {
      string v = value(name);
      if (v != null) view[name] = v;
    }
    return view;
  }

  static ArrayList Views(IDictionary<string, object> asked) {
    var latin1 = Encoding.GetEncoding("ISO-8859-1");
    var bytes = latin1.GetBytes((string) asked["body"]);
    var query = Encoding.UTF8.GetString(latin1.GetBytes((string) asked["query"]));
    var worker = new Worker((string) asked["method"], latin1.GetString(latin1.GetBytes(query)), (string) asked["cookie"], bytes);
    var views = new ArrayList();
    try {
      var request = new HttpContext(worker).Request;
      views.Add(View(name => request[name]));
      views.Add(View(name => request.QueryString[name] ?? request.Form[name]));
      views.Add(View(name => request.Form[name] ?? request.QueryString[name]));
      views.Add(View(name => request.QueryString[name]));
      views.Add(View(name => request.Form[name]));
      var form = HttpUtility.ParseQueryString(Encoding.UTF8.GetString(bytes)); // as beside HttpListener
      views.Add(View(name => form[name]));
      views.Add(View(name => form[name] ?? request.QueryString[name]));
      views.Add(View(name => request.QueryString[name] ?? form[name]));
    } catch (HttpException) {
      views.Clear();
    }
    return views;
  }

  static void Main() {
    var json = new JavaScriptSerializer {MaxJsonLength = int.MaxValue};
    var answers = new ArrayList();
    foreach (IDictionary<string, object> asked in (IEnumerable) json.DeserializeObject(Console.In.ReadToEnd())) answers.Add(Views(asked));
    var output = new Dictionary<string, object> {{"asp.net/Mono's " + typeof(HttpRequest).Assembly.GetName().Version, answers}};
    byte[] text = Encoding.UTF8.GetBytes(json.Serialize(output));
    Console.OpenStandardOutput().Write(text, 0, text.Length);
  }
}
