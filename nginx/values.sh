# The values start.sh fills in, and what each may be. None may end a line of nginx's file and begin another.
: "${LISTEN:=*}" "${PORT:=80}" "${UPSTREAM:=my_inference_app:8000}" "${MANAGEMENT_PORT:=8001}" "${QUEUE_SIZE:=1024}" \
    "${MAX_UPLOAD_MB:=10}" "${REQUEST_TIMEOUT:=30}" "${GRACE_TIMEOUT:=30}" "${CLIENT_RATE:=0}" \
    "${CLIENT_CONNECTIONS:=0}" "${TRUSTED_PROXIES:=}" "${CORS_ORIGINS:=}" \
    "${TLS_CERT:=}" "${TLS_KEY:=}" "${TLS_PORT:=443}" "${TLS_PUBLIC_PORT:=0}" "${TLS_HSTS:=0}" \
    "${AIP_HEALTH_ROUTE:=/vertex/health}" "${LOG_FORMAT:=auto}"
: "${MANAGEMENT:=${UPSTREAM%:*}:$MANAGEMENT_PORT}"

seconds=${REQUEST_TIMEOUT%.*}
refuse() { echo "error: $1 $2" >&2; exit 1; }
for given in "PORT=$PORT" "MANAGEMENT_PORT=$MANAGEMENT_PORT" "QUEUE_SIZE=$QUEUE_SIZE" "MAX_UPLOAD_MB=$MAX_UPLOAD_MB" \
    "REQUEST_TIMEOUT=${seconds#-}" "GRACE_TIMEOUT=$GRACE_TIMEOUT" "CLIENT_RATE=$CLIENT_RATE" \
    "CLIENT_CONNECTIONS=$CLIENT_CONNECTIONS" "TLS_PORT=$TLS_PORT" "TLS_PUBLIC_PORT=$TLS_PUBLIC_PORT"; do
    case ${given#*=} in '' | *[!0-9]* | ???????*) refuse "$given" 'is not a whole number below a million' ;; esac
done
case $TLS_HSTS in '' | *[!0-9]* | ?????????*) refuse "TLS_HSTS=$TLS_HSTS" 'is not a whole number of seconds' ;; esac
[ -n "$TLS_CERT" ] || [ -z "$TLS_KEY" ] || refuse TLS_KEY 'is set and TLS_CERT is not'
[ -n "$TLS_KEY" ] || [ -z "$TLS_CERT" ] || refuse TLS_CERT 'is set and TLS_KEY is not'
for given in "TLS_CERT=$TLS_CERT" "TLS_KEY=$TLS_KEY"; do
    case ${given#*=} in '' | /*) ;; *) refuse "$given" 'is not an absolute path' ;; esac
    [ -z "${given#*=}" ] || [ -r "${given#*=}" ] || refuse "$given" 'cannot be read'
done
for given in "LISTEN=$LISTEN" "UPSTREAM=$UPSTREAM" "MANAGEMENT=$MANAGEMENT" "TRUSTED_PROXIES=$TRUSTED_PROXIES"; do
    case ${given#*=} in *[!]0-9A-Za-z.:*_/,[-]*) refuse "$given" 'is not an address, or several with commas between' ;; esac
done
case $AIP_HEALTH_ROUTE in *[!0-9A-Za-z/_.:-]*) refuse "AIP_HEALTH_ROUTE=$AIP_HEALTH_ROUTE" 'is not a path' ;; esac
case $LOG_FORMAT in
    json | plain) ;;
    auto) if [ -t 1 ]; then LOG_FORMAT=plain; else LOG_FORMAT=json; fi ;;
    *) refuse "LOG_FORMAT=$LOG_FORMAT" 'is not auto, json or plain' ;;
esac
case $LISTEN in *:*) case $LISTEN in \[*\]) ;; *) LISTEN=[$LISTEN] ;; esac ;; esac

origins=$(printf %s "$CORS_ORIGINS" | tr -d ' ' | tr '\n' ';')
one='[a-z][a-z0-9+.-]*://[][a-z0-9.:_-]+'
printf '%s\n' "$origins" | LC_ALL=C grep -Eqx "(\*|$one(,$one)*)?" ||
    refuse "CORS_ORIGINS=$origins" 'cannot be used: give origins like https://example.com, or *'
origins=$(printf '%s\n' "$origins" | tr , '\n' | LC_ALL=C sort -u | paste -sd , -) # a map takes each once

PROXY_TIMEOUT=$((seconds + 5)) # the app is the first to give a request up, with its own message
REAL_IP=$(printf '%s\n' "$TRUSTED_PROXIES" | sed 's|[^,][^,]*,*|set_real_ip_from &; |g; s|,||g')
CORS=$(printf %s "$origins" | sed 's/[^,]\{1,\}/"&" "&";/g; s/,/ /g; s/"\*" /default /') # entries of a map
off=''
[ "$CLIENT_RATE" != 0 ] || off="$off -e /limit_req/d"
[ "$CLIENT_CONNECTIONS" != 0 ] || off="$off -e /limit_conn/d"
HSTS=''
[ "$TLS_HSTS" = 0 ] || HSTS="max-age=$TLS_HSTS"
[ "$TLS_PUBLIC_PORT" != 0 ] || TLS_PUBLIC_PORT=$TLS_PORT
PUBLIC_PORT=''
[ "$TLS_PUBLIC_PORT" = 443 ] || PUBLIC_PORT=:$TLS_PUBLIC_PORT
