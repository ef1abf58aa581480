#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# time-limit: 3
# hangs: out of time, with the console's last lines
. "$XLITE/lib.sh"
pass "before it hangs"
echo "words on the console" > /dev/console
sleep 1000
done_testing
