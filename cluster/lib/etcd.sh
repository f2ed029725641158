# Three members of etcd on loopback, to measure beside ours; sourced by `bench`.

etcd_packages="etcd-server etcd-client nghttp2-client"

etcd_name() { printf 'etcd %s' "$(etcd --version | sed -n 's/^etcd Version: //p')"; }

# Links between members and from clients are under TLS by the authority that made node-1 to node-3 in CERTIFICATES, as ours are;
# beside them each member answers plain HTTP (its JSON gateway) on the next port. FOLDER/ID/start starts a member, a killed one as
# well.
start_etcd() {
  local folder=$1 port=$2 certificates=$3 heartbeat=$4 election=$5 flags=${6:-} id cluster=""
  for id in 1 2 3; do cluster="$cluster,member$id=https://127.0.0.1:$((port + 10 * id + 2))"; done
  for id in 1 2 3; do
    local first=$((port + 10 * id)) own="$folder/$id"
    mkdir -p "$own"
    cat >"$own/start" <<SCRIPT
#!/bin/sh
exec </dev/null >>'$own/log' 2>&1
setsid etcd --name member$id --data-dir '$own/data' --log-level warn --logger zap \\
  --heartbeat-interval $heartbeat --election-timeout $election $flags \\
  --listen-client-urls https://127.0.0.1:$first,http://127.0.0.1:$((first + 1)) \\
  --advertise-client-urls https://127.0.0.1:$first \\
  --cert-file '$certificates/node-$id.crt' --key-file '$certificates/node-$id.key' \\
  --listen-peer-urls https://127.0.0.1:$((first + 2)) --initial-advertise-peer-urls https://127.0.0.1:$((first + 2)) \\
  --peer-cert-file '$certificates/node-$id.crt' --peer-key-file '$certificates/node-$id.key' \\
  --peer-trusted-ca-file '$certificates/ca.crt' --peer-client-cert-auth \\
  --initial-cluster '${cluster#,}' --initial-cluster-token bench --initial-cluster-state new &
printf '%s' "\$!" >'$own/pid'
SCRIPT
    chmod +x "$own/start"
    "$own/start"
  done
}
