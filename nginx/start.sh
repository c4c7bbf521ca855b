#!/bin/sh
# Fills in the templates from the environment and becomes nginx, in the container and for `make run` alike.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=${NGINX_PREFIX:-/tmp/nginx}
. "$here/values.sh"
. "$here/upstreams.sh"
mkdir -p "$prefix/conf.d" "$prefix/tls" "$prefix/tmp"
rm -rf "$prefix/static" "$prefix/access" "$prefix/tls.conf"
cp -R "${STATIC:-$here/../my_inference_app/static}" "$prefix/static"
# api/static_files.py computes the same. If the two differ, the app serves the files.
STATIC_VERSION=$(LC_ALL=C; cat "$prefix/static"/* | { sha256sum 2> /dev/null || shasum -a 256; } | cut -c -12)
sed -e "s|\${GRACE_TIMEOUT}|$GRACE_TIMEOUT|g" "$here/nginx.conf" > "$prefix/nginx.conf"
sed $off -e "s|\${LISTEN}|$LISTEN|g" -e "s|\${PORT}|$PORT|g" \
    -e "s|\${MAX_UPLOAD_MB}|$MAX_UPLOAD_MB|g" -e "s|\${PROXY_TIMEOUT}|$PROXY_TIMEOUT|g" \
    -e "s|\${CLIENT_RATE}|$CLIENT_RATE|g" -e "s|\${CLIENT_BURST}|$((CLIENT_RATE * 2))|g" \
    -e "s|\${CLIENT_CONNECTIONS}|$CLIENT_CONNECTIONS|g" -e "s|\${REAL_IP}|$REAL_IP|g" -e "s|\${CORS}|$CORS|g" \
    -e "s|\${LOG_FORMAT}|$LOG_FORMAT|g" -e "s|\${HSTS}|$HSTS|g" -e "s|\${STATIC_VERSION}|${STATIC_VERSION:-unknown}|g" -e "s|\${AIP_HEALTH_ROUTE}|$AIP_HEALTH_ROUTE|g" \
    "$here/project.conf" > "$prefix/conf.d/project.conf"
if [ -n "$TLS_CERT" ]; then
    ln -sfn "$TLS_CERT" "$prefix/tls/cert.pem"
    ln -sfn "$TLS_KEY" "$prefix/tls/key.pem"
    sed -e "s|\${LISTEN}|$LISTEN|g" -e "s|\${TLS_PORT}|$TLS_PORT|g" -e "s|\${PUBLIC_PORT}|$PUBLIC_PORT|g" \
        "$here/tls.conf" > "$prefix/tls.conf"
fi
follow_upstream "$prefix/conf.d/upstreams.conf"
# nginx opens its log by name, which it may not do with a stdout that is a socket or belongs to another user.
mkfifo -m 600 "$prefix/access"
(cat "$prefix/access" < /dev/null &)
exec 9> "$prefix/access" # the reader ends when the last writer does, also if nginx never opens its log
exec "${NGINX_BINARY:-nginx}" -e stderr -p "$prefix" -c "$prefix/nginx.conf" -g 'daemon off;'
