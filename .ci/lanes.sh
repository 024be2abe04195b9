# shellcheck shell=bash
# lane NAME BUDGET COMMAND...: runs it, prints what it took, enforces the budget in seconds. Sourced by .ci/run.
# A lane that prints the suite's total (`N passed, N failed, N skipped`) counts its tests, any other counts as one check.
# A lane that fails does not stop the others; `report` says at the end which failed.

limit=2700
asked=()
failures=()
passed=0
failed=0
began=$SECONDS
lane_log=$(mktemp)

wanted() { [ "$1" = install ] || [ ${#asked[@]} -eq 0 ] || [[ " ${asked[*]} " == *" $1 "* ]]; }

lane() {
    local name=$1 budget=$2 code start took verdict=ok
    shift 2
    wanted "$name" || return 0
    printf '\n== lane %s (budget %s s)\n' "$name" "$budget"
    start=$SECONDS
    timeout --kill-after=10 $((budget * 2)) "$@" < /dev/null 2>&1 | tee "$lane_log"
    code=${PIPESTATUS[0]}
    took=$((SECONDS - start))
    if [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then
        verdict='failed (ended at twice its budget)'
    elif [ "$code" -ne 0 ]; then
        verdict="failed (exit $code)"
    elif [ "$took" -gt "$budget" ]; then
        verdict='failed (over its budget)'
    fi
    count "$verdict"
    [ "$verdict" = ok ] || failures+=("$name: $verdict")
    printf '== lane %s: %s in %s s (budget %s s)\n' "$name" "$verdict" "$took" "$budget"
}

count() {
    local total='^([0-9]+) passed, ([0-9]+) failed, [0-9]+ skipped$' line tests=0 broken=0
    line=$(grep -E "$total" "$lane_log" | tail -n 1)
    if [[ $line =~ $total ]]; then
        tests=${BASH_REMATCH[1]}
        broken=${BASH_REMATCH[2]}
    elif [ "$1" = ok ]; then
        tests=1
    fi
    if [ "$1" != ok ] && [ "$broken" -eq 0 ]; then broken=1; fi
    passed=$((passed + tests))
    failed=$((failed + broken))
}

# The sum of all lanes, and the plain line that says how it ended. Status 1 when anything failed.
report() {
    local took=$((SECONDS - began)) failure
    rm -f "$lane_log"
    [ "$took" -le "$limit" ] || { failures+=("all lanes together: over $limit s") && failed=$((failed + 1)); }
    printf '\n'
    for failure in "${failures[@]}"; do printf 'failed: %s\n' "$failure"; done
    printf 'all lanes took %s s (limit %s s)\n' "$took" "$limit"
    printf '%s passed, %s failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}
