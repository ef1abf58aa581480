#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# time-limit: 15
# dom0 stops to answer: what watches over the time must not be in it
. "$XLITE/lib.sh"
need_throwaway
pass "before it freezes"
pkill -STOP dropbear
sleep 1000
done_testing
