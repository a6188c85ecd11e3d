#!/bin/sh
# The gate in a plain shell, for any CI: gate.sh MODEL [AUDIT]
#
# Audits MODEL as the policy says and judges it by the policy and the last accepted checkpoint. The audit goes to the folder
# AUDIT, or a new one in audits/. Exit code: 0 passed, 1 failed or not assessed, 2 could not be audited or judged.
set -eu

model=${1:?"usage: gate.sh MODEL [AUDIT]"}
audit=${2:-audits/$(basename "$model" .pt)-$(date -u +%Y%m%dT%H%M%SZ)}
policy=${POLICY:-xaiaudit.toml} # xaiaudit init writes one
store=${BASELINES:-baselines}   # of accepted audits

# Before anything was ever accepted there is nothing to be worse than, and that is said aloud. A store that is named must be
# there: a wrong name would let a worse model through.
if [ -n "${BASELINES:-}" ] || [ -e "$store/index.json" ]; then
  baseline="--baseline=$store"
else
  baseline=--no-baseline
fi

code=0
xaiaudit attack --policy="$policy" "$baseline" --out="$audit" -- "$model" || code=$?

if [ "$code" -eq 0 ]; then
  echo "To make it the baseline of the next: xaiaudit accept --store=$store $audit"
fi
exit "$code"
