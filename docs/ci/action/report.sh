#!/usr/bin/env bash
# Writes the report of each model, and creates or updates its comment. All it knows comes from the environment (action.yml).
set -euo pipefail

clone=$RUNNER_TEMP/mvc-report
report=$RUNNER_TEMP/mvc-report.md
failed=0

# comment: update the comment that begins with the mark of the report; create it if something changed.
comment() {
    local mark id comments=repos/$GITHUB_REPOSITORY/issues
    [[ -n $PULL ]] || return 0
    mark=$(head -n 1 "$report")
    id=$(MARK=$mark gh api --paginate "$comments/$PULL/comments" \
        --jq '.[] | select(.user.login == env.AUTHOR and (.body | startswith(env.MARK))) | .id') || return 1
    id=${id%%$'\n'*}
    if [[ -n $id ]]; then
        gh api --silent --method PATCH "$comments/comments/$id" -F "body=@$report"
    elif [[ $(sed -n 2p "$report") != '<!-- unchanged -->' ]]; then
        gh api --silent --method POST "$comments/$PULL/comments" -F "body=@$report"
    fi
}

options=()
while IFS= read -r line; do [[ -z $line ]] || options+=(--fail-on "$line"); done <<<"$FAIL_ON"
while IFS= read -r line; do [[ -z $line ]] || options+=(--for "$line"); done <<<"$USES"
[[ -z $LINK ]] || options+=(--link "$LINK")

models=$MODELS
[[ -n $models ]] || models=$(mvc -C "$clone" --quiet models)
while IFS= read -r model; do
    [[ -n $model ]] || continue
    code=0
    mvc -C "$clone" --model "$model" ci report --git "$GITHUB_WORKSPACE" ${options[@]+"${options[@]}"} -- "$BASE" "$HEAD" \
        >"$report" || code=$?
    if [[ ! -s $report ]]; then # 1: no version belongs to the commits, which is an error for a model that is asked for
        [[ -z $MODELS && $code == 1 ]] || exit "$code"
        continue
    fi
    ((code == 0)) || failed=1
    cat "$report" >>"$GITHUB_STEP_SUMMARY"
    comment || echo "::warning::The comment was not written: the token may not, as in a pull request of a fork. The report is in the job's summary."
done <<<"$models"
exit "$failed"
