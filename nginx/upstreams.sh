# Writes nginx's upstreams, and follows a name whose addresses change: nginx itself resolves it once, when it starts.

# One server line for each address: servers ADDRESSES PORT OPTIONS
servers() {
    for address in $1; do
        case $address in \[*) ;; *:*) address=[$address] ;; esac
        echo "    server $address:$2 $3;"
    done
}

# With one server none may be taken for dead. With several, one that fails is left alone for two seconds.
write_upstreams() {
    case $1 in *' '*) failing='max_fails=1 fail_timeout=2s' ;; *) failing=max_fails=0 ;; esac
    echo 'upstream app {'
    echo '    zone app 256k;'
    echo '    least_conn;'
    servers "$1" "${UPSTREAM##*:}" "$failing max_conns=$QUEUE_SIZE"
    echo '    keepalive 128;'
    echo '    keepalive_requests 100000;'
    echo '    keepalive_timeout 60s;'
    echo '}'
    # For a second try. A worker that dies takes all its connections along, so this one is always new.
    echo 'upstream app_again {'
    servers "$1" "${UPSTREAM##*:}" "$failing"
    echo '}'
    # Four tries: a worker that ends can take along the connection it has accepted, and then one in its queue.
    echo 'upstream management {'
    servers "$2 $2 $2 $2" "${MANAGEMENT##*:}" max_fails=0
    echo '}'
}

is_address() {
    case $1 in \[*\]) ;; *[!0-9.]*) return 1 ;; esac
}

# The addresses of a host, in one line.
addresses() {
    if is_address "$1"; then echo "$1" && return; fi
    found=$(getent ahosts "$1" | cut -d ' ' -f 1 | sort -u | tr '\n' ' ')
    echo "${found% }"
}

update() {
    app=$(addresses "${UPSTREAM%:*}")
    management=$(addresses "${MANAGEMENT%:*}")
    [ -n "$app" ] && [ "$app $management" != "${known:-}" ] || return 1
    known="$app $management"
    write_upstreams "$app" "$management" > "$1.new" && mv "$1.new" "$1"
}

# Writes the file, and for a name goes on as long as nginx runs, which takes the place of this shell. A name that cannot
# be resolved yet stands for a port that nobody listens on.
follow_upstream() {
    update "$1" || write_upstreams 127.0.0.1 127.0.0.1 | sed 's|127\.0\.0\.1:[0-9]*|127.0.0.1:1|' > "$1"
    if is_address "${UPSTREAM%:*}"; then return; fi
    (
        while sleep 2 && kill -0 $$ 2> /dev/null; do
            if update "$1"; then kill -HUP $$; fi
        done
    ) < /dev/null &
}
