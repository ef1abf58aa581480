# SPDX-License-Identifier: LGPL-2.1-or-later
# `make bench`: xl, xlite and the floor side by side in a fresh bed.

out/dom0/floor: tests/bench/floor.c
	$(if $(V),,@echo "  CC      $@")
	$(Q)mkdir -p $(@D)
	$(Q)$(BED_CC) -o $@ $< $(XENLIBS) -luuid -lz -llzma -lzstd -lbz2 -llz4
