# SPDX-License-Identifier: LGPL-2.1-or-later
# The programs of the test bed that run in dom0: out/dom0/*, pushed there by tests/bed/run.
# XENLIBS_TEST: libxenctrl and libxenstore as archives, for static programs.

XENLIBS_TEST := -lxenctrl -lxenforeignmemory -lxendevicemodel -lxencall -lxenevtchn \
	-lxengnttab -lxenstore -lxentoollog -lxentoolcore
BED_CC = $(CC) -std=gnu11 -D_GNU_SOURCE -I. $(WARN) -O2 -g -static

out/dom0/hostcmp: tests/bed/hostcmp.c tests/bed/hoststate.c tests/bed/hoststate.h toolstack/base/err.c
	$(if $(V),,@echo "  CC      $@")
	$(Q)mkdir -p $(@D)
	$(Q)$(BED_CC) -o $@ $(filter %.c,$^) $(XENLIBS_TEST)

out/dom0/nofork: tests/bed/nofork.c
	$(if $(V),,@echo "  CC      $@")
	$(Q)mkdir -p $(@D)
	$(Q)$(BED_CC) -o $@ $<

out/dom0/hvmparams: tests/bed/hvmparams.c
	$(if $(V),,@echo "  CC      $@")
	$(Q)mkdir -p $(@D)
	$(Q)$(BED_CC) -o $@ $< $(XENLIBS_TEST)

out/dom0/omcheck: tests/bed/omcheck.c tests/openmetrics.h
	$(if $(V),,@echo "  CC      $@")
	$(Q)mkdir -p $(@D)
	$(Q)$(BED_CC) -o $@ $<

DOM0_PROGRAMS += out/dom0/hostcmp out/dom0/nofork out/dom0/hvmparams out/dom0/omcheck
