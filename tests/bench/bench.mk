# SPDX-License-Identifier: LGPL-2.1-or-later
# `make bench`: xl, xlite and the floor side by side in a fresh bed; BENCH="-r 21 tiny": options
# and scenarios of tests/bench/bench.c. Raw figures: out/bench/raw.json.

out/dom0/floor: tests/bench/floor.c
	$(if $(V),,@echo "  CC      $@")
	$(Q)mkdir -p $(@D)
	$(Q)$(BED_CC) -o $@ $< $(XENLIBS) -luuid -lz -llzma -lzstd -lbz2 -llz4

out/dom0/bench: tests/bench/bench.c tests/bench/run.c tests/bench/boot.c tests/bench/reboot.c tests/bench/curve.c tests/bench/run.h tests/fault/storeproxy.c tests/fault/storeproxy.h tests/bed/hoststate.c tests/bed/hoststate.h toolstack/base/err.c
	$(if $(V),,@echo "  CC      $@")
	$(Q)mkdir -p $(@D)
	$(Q)$(BED_CC) -o $@ $(filter %.c,$^) $(XENLIBS_TEST)

bench: out/xlite out/guests/tiny out/dom0/floor out/dom0/bench
	$(Q)mkdir -p out/bench
	tests/bed/bed with 'ip link set xenbr0 address 02:00:00:00:00:01; bench $(BENCH)' \
		> out/bench/raw.json

# What `make bench BENCH=curve` has measured: a hundred creates in a row by each.
out/bench/creates.svg: out/bench/raw.json tests/bench/plot
	tests/bench/plot $< > $@.new && mv $@.new $@

DOM0_PROGRAMS += out/dom0/floor out/dom0/bench
.PHONY: bench
