#!/bin/sh
# The whole product on a desk that does not exist: `make demo`. Ctrl-C stops it at any time.
#
# It writes four weeks of history, then serves the same desk over a real WebSocket on this
# machine, records it for half a minute, and reports. All that it makes lies in ./demo-archive.
set -eu

archive=demo-archive
project=5f6c1d2e3a4b5c6d7e8f9a0b
seconds=30 # of recording
speed=120  # simulated seconds in each of them: an hour in all

logs=$(mktemp -d)
desk='' recorder=''
tidy() {
    trap '' INT TERM
    for process in $recorder $desk; do
        kill -TERM "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$logs"
}
trap tidy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n== %s\n' "$*"; }

# The desk works where it is nearly noon now, so that its people are there to be recorded.
hour=$(date -u +%H)
east=$((11 - ${hour#0}))
if [ "$east" -ge 0 ]; then zone=Etc/GMT-$east; else zone=Etc/GMT+$((-east)); fi

rm -rf "$archive"

say "Four weeks of an invented support desk"
archiver simulate history --archive "$archive" --project "$project" --days 28 --tz "$zone"

say "The same desk, live on this machine: an hour of it in $seconds seconds"
started=$(($(date +%s) - seconds * speed))
archiver simulate serve --project "$project" --tz "$zone" --token demo \
    --start "$(date -u -d "@$started" +%Y-%m-%dT%H:%M:%SZ)" --speed "$speed" \
    >"$logs/url" 2>"$logs/desk" &
desk=$!
until [ -s "$logs/url" ]; do
    kill -0 "$desk" 2>/dev/null || { cat "$logs/desk" >&2; exit 1; }
    sleep 0.1
done

TILEDESK_TOKEN=demo archiver record --archive "$archive" --project "$project" \
    --url "$(cat "$logs/url")" &
recorder=$!
sleep "$seconds" &
wait $! || true
kill -TERM "$recorder"
wait "$recorder"
recorder=''

say "How yesterday went"
analytics report --archive "$archive" --tz "$zone"

say "What was just recorded"
archiver status --archive "$archive"
