#!/bin/sh
# Fills in the templates from the environment and becomes nginx, in the container and for `make run` alike.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=${NGINX_PREFIX:-/tmp/nginx}
: "${LISTEN:=*}" "${PORT:=80}" "${UPSTREAM:=my_inference_app:8000}" "${MAX_UPLOAD_MB:=10}" "${REQUEST_TIMEOUT:=30}"
PROXY_TIMEOUT=$((${REQUEST_TIMEOUT%.*} + 5)) # the app is the first to give a request up, with its own words
mkdir -p "$prefix/conf.d" "$prefix/tmp"
cp "$here/nginx.conf" "$prefix/nginx.conf"
rm -rf "$prefix/static"
cp -R "${STATIC:-$here/../my_inference_app/static}" "$prefix/static"
sed -e "s|\${LISTEN}|$LISTEN|g" -e "s|\${PORT}|$PORT|g" -e "s|\${UPSTREAM}|$UPSTREAM|g" \
    -e "s|\${MAX_UPLOAD_MB}|$MAX_UPLOAD_MB|g" -e "s|\${PROXY_TIMEOUT}|$PROXY_TIMEOUT|g" \
    "$here/project.conf" > "$prefix/conf.d/project.conf"
exec "${NGINX_BINARY:-nginx}" -e stderr -p "$prefix" -c "$prefix/nginx.conf" -g 'daemon off;'
