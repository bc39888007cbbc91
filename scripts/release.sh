# The release build, which scripts/agenthost runs and scripts/package packs. To be sourced, after toolchain.sh.
. "$root/scripts/progress.sh"

program="$root/.build/release/agenthost"

# Builds the program where that is needed; says nothing when all is up to date.
build_release() {
    # Touched when the build that made the program began: what changes during a build is built the next time.
    local built="$root/.build/agenthost-release-built"
    # A folder's own time tells that a file of it was removed.
    if [[ -x "$program" && -e "$built" ]] &&
        [[ -z "$(find "$root/Sources" "$root/Package.swift" -newer "$built" -print -quit)" ]]; then
        return
    fi
    require_swift
    if [[ -x "$program" ]]; then say "building what has changed"; else say "building; the first time takes some minutes"; fi
    mkdir -p "$root/.build"
    touch "$built.begun"
    # With Swift's runtime inside, the program starts and runs a little faster, and without Swift on the machine.
    # Whether two accesses to a variable overlap is checked in tests, and in no package once it is released.
    build_shown "$root/.build/agenthost-build.log" \
        swift build --package-path "$root" --configuration release --product agenthost --static-swift-stdlib \
        -Xswiftc -enforce-exclusivity=unchecked
    mv "$built.begun" "$built"
}
