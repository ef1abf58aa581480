#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# create -n beside Debian's xl: the same bytes for configs that use every key, words of the
# command line, and the same exit status for what both refuse.
. "$XLITE/lib.sh"

tar xf "$XLITE/bin/keys.tar" -C "$T"
cd "$T" || exit 1

# same WHAT WORDS...: stdout and status of both
same()
{
	local what=$1; shift

	run xl create -q -n "$@"
	local want="$rc:$out"
	run xlite create -q -n "$@"
	is "$what" "$rc:$out" "$want"
}

for f in *.cfg; do
	same "$f" "$f"
	is "$f: accepted" "$rc" 0
done
same "words" mini.cfg memory=77 'vcpus=2; maxvcpus=3' 'extra+="x"' "vif=['mac=00:16:3e:01:02:03']"
is "words: accepted" "$rc" 0
same "a word replaces" pv-all.cfg 'disk=[]' 'name="other"'
is "a word replaces: accepted" "$rc" 0
same "no file but words" /dev/null 'name="w"' 'kernel="/k"' 'uuid="dad41a8e-1f3f-4b5e-8b0c-3e0a5ad4c7c1"'
is "no file but words: accepted" "$rc" 0
same "all cpus" mini.cfg vcpus=2 'cpus="all"' 'cpus_soft=["all","node:0"]'
is "all cpus: accepted" "$rc" 0
run xlite create -q -n /dev/null 'name="w"' 'kernel="/k"'
like "a uuid is made up" "$out" '"uuid": "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"'

printf 'name=x\n' > bad1.cfg
printf 'import os\nname="x"\n' > bad2.cfg
printf 'name="x"\nkernel="/k"\ndisk=["foo"]\n' > bad3.cfg
printf 'kernel="/k"\n' > bad4.cfg
printf 'name="x"\nkernel="/k"\non_crash="explode"\n' > bad5.cfg
printf 'name="x"\n' > bad6.cfg
for f in bad?.cfg; do
	same "$f: status, nothing on stdout" "$f"
	like "$f: one line that names the file" "$err" "^xlite: ${f}:[^"$'\n'"]*$"
done
same "a word that is no setting" mini.cfg 'memory=x'
like "says where" "$err" '^xlite: command line:1:8: expected a value'
done_testing
