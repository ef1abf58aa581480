#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fails beside a fault of the emulated processor
. "$XLITE/lib.sh"
echo "(XEN) d1v0 Triple fault - invoking HVM shutdown action 1" > /dev/console
fail "beside a fault"
done_testing
