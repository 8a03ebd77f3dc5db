# Reads a JSON list of {"method", "query", "body", "cookie"} from standard input and
# writes, for each parser that is installed, what it makes of them:
# {"parser/version": [[{name: value}, ...], ...]}. What a parser answers with an
# error has no views. Bytes travel as Latin-1.
import asyncio
import io
import json
import platform
import sys
from urllib.parse import parse_qsl

FORM = "application/x-www-form-urlencoded"

asked = json.load(sys.stdin)
out = {}


def first(pairs):
    view = {}
    for name, value in pairs:
        view.setdefault(name, value)
    return view


def parse(text, separator):
    text = text.encode("latin-1").decode("utf-8", "surrogateescape")
    return parse_qsl(text, keep_blank_values=True, errors="replace", separator=separator)


def both(text):  # Before 3.9.2 both separated.
    return parse(text.replace(";", "&"), "&")


def plain(query, body):
    return [first(query + body), dict(query + body), first(body + query), dict(body + query), first(query), first(body)]


out["urllib &/" + platform.python_version()] = [plain(parse(a["query"], "&"), parse(a["body"], "&")) for a in asked]
out["urllib &;/" + platform.python_version()] = [plain(both(a["query"]), both(a["body"])) for a in asked]


def environ_of(a):
    body = a["body"].encode("latin-1")
    return {
        "REQUEST_METHOD": a["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": "/bin/api_web",
        "QUERY_STRING": a["query"],
        "SERVER_NAME": "gw.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": FORM,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
    }


try:
    import werkzeug
    from werkzeug.wrappers import Request

    def flask(a):
        request = Request(environ_of(a))
        form = request.form.to_dict()
        try:
            args = request.args.to_dict()
        except UnicodeDecodeError:  # Werkzeug 3 decodes a query strictly, and only once it is asked for
            return [form]
        return [request.values.to_dict(), {**args, **form}, {**form, **args}, args, form]

    try:
        version = werkzeug.__version__
    except AttributeError:  # since 3.1
        from importlib.metadata import version as version_of

        version = version_of("werkzeug")
    out["werkzeug/" + version] = [flask(a) for a in asked]
except ImportError:
    pass

try:
    import django
    from django.conf import settings

    settings.configure(DEFAULT_CHARSET="utf-8")
    from django.core.exceptions import SuspiciousOperation
    from django.core.handlers.wsgi import WSGIRequest

    def views_of_django(a):
        try:
            request = WSGIRequest(environ_of(a))
            query, body = request.GET.dict(), request.POST.dict()
        except SuspiciousOperation:
            return []
        return [{**query, **body}, {**body, **query}, query, body]

    out["django/" + django.get_version()] = [views_of_django(a) for a in asked]
except ImportError:
    pass

try:
    import starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import Request as StarletteRequest

    try:
        import multipart
    except ImportError:
        import python_multipart as multipart

    async def starlette_views(a):
        async def receive():
            return {"type": "http.request", "body": a["body"].encode("latin-1"), "more_body": False}

        scope = {
            "type": "http",
            "method": a["method"],
            "path": "/bin/api_web",
            "query_string": a["query"].encode("latin-1"),
            "headers": [(b"content-type", FORM.encode())],
        }
        request = StarletteRequest(scope, receive)
        try:
            query = dict(request.query_params)
            body = dict(await request.form())
        except (HTTPException, multipart.multipart.FormParserError, UnicodeDecodeError):
            return []
        return [{**query, **body}, {**body, **query}, query, body]

    async def all_of_starlette():
        return [await starlette_views(a) for a in asked]

    version = starlette.__version__ + " with python-multipart " + multipart.__version__
    out["starlette/" + version] = asyncio.run(all_of_starlette())
except ImportError:
    pass

json.dump(out, sys.stdout)
