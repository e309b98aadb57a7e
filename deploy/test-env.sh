#!/bin/sh
# The servers and the browser that the tests use. As root on Debian or Ubuntu what is missing is
# installed; elsewhere it is named, and its tests are skipped (with CI=true: missing is an error).
set -eu

has() {
    command -v "$1" >/dev/null 2>&1
}

# The browser's name is $1.
missing() {
    has redis-server || echo redis-server
    has openssl || echo openssl
    has nginx || [ -x /usr/sbin/nginx ] || echo nginx
    if ! has java || [ ! -e /usr/share/java/zookeeper.jar ]; then echo zookeeper; fi
    has chromium-headless-shell || has chromium || has chromium-browser || echo "$1"
    has node || echo nodejs
    if has fc-list && [ -z "$(fc-list :lang=zh-cn | head -n 1)" ]; then
        echo fonts-noto-cjk
    elif ! has fc-list; then
        echo fonts-noto-cjk
    fi
}

wanted=$(missing chromium)
[ -n "$wanted" ] || exit 0

if [ "$(id -u)" = 0 ] && has apt-get; then
    echo "kfring: installing for the tests:" $wanted
    export DEBIAN_FRONTEND=noninteractive
    # The tests start servers of their own; the distribution's services stay down.
    apt-get update -qq || echo "kfring: apt-get update failed, trying with the lists at hand" >&2
    # The same browser without its windows, where the distribution has it: a third less work.
    for browser in chromium-headless-shell chromium; do
        # shellcheck disable=SC2046  # a list of package names
        RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $(missing "$browser") >/dev/null || true
        wanted=$(missing chromium)
        [ -n "$wanted" ] || exit 0
    done
fi

echo "*******************************************************************" >&2
echo "kfring: MISSING for the tests:" $wanted >&2
echo "Tests that need them are SKIPPED. On Debian or Ubuntu, as root:" >&2
echo "    apt-get install -y --no-install-recommends" $wanted >&2
echo "*******************************************************************" >&2
[ "${CI:-}" != true ]
