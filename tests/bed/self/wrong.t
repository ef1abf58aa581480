#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# each check of lib.sh failing once, and a few that pass
. "$XLITE/lib.sh"
ok "1 ok" false
nok "2 nok" true
is "3 is" a b
isnt "4 isnt" a a
like "5 like" abc '^b'
unlike "6 unlike" abc b
within "7 within" 0 false
fail "8 fail"
console_has nobody x 0
wait_for 0 false && pass "wait_for must not succeed"
run sh -c 'echo out; echo err >&2; exit 3'
is "run" "$rc,$out,$err" "3,out,err"
run_limit 1 sleep 1000
is "run_limit" "$rc" 124
skip "this" "a reason"
done_testing
