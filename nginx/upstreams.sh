# Writes nginx's upstreams, and follows names whose addresses change: nginx itself resolves them once, when it starts.
# UPSTREAM is HOST:PORT, or HOST,HOST:PORT. A host is an address, or a name that stands for any number of addresses.

# One server line for each address: servers ADDRESSES PORT OPTIONS
servers() {
    for address in $1; do
        case $address in \[*) ;; *:*) address=[$address] ;; esac
        echo "    server $address:$2 $3;"
    done
}

write_upstreams() {
    case $1 in *' '*) one_of_several_again ;; *) the_only_one_again "$1" ;; esac
    echo 'upstream app {'
    echo '    zone app 256k;'
    echo '    least_conn;'
    servers "$1" "${UPSTREAM##*:}" "$failing max_conns=$room"
    [ "$reserve" = 0 ] || servers "$1" "${UPSTREAM##*:}" "backup max_fails=0 max_conns=$reserve"
    echo '    keepalive 128;'
    echo '    keepalive_requests 100000;'
    echo '    keepalive_timeout 60s;'
    echo '}'
    # Four tries: a worker that ends can take along the connection it has accepted, and then one in its queue.
    echo 'upstream management {'
    servers "$2 $2 $2 $2" "${MANAGEMENT##*:}" max_fails=0
    echo '}'
}

# A single host is never taken for dead. The second try needs a new connection, since a worker that dies takes all its
# connections along. A host that does not answer is not asked again.
the_only_one_again() {
    failing=max_fails=0 room=$QUEUE_SIZE reserve=0
    echo 'map $upstream_status $again { default app_again; ~504$ ""; }'
    echo 'proxy_connect_timeout 5s;'
    echo 'upstream app_again {'
    servers "$1" "${UPSTREAM##*:}" "$failing"
    echo '}'
}

# Of several hosts, one that fails gets no requests for two seconds. The second try therefore goes to another one, also
# if the first does not answer. An eighth of the queue is for the moment when all of them have just failed: two requests
# that kill their workers must not close the service.
one_of_several_again() {
    failing='max_fails=1 fail_timeout=2s' reserve=$((QUEUE_SIZE / 8)) room=$((QUEUE_SIZE - QUEUE_SIZE / 8))
    echo 'map $upstream_status $again { default app; }'
    echo 'proxy_connect_timeout 2s;'
}

# Whether all of them are addresses.
are_addresses() {
    for host in $(echo "$1" | tr , ' '); do
        case $host in \[*\]) ;; *[!0-9.]*) return 1 ;; esac
    done
}

# The addresses of hosts, in one line.
addresses() {
    if are_addresses "$1"; then echo "$1" | tr , ' ' && return; fi
    found=$(for host in $(echo "$1" | tr , ' '); do
        if are_addresses "$host"; then echo "$host"; else getent ahosts "$host" | cut -d ' ' -f 1; fi
    done | sort -u | tr '\n' ' ')
    echo "${found% }"
}

update() {
    app=$(addresses "${UPSTREAM%:*}")
    management=$(addresses "${MANAGEMENT%:*}")
    [ -n "$app" ] && [ "$app $management" != "${known:-}" ] || return 1
    known="$app $management"
    write_upstreams "$app" "$management" > "$1.new" && mv "$1.new" "$1"
}

# Writes the file, and for names goes on as long as nginx runs, which takes the place of this shell. A name that cannot
# be resolved yet stands for a port that nobody listens on.
follow_upstream() {
    update "$1" || write_upstreams 127.0.0.1 127.0.0.1 | sed 's|127\.0\.0\.1:[0-9]*|127.0.0.1:1|' > "$1"
    if are_addresses "${UPSTREAM%:*}"; then return; fi
    (
        while sleep 2 && kill -0 $$ 2> /dev/null; do
            if update "$1"; then kill -HUP $$; fi
        done
    ) < /dev/null &
}
