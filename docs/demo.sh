#!/bin/sh
# The whole product on a desk that does not exist: `make demo`. Ctrl-C stops it at any time.
#
# It writes four weeks of history, then serves the same desk over a real WebSocket on this
# machine, records it for half a minute, and reports. All that it makes lies in ./demo-archive.
set -eu

archive=demo-archive
seconds=30 # of recording
speed=120  # simulated seconds in each of them: an hour in all
agents=12  # a few too few, as there usually are

logs=$(mktemp -d)
desk='' recorder='' pause=''
tidy() {
    trap '' INT TERM
    for process in $pause $recorder $desk; do
        kill -TERM "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$logs"
}
trap tidy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Show a step's command, for copying, and run it.
run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

# The desk lies where it is nearly noon now, so that its people are at work to be recorded.
hour=$(date -u +%H)
east=$((11 - ${hour#0}))
if [ "$east" -ge 0 ]; then zone=Etc/GMT-$east; else zone=Etc/GMT+$((-east)); fi

rm -rf "$archive"

echo "1. Four weeks of an invented support desk, as if they had been recorded."
run archiver simulate history --archive "$archive" --days 28 --tz "$zone" \
    --agents "$agents"

printf '\n2. The desk goes live on this machine; %s seconds of it are recorded, at %s times the pace.\n' \
    "$seconds" "$speed"
began=$(python -c "from datetime import *; print(datetime.now(UTC) - timedelta(seconds=$seconds * $speed))")
archiver simulate serve --tz "$zone" --agents "$agents" --speed "$speed" --start "$began" \
    >"$logs/url" 2>"$logs/desk" &
desk=$!
until [ -s "$logs/url" ]; do
    kill -0 "$desk" 2>/dev/null || { cat "$logs/desk" >&2; exit 1; }
    sleep 0.1
done
url=$(cat "$logs/url")
project=$(basename "$archive"/project_id=[0-9a-f]*)
project=${project#project_id=}

printf '\n$ TILEDESK_TOKEN=simulated archiver record --archive %s --project %s --url %s\n' \
    "$archive" "$project" "$url"
TILEDESK_TOKEN=simulated archiver record --archive "$archive" --project "$project" --url "$url" &
recorder=$!
sleep "$seconds" &
pause=$!
wait "$pause"
pause=''
kill -TERM "$recorder"
wait "$recorder"
recorder=''

printf '\n3. Today so far: the last hour of the desk, and what is missing around it.\n'
today=$(date -u +%Y-%m-%d)
printf '\n$ analytics report --archive %s --date %s    (its first lines)\n' "$archive" "$today"
analytics report --archive "$archive" --date "$today" 2>"$logs/note" | sed -n '1,/^Closed/p'

printf '\n4. Yesterday, complete.\n'
run analytics report --archive "$archive"

printf '\nEverything lies in ./%s: %s Parquet files, %s.\n' "$archive" \
    "$(find "$archive" -name '*.parquet' | wc -l)" "$(du -sh "$archive" | cut -f1)"
echo "Next: archiver status --archive $archive; analytics metrics; README.md"
