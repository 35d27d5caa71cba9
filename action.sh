#!/usr/bin/env bash
# What the action does (action.yml): a table in the log, SARIF in a file, a summary on
# the page of the run, and the exit status of the audit.
set -euo pipefail

if [ -n "$SAGEMOAT_BINARY" ]; then
  sagemoat=$SAGEMOAT_BINARY
else
  if ! command -v go >/dev/null; then
    echo "::error::sagemoat is built from source, and there is no Go: use actions/setup-go before, or give the input binary"
    exit 2
  fi
  sagemoat=${RUNNER_TEMP:?}/sagemoat
  (cd "$GITHUB_ACTION_PATH" && CGO_ENABLED=0 go build -trimpath -o "$sagemoat" ./cmd/sagemoat)
fi

flags=(--fail-on "$SAGEMOAT_FAIL_ON")
if [ -n "$SAGEMOAT_RULES" ]; then flags+=(--rules "$SAGEMOAT_RULES"); fi
if [ -n "$SAGEMOAT_SEVERITY" ]; then flags+=(--severity "$SAGEMOAT_SEVERITY"); fi
paths=()
while IFS= read -r path; do
  if [ -n "$path" ]; then paths+=("$path"); fi
done <<<"$SAGEMOAT_PATHS"

status=0
"$sagemoat" audit "${flags[@]}" -- "${paths[@]}" </dev/null || status=$?
# What it says of the input it has said.
written=0
"$sagemoat" audit "${flags[@]}" --output sarif --out "$SAGEMOAT_SARIF" -- "${paths[@]}" </dev/null 2>/dev/null || written=$?
if [ "$written" -ne "$status" ]; then
  echo "::error::the results could not be written to $SAGEMOAT_SARIF"
  exit 2
fi
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  "$sagemoat" audit "${flags[@]}" --output markdown -- "${paths[@]}" </dev/null 2>/dev/null >>"$GITHUB_STEP_SUMMARY" || true
fi
{
  echo "sarif=$SAGEMOAT_SARIF"
  echo "status=$status"
} >>"$GITHUB_OUTPUT"
exit "$status"
