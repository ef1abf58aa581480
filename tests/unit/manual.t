#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The man pages say all that the tables do, in a form that man understands, and their examples work;
# what `make install` puts down, `make uninstall` takes away. And the project's scripts.
# shellcheck source=tests/unit/tap.sh
. "$(dirname "$0")/tap.sh"
top=$PWD pages="out/xlite.1 out/xlite.cfg.5"

for page in $pages; do
	if command -v mandoc > /dev/null; then
		ok "$page: mandoc has nothing to say" mandoc -Tlint -Wwarning "$page"
	else
		skip "$page: mandoc has nothing to say" "not installed"
	fi
	is "$page: all is put in" "$(grep -c '^@' "$page")" 0
done

missing=
while read -r name; do
	grep -q "^\.It Ic $name\( \|$\)" out/xlite.1 || missing+=" $name"
done < <(out/xlite help | sed 1,4d | awk '{ print $1 }')
is "xlite(1) has every command" "$missing" ""
for key in memory on_reboot dm_restrict vm.cpumask; do
	ok "xlite.cfg(5) has $key" grep -q "^\.It Va \"$key\"" out/xlite.cfg.5
done

# Examples: between .Bd and .Ed in the section of that name.
awk -v dir="$T" '/^\.Sh/ { on = $2 == "EXAMPLES" } /^\.Ed/ { file = "" } file { print > file }
	on && /^\.Bd/ { file = dir "/" ++n ".cfg" }' out/xlite.cfg.5
is "three examples" "$(cd "$T" && echo *.cfg)" "1.cfg 2.cfg 3.cfg"
for cfg in "$T"/*.cfg; do
	name=$(sed -n 's/^name = //p' "$cfg")
	out=$(out/xlite create -q --strict -n "$cfg" 2>&1)
	is "example $name is taken, and nothing said of it" \
		"$(grep -v "cannot open '/etc/xen/xl.conf'" <<< "$out" | head -n 1)" "{"
	ok "example $name has its name" grep -q "\"name\": $name" <<< "$out"
done

root="$T/a root"
make -s install DESTDIR="$root" PREFIX=/usr XL_LINK=1 > /dev/null
for file in sbin/xlite lib/xlite/xlite-boot share/man/man1/xlite.1 share/man/man5/xlite.cfg.5 \
	share/bash-completion/completions/xlite share/zsh/site-functions/_xlite \
	share/fish/vendor_completions.d/xlite.fish lib/systemd/system/xlite.service \
	lib/systemd/system/xlite-autostart.service; do
	ok "installed: $file" test -s "$root/usr/$file"
done
is "xl" "$(readlink "$root/usr/sbin/xl")" xlite
is "units know where it is" "$(grep -ho '[^ =@]*/xlite ' "$root"/usr/lib/systemd/system/* |
	sort -u)" "/usr/sbin/xlite "
is "guests outlive both units" "$(grep -c '^KillMode=process' "$root"/usr/lib/systemd/system/* |
	sed 's/.*://' | sort -u)" 1
ok "once more" make -s install DESTDIR="$root" PREFIX=/usr XL_LINK=1
make -s uninstall DESTDIR="$root" PREFIX=/usr
is "uninstalled" "$(find "$root" -not -type d)" ""
make -s install DESTDIR="$root" PREFIX=/usr > /dev/null
is "xl only when asked for" "$(find "$root" -name xl)" ""
ln -s /elsewhere/xl "$root/usr/sbin/xl"
make -s uninstall DESTDIR="$root" PREFIX=/usr
is "another's xl stays" "$(cd "$root" && find . -not -type d)" "./usr/sbin/xl"
make -s install DESTDIR="$root" PREFIX=/usr XL_LINK=1 > /dev/null 2>&1
is "nor does install take its place" $? 2
is "or put down anything" "$(find "$root" -not -type d -exec readlink {} +)" /elsewhere/xl

if command -v systemd-analyze > /dev/null; then
	mkdir "$T/units"
	for unit in xlite xlite-autostart; do
		sed "s|@sbin@|$PWD/out|" doc/$unit.service.in > "$T/units/$unit.service"
	done
	is "systemd has nothing to say of the units" \
		"$(systemd-analyze --man=no verify "$T"/units/*.service 2>&1)" ""
else
	skip "systemd has nothing to say of the units" "not installed"
fi

if command -v shellcheck > /dev/null && git rev-parse > /dev/null 2>&1; then
	mapfile -t scripts < <(git grep -lE -e '^#!.*/(ba)?sh$' -- ':!*.md' ':!*.c')
	ok "shellcheck likes ${#scripts[@]} scripts" shellcheck -S warning "${scripts[@]}"
else
	skip "shellcheck likes the scripts" "not installed"
fi
cd "$top" || exit
done_testing
