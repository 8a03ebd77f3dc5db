// An HTTP server on a port of its own, which it prints. It answers each request
// with what Node's parsers make of its arguments, and what Express does if it can
// be found: {"parser/version": [{name: value}, ...]}. It ends with its input.
const http = require("http");
const querystring = require("querystring");

// text is what an application gets that expects a string.
function text(value) {
  if (Array.isArray(value)) return value.map(text).join(",");
  if (value && typeof value === "object") return Object.values(value).map(text).join(",");
  return String(value);
}

function view(parsed) {
  return Object.fromEntries(Object.entries(parsed || {}).map(([name, value]) => [name, text(value)]));
}

function views(query, body) {
  query = view(query);
  body = view(body);
  return [{ ...query, ...body }, { ...body, ...query }, query, body];
}

function optional(name) {
  try {
    return require(name);
  } catch (e) {
    if (e.code !== "MODULE_NOT_FOUND") throw e;
  }
}

function plain(req, body) {
  const query = (req.url + "?").split("#")[0].split("?").slice(1).join("?");
  const out = {};
  const add = (name, parse) => (out[name] = views(parse(query.replace(/\?$/, "")), parse(body)));
  add("querystring/" + process.versions.node, querystring.parse);
  add("URLSearchParams/" + process.versions.node, (s) => Object.fromEntries(new URLSearchParams(s)));
  const qs = optional("qs");
  if (qs) {
    const version = require("qs/package.json").version;
    add("qs with dots/" + version, (s) => qs.parse(s, { allowDots: true }));
    add("qs with semicolons/" + version, (s) => qs.parse(s, { ignoreQueryPrefix: true, delimiter: /[&;]/ }));
  }
  return out;
}

const express = optional("express");
let app = (req, res) => {
  const chunks = [];
  req.on("data", (chunk) => chunks.push(chunk));
  req.on("end", () => res.end(JSON.stringify(plain(req, Buffer.concat(chunks).toString()))));
};
if (express) {
  const version = "express/" + require("express/package.json").version;
  const keep = (req, res, bytes) => (req.raw = bytes.toString());
  app = express();
  app.set("query parser", "extended");
  app.use(express.urlencoded({ extended: true, verify: keep }));
  app.use((req, res) => {
    const out = plain(req, req.raw || "");
    out[version] = views(req.query, req.body);
    res.json(out);
  });
  app.use((err, req, res, next) => res.sendStatus(err.status || 500));
}
const server = http.createServer(app).listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
