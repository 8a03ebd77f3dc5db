# Reads a JSON list of {"query", "body"} from standard input and writes, for each
# parser that is installed, what it makes of them: {"parser": [[{name: value}, ...], ...]}.
# Bytes travel as Latin-1, so that nothing is lost on the way.
import io
import json
import sys
from urllib.parse import parse_qsl

asked = json.load(sys.stdin)
out = {}


def first(pairs):
    view = {}
    for name, value in pairs:
        view.setdefault(name, value)
    return view


def parse(text, separator):
    return parse_qsl(text, keep_blank_values=True, encoding="latin-1", separator=separator)


out["urllib &"] = [
    [first(parse(a["query"], "&") + parse(a["body"], "&")), dict(parse(a["query"], "&") + parse(a["body"], "&"))]
    for a in asked
]
# Before 3.9.2 both separated.
both = lambda text: parse(text.replace(";", "&"), "&")
out["urllib &;"] = [
    [first(both(a["query"]) + both(a["body"])), dict(both(a["query"]) + both(a["body"]))] for a in asked
]

try:
    from werkzeug.test import EnvironBuilder
    from werkzeug.wrappers import Request

    def werkzeug(a):
        environ = EnvironBuilder(path="/bin/api_web", method="POST").get_environ()
        body = a["body"].encode("latin-1")
        environ.update(
            {
                "QUERY_STRING": a["query"],
                "CONTENT_TYPE": "application/x-www-form-urlencoded",
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": io.BytesIO(body),
            }
        )
        return [Request(environ).values.to_dict()]

    out["werkzeug"] = [werkzeug(a) for a in asked]
except ImportError:
    pass

try:
    import django
    from django.conf import settings

    settings.configure(DEFAULT_CHARSET="utf-8")
    from django.http import QueryDict

    def querydict(text):
        return QueryDict(text.encode("latin-1")).dict()

    out["django"] = [
        [{**querydict(a["query"]), **querydict(a["body"])}, {**querydict(a["body"]), **querydict(a["query"])}] for a in asked
    ]
except ImportError:
    pass

try:
    from python_multipart.multipart import QuerystringParser

    def multipart(text):
        pairs, name, value = [], bytearray(), bytearray()

        def end():
            from urllib.parse import unquote_plus

            pairs.append([unquote_plus(bytes(b).decode("latin-1"), "latin-1") for b in (name, value)])
            name.clear()
            value.clear()

        parser = QuerystringParser(
            {
                "on_field_name": lambda data, start, stop: name.extend(data[start:stop]),
                "on_field_data": lambda data, start, stop: value.extend(data[start:stop]),
                "on_field_end": end,
            }
        )
        parser.write(text.encode("latin-1"))
        parser.finalize()
        return dict(pairs)

    out["python-multipart"] = [[multipart(a["body"])] for a in asked]
except ImportError:
    pass

json.dump(out, sys.stdout)
