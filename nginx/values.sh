# The values start.sh fills in, and what each may be. None may end a line of nginx's file and begin another.
: "${LISTEN:=*}" "${PORT:=80}" "${UPSTREAM:=my_inference_app:8000}" "${MANAGEMENT_PORT:=8001}" "${QUEUE_SIZE:=1024}" \
    "${MAX_UPLOAD_MB:=10}" "${REQUEST_TIMEOUT:=30}" "${GRACE_TIMEOUT:=30}" "${CLIENT_RATE:=0}" \
    "${CLIENT_CONNECTIONS:=0}" "${TRUSTED_PROXIES:=}" "${CORS_ORIGINS:=}"
: "${MANAGEMENT:=${UPSTREAM%:*}:$MANAGEMENT_PORT}"

seconds=${REQUEST_TIMEOUT%.*}
refuse() { echo "error: $1 $2" >&2; exit 1; }
for given in "PORT=$PORT" "MANAGEMENT_PORT=$MANAGEMENT_PORT" "QUEUE_SIZE=$QUEUE_SIZE" "MAX_UPLOAD_MB=$MAX_UPLOAD_MB" \
    "REQUEST_TIMEOUT=${seconds#-}" "GRACE_TIMEOUT=$GRACE_TIMEOUT" "CLIENT_RATE=$CLIENT_RATE" \
    "CLIENT_CONNECTIONS=$CLIENT_CONNECTIONS"; do
    case ${given#*=} in '' | *[!0-9]* | ???????*) refuse "$given" 'is not a whole number below a million' ;; esac
done
for given in "LISTEN=$LISTEN" "UPSTREAM=$UPSTREAM" "MANAGEMENT=$MANAGEMENT" "TRUSTED_PROXIES=$TRUSTED_PROXIES"; do
    case ${given#*=} in *[!]0-9A-Za-z.:*_/,[-]*) refuse "$given" 'is not an address, or several with commas between' ;; esac
done
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
