#!/bin/sh
# The servers and the browser that the tests use. As root on Debian or Ubuntu what is missing is
# installed; elsewhere it is named, and its tests are skipped (with CI=true: missing is an error).
set -eu

CLUSTER_CONFIG=/etc/postgresql-common/createcluster.conf
CLUSTER_DEFAULTS=/usr/share/postgresql-common/createcluster.conf

has() {
    command -v "$1" >/dev/null 2>&1
}

# A server that a user without rights may not have on PATH.
has_server() {
    has "$1" || [ -x "/usr/sbin/$1" ]
}

has_postgresql() {
    has initdb && return
    for found in /usr/lib/postgresql/*/bin/initdb; do
        [ -x "$found" ] && return
    done
    return 1
}

# The browser's name is $1.
missing() {
    has redis-server || echo redis-server
    has openssl || echo openssl
    has_server nginx || echo nginx
    has_postgresql || echo postgresql
    has_server pgbouncer || echo pgbouncer
    if ! has java || [ ! -e /usr/share/java/zookeeper.jar ]; then echo zookeeper; fi
    has chromium-headless-shell || has chromium || has chromium-browser || echo "$1"
    has node || echo nodejs
    if has fc-list && [ -z "$(fc-list :lang=zh-cn | head -n 1)" ]; then
        echo fonts-noto-cjk
    elif ! has fc-list; then
        echo fonts-noto-cjk
    fi
}

# Install what is missing; $1 is the browser's name. RUNLEVEL=1 keeps the services of the packages down.
# The package of PostgreSQL would also make a cluster: while it is installed for the first time a file says no,
# and afterwards the distribution's own file is in its place.
install() {
    no_cluster=
    if [ ! -e "$CLUSTER_CONFIG" ]; then
        mkdir -p "${CLUSTER_CONFIG%/*}"
        echo "create_main_cluster = false" >"$CLUSTER_CONFIG"
        no_cluster=yes
    fi
    # shellcheck disable=SC2046  # a list of package names
    RUNLEVEL=1 UCF_FORCE_CONFFOLD=1 apt-get install -y -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=300 $(missing "$1") >/dev/null || true
    if [ -n "$no_cluster" ]; then
        rm -f "$CLUSTER_CONFIG" "$CLUSTER_CONFIG.ucf-dist"
        [ ! -e "$CLUSTER_DEFAULTS" ] || cp "$CLUSTER_DEFAULTS" "$CLUSTER_CONFIG"
    fi
}

wanted=$(missing chromium)
[ -n "$wanted" ] || exit 0

if [ "$(id -u)" = 0 ] && has apt-get; then
    echo "kfring: installing for the tests:" $wanted
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq -o DPkg::Lock::Timeout=300 ||
        echo "kfring: apt-get update failed, trying with the lists at hand" >&2
    # The same browser without its windows, where the distribution has it: a third less work.
    for browser in chromium-headless-shell chromium; do
        install "$browser"
        wanted=$(missing chromium)
        [ -n "$wanted" ] || exit 0
    done
fi

echo "*******************************************************************" >&2
echo "kfring: MISSING for the tests:" $wanted >&2
echo "Tests that need them are SKIPPED. On Debian or Ubuntu, as root:" >&2
echo "    sh deploy/test-env.sh" >&2
echo "*******************************************************************" >&2
[ "${CI:-}" != true ]
