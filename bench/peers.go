package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The peers do the same job with what operators would otherwise build it of. They
// compare the query as it is written, with one spelling of each argument, so they
// do less than the gateway does.

// startPeers starts the peers that are installed, each with and without the check,
// with n phones in their lists. missing says which are not.
func startPeers(o options, n int) (all []*server, missing []string, err error) {
	for _, p := range []struct {
		name  string
		needs []string
		start func(options, int) ([]*server, error)
	}{
		{"HAProxy with a map", []string{"haproxy"}, startHAProxy},
		{"nginx with Lua and Redis", []string{"nginx", "redis-server", "redis-cli"}, startNginx},
	} {
		absent := false
		for _, program := range p.needs {
			if _, err := exec.LookPath(program); err != nil {
				absent = true
			}
		}
		if absent {
			missing = append(missing, p.name)
			continue
		}
		started, err := p.start(o, n)
		all = append(all, started...)
		if err != nil {
			why, _, _ := strings.Cut(err.Error(), "\n")
			missing = append(missing, p.name+": "+why)
		}
	}
	return all, missing, nil
}

func startHAProxy(o options, n int) ([]*server, error) {
	list := filepath.Join(o.dir, "haproxy.map")
	if err := writeLines(list, n, func(i int) string { return phoneN(listed, i) + "|" + sender + " 1\n" }); err != nil {
		return nil, err
	}
	check := fmt.Sprintf(`
  http-request set-var(txn.phone) url_param(phone)
  http-request set-var(txn.sender) url_param(sender_code)
  http-request return status 200 content-type text/plain string "FAILURE: opted out" if { var(txn.phone),concat(|,txn.sender),map(%s) -m found }`, list)
	var all []*server
	for _, c := range []struct{ name, check string }{{"haproxy", check}, {"haproxy bare", ""}} {
		addr, err := freeAddr()
		if err != nil {
			return all, err
		}
		file := filepath.Join(o.dir, c.name+".cfg")
		text := fmt.Sprintf(`global
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  http-reuse always
frontend in
  bind %s%s
  default_backend sms
backend sms
  server one %s
`, addr, c.check, o.backend)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return all, err
		}
		s := &server{contender: contender{name: c.name, addr: addr}, cmd: exec.Command("haproxy", "-db", "-f", file), log: file + ".log"}
		if err := s.start(); err != nil {
			return all, err
		}
		all = append(all, s)
	}
	return all, nil
}

func startNginx(o options, n int) ([]*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	redis := &server{contender: contender{name: "redis", addr: addr}, log: filepath.Join(o.dir, "redis.log"),
		cmd: exec.Command("redis-server", "--port", port(addr), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", o.dir)}
	if err := redis.start(); err != nil {
		return nil, err
	}
	all := []*server{redis}
	list := filepath.Join(o.dir, "redis.commands")
	err = writeLines(list, n, func(i int) string { return "SET " + phoneN(listed, i) + "|" + sender + " 1\r\n" })
	if err != nil {
		return all, err
	}
	commands, err := os.Open(list)
	if err != nil {
		return all, err
	}
	defer commands.Close()
	load := exec.Command("redis-cli", "-p", port(addr), "--pipe")
	load.Stdin = commands
	if out, err := load.CombinedOutput(); err != nil {
		return all, fmt.Errorf("redis-cli: %w: %s", err, out)
	}
	check := fmt.Sprintf(`access_by_lua_block {
        local redis = require "nginx.redis"
        local r = redis:new()
        local ok, err = r:connect("127.0.0.1", %s)
        if not ok then return ngx.exit(503) end
        local hit = r:get((ngx.var.arg_phone or "") .. "|" .. (ngx.var.arg_sender_code or ""))
        r:set_keepalive(10000, 100)
        if hit and hit ~= ngx.null then
          ngx.say("FAILURE: opted out")
          return ngx.exit(200)
        end
      }`, port(addr))
	for _, c := range []struct{ name, check string }{{"nginx", check}, {"nginx bare", ""}} {
		s, err := startOneNginx(o, c.name, c.check)
		if err != nil {
			return all, err
		}
		all = append(all, s)
	}
	return all, nil
}

func startOneNginx(o options, name, check string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.dir, "nginx")
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf(`daemon off;
worker_processes auto;
pid %[1]s/pid;
error_log %[1]s/error.log;
include /etc/nginx/modules-enabled/*.conf;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  upstream sms { server %[2]s; keepalive 100; }
  server {
    listen %[3]s;
    keepalive_requests 1000000;
    location / {
      %[4]s
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass http://sms;
    }
  }
}
`, dir, o.backend, addr, check)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	s := &server{contender: contender{name: name, addr: addr}, log: filepath.Join(dir, "log"),
		cmd: exec.Command("nginx", "-c", file, "-e", filepath.Join(dir, "error.log"))}
	return s, s.start()
}

// writeLines writes a file of n lines.
func writeLines(name string, n int, line func(i int) string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for i := range n {
		if _, err := w.WriteString(line(i)); err != nil {
			break // Flush returns it
		}
	}
	if err := w.Flush(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
