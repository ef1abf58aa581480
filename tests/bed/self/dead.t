#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# dom0's kernel panics in the middle: the bed died
. "$XLITE/lib.sh"
need_throwaway
pass "before it dies"
echo c > /proc/sysrq-trigger
sleep 1000
done_testing
