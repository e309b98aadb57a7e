#!/bin/sh
# need.sh PURPOSE PACKAGE...: what a make target uses besides Python. As root on Debian or Ubuntu what is
# missing is installed; elsewhere it is named. Ends with 1 while something is missing.
set -eu
purpose=$1
shift

has() {
    command -v "$1" >/dev/null 2>&1
}

there() {
    case $1 in
    chromium) has chromium-headless-shell || has chromium || has chromium-browser ;;
    fonts-noto-cjk) has fc-list && [ -n "$(fc-list :lang=zh-cn | head -n 1)" ] ;;
    nodejs) has node ;;
    zookeeper) has java && [ -e /usr/share/java/zookeeper.jar ] ;;
    *) has "$1" ;;
    esac
}

missing() {
    for package in "$@"; do
        there "$package" || echo "$package"
    done
}

wanted=$(missing "$@" | xargs)
if [ -n "$wanted" ] && [ "$(id -u)" = 0 ] && has apt-get; then
    echo "kfring: installing for $purpose: $wanted"
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    wait_for_others="-o DPkg::Lock::Timeout=300"
    # shellcheck disable=SC2086  # lists of words
    {
        apt-get $wait_for_others update -qq || echo "kfring: apt-get update failed, trying with the lists at hand" >&2
        for package in $wanted; do # one by one: what the distribution lacks keeps nothing else away
            apt-get $wait_for_others install -y -qq --no-install-recommends "$package" >/dev/null || true
        done
    }
    wanted=$(missing "$@" | xargs)
fi
[ -n "$wanted" ] || exit 0
echo "kfring: MISSING for $purpose: $wanted. On Debian or Ubuntu, as root:" >&2
echo "    apt-get install -y --no-install-recommends $wanted" >&2
exit 1
