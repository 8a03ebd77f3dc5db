// Reads a JSON list of {"query", "body"} from standard input and writes, for each
// parser that is installed, what it makes of them: {"parser": [[{name: value}, ...], ...]}.
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
const out = {};

// text is what an application gets that expects a string.
function text(value) {
  if (Array.isArray(value)) return value.map(text).join(",");
  if (value && typeof value === "object") return Object.values(value).map(text).join(",");
  return String(value);
}

function view(parsed) {
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, text(value)]));
}

function views(parse) {
  return asked.map((a) => {
    const query = view(parse(a.query.split("#")[0])), body = view(parse(a.body));
    return [{ ...query, ...body }, { ...body, ...query }];
  });
}

out["querystring"] = views(require("querystring").parse);
out["URLSearchParams"] = views((s) => Object.fromEntries(new URLSearchParams(s)));
try {
  const qs = require("qs");
  out["qs"] = views(qs.parse);
  out["qs, dots"] = views((s) => qs.parse(s, { allowDots: true }));
} catch (e) {
  if (e.code !== "MODULE_NOT_FOUND") throw e;
}
process.stdout.write(JSON.stringify(out));
