#!/bin/sh
# The part of the official image's contract that services use: https://hub.docker.com/_/mysql (environment variables,
# their _FILE forms, /docker-entrypoint-initdb.d). Until the database is made no port is open, so a port means ready.
set -eu

for name in MYSQL_ROOT_PASSWORD MYSQL_DATABASE MYSQL_USER MYSQL_PASSWORD; do
    file=$(printenv "${name}_FILE" || true)
    [ -z "$file" ] || export "$name=$(cat "$file")"
done

case ${1:-} in
    -*) set -- mysqld "$@" ;;
esac
if [ "${1:-}" != mysqld ]; then
    exec "$@"
fi
set -- "$@" --user=mysql

# A folder whose making was cut short has no mark, and is made again.
data=/var/lib/mysql
mark=$data/.little-service-made
if [ ! -e "$mark" ] && [ -d "$data/mysql" ]; then
    find "$data" -mindepth 1 -delete
fi
if [ ! -e "$mark" ]; then
    chown mysql:mysql "$data"
    "$@" --initialize-insecure
    "$@" --skip-networking --mysqlx=OFF --socket=/var/run/mysqld/making.sock &
    pid=$!
    client() { mysql --socket=/var/run/mysqld/making.sock --user=root "$@"; }
    until client -e 'SELECT 1' >/dev/null 2>&1; do
        kill -0 "$pid" || { echo 'mysqld ended while the database was made' >&2; exit 1; }
        sleep 0.2
    done
    # A quote or a backslash in a password is data.
    quoted() { printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e "s/'/''/g"; }
    if [ -n "${MYSQL_DATABASE:-}" ]; then
        client -e "CREATE DATABASE \`$MYSQL_DATABASE\`"
    fi
    if [ -n "${MYSQL_USER:-}" ]; then
        client -e "CREATE USER '$MYSQL_USER'@'%' IDENTIFIED BY '$(quoted "$MYSQL_PASSWORD")'"
        # In a grant an underscore stands for any character.
        [ -z "${MYSQL_DATABASE:-}" ] ||
            client -e "GRANT ALL ON \`$(printf '%s' "$MYSQL_DATABASE" | sed 's/_/\\_/g')\`.* TO '$MYSQL_USER'@'%'"
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
            *.sql) client ${MYSQL_DATABASE:+"$MYSQL_DATABASE"} <"$file" ;;
            *.sh) sh "$file" ;;
        esac
    done
    root=$(quoted "${MYSQL_ROOT_PASSWORD:?is not set: the database is not made without it}")
    client -e "ALTER USER 'root'@'localhost' IDENTIFIED BY '$root'; CREATE USER 'root'@'%' IDENTIFIED BY '$root';
               GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION"
    kill "$pid"
    wait "$pid" || true
    touch "$mark"
fi

exec "$@"
