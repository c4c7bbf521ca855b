#!/bin/sh
# Fills in the templates from the environment and becomes nginx, in the container and for `make run` alike.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=${NGINX_PREFIX:-/tmp/nginx}
: "${LISTEN:=*}" "${PORT:=80}" "${UPSTREAM:=my_inference_app:8000}" "${MAX_UPLOAD_MB:=10}" "${REQUEST_TIMEOUT:=30}"
PROXY_TIMEOUT=$((${REQUEST_TIMEOUT%.*} + 5)) # the app is the first to give a request up, with its own words
# Nothing in an origin means anything to nginx or sed; each becomes an entry of a map.
origins=$(printf %s "${CORS_ORIGINS:-}" | tr -d ' ' | tr '\n' ';')
one='[a-z][a-z0-9+.-]*://[][a-z0-9.:_-]+'
printf '%s\n' "$origins" | LC_ALL=C grep -Eqx "(\*|$one(,$one)*)?" ||
    { printf 'error: CORS_ORIGINS=%s cannot be used: give origins like https://example.com, or *\n' "$origins" >&2; exit 1; }
CORS=$(printf %s "$origins" | sed 's/[^,]\{1,\}/"&" "&";/g; s/,/ /g; s/"\*" /default /')
mkdir -p "$prefix/conf.d" "$prefix/tmp"
cp "$here/nginx.conf" "$prefix/nginx.conf"
rm -rf "$prefix/static"
cp -R "${STATIC:-$here/../my_inference_app/static}" "$prefix/static"
sed -e "s|\${LISTEN}|$LISTEN|g" -e "s|\${PORT}|$PORT|g" -e "s|\${UPSTREAM}|$UPSTREAM|g" \
    -e "s|\${MAX_UPLOAD_MB}|$MAX_UPLOAD_MB|g" -e "s|\${PROXY_TIMEOUT}|$PROXY_TIMEOUT|g" -e "s|\${CORS}|$CORS|g" \
    "$here/project.conf" > "$prefix/conf.d/project.conf"
exec "${NGINX_BINARY:-nginx}" -e stderr -p "$prefix" -c "$prefix/nginx.conf" -g 'daemon off;'
