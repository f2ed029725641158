# What makes a node's folder; sourced by `prepare` and `start`.

# Certificate, configuration and data folder of the node with this number. Further lines go into its cluster section, flags to init.
make_node() {
  local number=$1 cluster_id=$2 port=$3 postgres=$4 lines=$5 flags=${6-} folder="$data/nodes/node$1"
  mkdir -p "$folder"
  "$data/amas" certs node --force --directory "$data/certs" --id "$number" --name localhost --name 127.0.0.1 >/dev/null
  printf 'name=node%s\nhttp=%s\n' "$number" "http://127.0.0.1:$((port + number))" >"$folder/node.env"
  cat >"$folder/amas.yaml" <<YAML
cluster:
  id: $cluster_id
  node: $number
  data_folder: "$folder/data"
  listen: "127.0.0.1:$((port + 20 + number))"
  certificate: "$data/certs/node-$number.crt"
  private_key: "$data/certs/node-$number.key"
  authorities: "$data/certs/ca.crt"
$lines
http:
  listen: "127.0.0.1:$((port + number))"
  api_key_file: "$data/api-key"
  # Twice what HAProxy needs to see that a node is not ready: two checks, 250 ms apart.
  balancer_milliseconds: 1000
postgres:
  url: "$postgres"
workspace:
  roots: ["$project"]
YAML
  # shellcheck disable=SC2086
  "$data/amas" init --config "$folder/amas.yaml" $flags >/dev/null
}
