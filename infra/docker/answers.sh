#!/bin/bash
# answers.sh PORT PATH: whether GET PATH on this container's PORT gives 200. A shell, because it is asked all the time.
exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3 && read -r _ code _ <&3 && [ "$code" = 200 ]
