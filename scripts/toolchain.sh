# What scripts/agenthost and scripts/test need of the machine. To be sourced.

# Debian packages to build and run the host: Lua, the Kafka and MQTT clients, JSON, SQLite, an allocator, the broker
# it can start itself, and what README.md asks it with.
host_packages=(liblua5.4-dev librdkafka-dev libmosquitto-dev libsimdjson-dev libsqlite3-dev
    libmimalloc-dev libssl-dev mosquitto pkg-config curl)
# Those that make packages of it.
package_packages=(dpkg-dev binutils git python3)
# And those that its tests use as the other side.
test_packages=(kcat mosquitto-clients openssl python3 python3-venv)

say() {
    printf 'agenthost: %s\n' "$*" >&2
}

# Installs those of the Debian packages named that are missing.
require_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "not a Debian system; these packages, or their like, are taken to be there: $*"
        return
    fi
    local installed missing=() package
    installed=" $(dpkg-query --show --showformat='${db:Status-Status}=${Package} ' "$@" 2>/dev/null || true)"
    for package in "$@"; do
        [[ "$installed" == *" installed=$package "* ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    local apt=(apt-get)
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            say "missing Debian packages, and no sudo to install them with: ${missing[*]}"
            exit 1
        fi
        apt=(sudo apt-get)
    fi
    say "installing missing Debian packages: ${missing[*]}"
    # A machine whose package lists are old, or absent, gets new ones when the first try does not find a package.
    if ! DEBIAN_FRONTEND=noninteractive "${apt[@]}" install --yes --no-install-recommends "${missing[@]}" >&2; then
        "${apt[@]}" update >&2
        DEBIAN_FRONTEND=noninteractive "${apt[@]}" install --yes --no-install-recommends "${missing[@]}" >&2
    fi
}

# fetch_program PACKAGE PATH FOLDER: puts one program of a Debian package into a folder, unless it can be had already,
# without installing the package: that would bring a service along. Fails when the package cannot be had.
fetch_program() {
    local name work
    name="$(basename "$2")"
    ! command -v "$name" >/dev/null || return 0
    work="$(mktemp -d)"
    say "getting $name from the Debian package $1"
    if (cd "$work" && apt-get download "$1" >&2 && dpkg-deb --fsys-tarfile ./*.deb | tar -x ".$2"); then
        install -m 755 "$work$2" "$3/"
    fi
    rm -rf "$work"
    [[ -x "$3/$name" ]]
}

# Ends with a message unless Swift is there and new enough.
require_swift() {
    if ! command -v swift >/dev/null; then
        say "Swift 6.2 or newer is needed to build; see https://www.swift.org/install/linux/"
        exit 1
    fi
    local version
    version="$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)"
    if [[ -z "$version" || "$(printf '%s\n' 6.2 "$version" | sort --version-sort | head -n 1)" != 6.2 ]]; then
        say "Swift 6.2 or newer is needed to build; this is ${version:-unknown} ($(command -v swift))"
        exit 1
    fi
}

# The Python of tests, with other people's clients and brokers: what the wire is compared with must not be ours.
# noida-db is a Kafka with real groups and transactions in one process.
python_packages=(websockets kosoku aiokafka fastapi uvicorn confluent-kafka noida-db)

# Makes .build-venv where a package is missing. The programs of it are for PATH="$root/.build-venv/bin:$PATH".
require_python() {
    local python="$root/.build-venv/bin/python3"
    if "$python" -c 'import websockets, kosoku, aiokafka, fastapi, uvicorn, confluent_kafka' 2>/dev/null &&
        [[ -x "$root/.build-venv/bin/noida-db" ]]; then
        return
    fi
    say "installing the Python clients of the tests into .build-venv"
    python3 -m venv "$root/.build-venv"
    "$root/.build-venv/bin/pip" install --quiet --disable-pip-version-check "${python_packages[@]}"
}
