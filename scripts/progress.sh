# Shows how a build comes along. To be sourced, after toolchain.sh.

# Seconds between two lines where the progress is not seen on a terminal.
progress_interval=60

# elapsed SECONDS: "42 s", "4 min 2 s"
elapsed() {
    if (($1 < 60)); then printf '%d s' "$1"; else printf '%d min %d s' $(($1 / 60)) $(($1 % 60)); fi
}

# progress_step LINE: what a line of SwiftPM's says of where the build is, in step; unchanged for any other line.
progress_step() {
    if [[ "$1" =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
        step="step ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]}"
    elif [[ "$1" =~ ^(Fetching|Fetched|Updating|Computing|Creating|Working)\  ]]; then
        step="fetching what it builds on"
    elif [[ "$1" == "Another instance of SwiftPM"* ]]; then
        step="waiting for another build of this folder"
    fi
}

# Reads what SwiftPM prints and shows where it is: on a terminal in one line that is written anew, elsewhere in a line
# now and then.
show_progress() {
    local step="starting" began=$SECONDS told=$SECONDS shown=-1 line part="" ended="" terminal=""
    [[ ! -t 2 || "${TERM:-dumb}" == dumb ]] || terminal=yes
    # So that a shell's next line does not begin behind the one that is written anew.
    trap '[[ -z "$terminal" ]] || echo >&2; exit 130' INT
    until [[ -n "$ended" ]]; do
        # A line that has not ended when the time is over is completed by the next read.
        if IFS= read -r -t 1 line; then
            progress_step "$part$line"
            part=""
        elif (($? > 128)); then
            part+="$line"
        else
            ended=yes
        fi
        if [[ -n "$terminal" ]] && ((SECONDS != shown)); then
            shown=$SECONDS
            printf '\r\033[Kagenthost: building, %s, %s' "$step" "$(elapsed $((SECONDS - began)))" >&2
        elif [[ -z "$terminal" ]] && ((SECONDS - told >= progress_interval)); then
            told=$SECONDS
            say "building, $step, $(elapsed $((SECONDS - began)))"
        fi
    done
    [[ -z "$terminal" ]] || printf '\r\033[K' >&2
}

# build_shown LOG COMMAND…: runs a build by SwiftPM and shows its progress; what it prints goes to the file LOG. Ends as
# the build does, and shows the errors of one that fails.
build_shown() {
    local log="$1" began=$SECONDS status=0
    shift
    "$@" 2>&1 | tee "$log" | show_progress || status=$?
    if ((status == 0)); then
        say "built in $(elapsed $((SECONDS - began)))"
        return
    fi
    grep -A 4 'error:' "$log" >&2 || tail -n 20 "$log" >&2
    say "the build failed after $(elapsed $((SECONDS - began))); all that it said is in $log"
    return "$status"
}
