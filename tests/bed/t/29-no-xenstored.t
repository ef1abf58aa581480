#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xenstored dead: said at once by every command, and no domain is made.
# host: broken
. "$XLITE/lib.sh"
need_throwaway

tiny d
pkill -KILL xenstored
for words in "list" "domid d" "create -q $T/d.cfg" "destroy d" "console d" "cleanup"; do
	# shellcheck disable=SC2086
	run_limit 20 xlite $words
	like "$words" "$rc:$out:$err" "^[13]::.*(cannot connect to|connection to) xenstored"
done
run_limit 20 xlite info free_memory
like "info needs no xenstored" "$rc:$out" '^0:[0-9]+$'
done_testing
