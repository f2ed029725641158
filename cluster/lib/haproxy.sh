# The load balancer in front of the nodes; sourced by `up`.

# A request is sent to another node when its node dies under it: a GET, and a POST that carries an Idempotency-Key, up to the
# body that the buffer holds (96 KiB). A node answers within the hold of 5 s unless the request asks it to wait; one that is silent
# for longer is halted, and the request goes to another. Nodes 1 to 9 have their place from the beginning, so that one can join
# without a word to the balancer: who does not run fails its checks. When no node is ready all live ones serve, so that reads and
# clear refusals remain.
write_haproxy_configuration() {
  local listen=${AMAS_URL#http://} number servers="" connections
  # A connection takes two descriptors; HAProxy refuses to start with more than it may open.
  connections=$(ulimit -Hn)
  [ "$connections" != unlimited ] && [ "$connections" -lt 40200 ] || connections=40200
  connections=$(((connections - 200) / 2))
  for number in $(seq 9); do
    servers="$servers
  server node$number 127.0.0.1:$((${AMAS_URL##*:} + number)) check"
  done
  cat >"$data/haproxy.cfg" <<CONFIG
global
  maxconn $connections
  tune.bufsize 98304

defaults
  mode http
  timeout connect 1s
  timeout client 70s
  timeout server 70s
  timeout http-request 10s
  timeout queue 10s
  timeout tunnel 1h
  retries 5
  option redispatch 1
  option http-buffer-request
  default-server inter 250ms fastinter 100ms downinter 250ms fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down

frontend clients
  bind $listen
  use_backend ready_nodes if { nbsrv(ready_nodes) gt 0 }
  default_backend live_nodes

backend ready_nodes
  balance leastconn
  option httpchk
  http-check send meth GET uri /readyz
  http-check expect status 200
  retry-on conn-failure empty-response response-timeout
  http-request set-timeout server 6s if !{ req.hdr(Prefer) -m found } !{ path_end /execute } !{ req.hdr(Upgrade) -m found }
  http-request disable-l7-retry unless { method GET HEAD OPTIONS } or { req.hdr(Idempotency-Key) -m found }$servers

backend live_nodes
  balance leastconn
  option httpchk
  http-check send meth GET uri /livez
  http-check expect status 200
  retry-on conn-failure empty-response response-timeout
  http-request set-timeout server 6s if !{ req.hdr(Prefer) -m found } !{ path_end /execute } !{ req.hdr(Upgrade) -m found }
  http-request disable-l7-retry unless { method GET HEAD OPTIONS } or { req.hdr(Idempotency-Key) -m found }$servers
CONFIG
}

start_haproxy() {
  alive "$data/haproxy.pid" && return 0
  write_haproxy_configuration
  haproxy -c -q -f "$data/haproxy.cfg" || fail "HAProxy refuses $data/haproxy.cfg"
  setsid haproxy -db -f "$data/haproxy.cfg" >>"$data/haproxy.log" 2>&1 </dev/null 9>&- &
  printf '%s' "$!" >"$data/haproxy.pid"
  await_start "$data/haproxy.pid"
}
