#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# skipped as a whole
. "$XLITE/lib.sh"
skip_all "nothing to see"
