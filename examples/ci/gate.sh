#!/bin/sh
# The gate in a plain shell, for any CI: gate.sh MODEL [AUDIT]
#
# Audits MODEL as the policy says and judges it by the policy and the last accepted checkpoint. The audit goes to the folder
# AUDIT, or a new one in audits/. Exit code: 0 passed, 1 failed or not assessed, 2 could not be audited or judged.
#
# The policy names the store of accepted audits. Before anything is accepted there is nothing to be worse than: say so
# aloud, once, with BASELINES=none. Nothing here says it for you, as a store that went missing would then let a worse
# checkpoint through. BASELINES=STORE takes another store than the policy's.
set -eu

model=${1:?"usage: gate.sh MODEL [AUDIT]"}
audit=${2:-audits/$(basename "$model" .pt)-$(date -u +%Y%m%dT%H%M%SZ)}
policy=${POLICY:-xaiaudit.toml} # xaiaudit init writes one

quoted() { printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"; } # for a shell, to copy

set -- attack --policy="$policy"
accept="xaiaudit accept"
case ${BASELINES:-} in
"") ;;
none) set -- "$@" --no-baseline ;;
*)
  set -- "$@" --baseline="$BASELINES"
  accept="$accept --store=$(quoted "$BASELINES")"
  ;;
esac

code=0
xaiaudit "$@" --out="$audit" -- "$model" || code=$?

if [ "$code" -eq 0 ]; then
  printf 'To make it the baseline of the next: %s -- %s\n' "$accept" "$(quoted "$audit")"
fi
exit "$code"
