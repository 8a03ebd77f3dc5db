# Reads a JSON list of {"method", "query", "body", "cookie"} from standard input and
# writes what Rack makes of them: {"rack/version": [[{name: value}, ...], ...]}.
# What Rack answers with an error has no views.
require "json"
require "stringio"
begin
  require "rack"
rescue LoadError
  warn "rack is not here"
  exit 3
end

def text(value)
  case value
  when Array then value.map { |v| text(v) }.join(",")
  when Hash then value.values.map { |v| text(v) }.join(",")
  else value.to_s.dup.force_encoding("UTF-8").scrub
  end
end

def view(params)
  params.to_h { |name, value| [text(name), text(value)] }
end

def views(a)
  request = Rack::Request.new(
    "REQUEST_METHOD" => a["method"], "QUERY_STRING" => a["query"].encode("ISO-8859-1"),
    "CONTENT_TYPE" => "application/x-www-form-urlencoded", "CONTENT_LENGTH" => a["body"].length.to_s,
    "rack.input" => StringIO.new(a["body"].encode("ISO-8859-1").b)
  )
  [request.params, request.POST.merge(request.GET), request.GET, request.POST].map { |params| view(params) }
rescue StandardError # what Rack raises for arguments that it cannot take differs by version
  []
end

puts JSON.generate("rack/#{Rack.release}" => JSON.parse($stdin.read).map { |a| views(a) })
