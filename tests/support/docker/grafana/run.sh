#!/bin/sh
# The start of the stand-in for Grafana, which cannot be had here. It wants what Grafana wants of its container (a
# password in a file, a folder it can write, provisioning it can read) and answers on its port with `answer`.
set -eu

for name in $(env | sed -n 's/^\(GF_[A-Z_]*\)__FILE=.*/\1/p'); do
  eval "file=\$${name}__FILE"
  value=$(cat "$file")
  export "$name=$value"
done

# Grafana reads the password at its very first start, and never again.
[ -e /var/lib/grafana/login ] ||
  printf '%s:%s' "$GF_SECURITY_ADMIN_USER" "$GF_SECURITY_ADMIN_PASSWORD" >/var/lib/grafana/login
: >/tmp/scratch
cat /etc/grafana/provisioning/*/*.yml "$GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH" >/dev/null

nc -ll -p 3000 -e /bin/answer &
trap 'kill $!; exit 0' TERM
wait
