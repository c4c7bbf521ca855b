#!/bin/bash
# The health check of the containers: succeeds if GET http://127.0.0.1:PORT/PATH answers 200. The images have no curl.
# Usage: health.sh VARIABLE /PATH    VARIABLE holds the port.
exec 3<> "/dev/tcp/127.0.0.1/${!1}" || exit 1
printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3
read -r -t 2 _ status _ <&3 && [ "$status" = 200 ]
