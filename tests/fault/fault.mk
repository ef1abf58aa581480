# SPDX-License-Identifier: LGPL-2.1-or-later
# `make FAULT=1 STATIC=1`: out/fault/xlite, whose Nth library call fails (fault.c). No list to
# keep: what our objects take from Xen's libraries, and from libc for files, is read from them.

FAULT_CALLS := ^(xc|xs|xtl|xen[a-z]*)_|^(open|openat|flock|pread|write|pwrite|socket|connect|send|rename|unlink|unlinkat|mkdir|linkat|ioctl|fork|posix_spawn|pipe|pipe2)(64)?$$

ifdef FAULT
LINK_OBJS := $(OUT)/renamed.o $(OUT)/fault.o

$(OUT)/xlite.o: $(OBJS)
	$(Q)$(LD) -r -o $@ $^

$(OUT)/names: $(OUT)/xlite.o
	$(Q)nm -u $< | awk '{ print $$NF }' | grep -E '$(FAULT_CALLS)' > $@

$(OUT)/renamed.o: $(OUT)/xlite.o $(OUT)/names
	$(Q)sed 's/.*/& fault_&/' $(OUT)/names > $(OUT)/renames
	$(Q)objcopy --redefine-syms=$(OUT)/renames $< $@

$(OUT)/calls.h: $(OUT)/names
	$(Q)sed 's/.*/CALL(&)/' $< > $@

$(OUT)/fault.o: tests/fault/fault.c $(OUT)/calls.h
	$(if $(V),,@echo "  CC      $<")
	$(Q)$(CC) $(ALL_CFLAGS) -I$(OUT) -c -o $@ $<
endif

out/dom0/xlite-fault: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)$(MAKE) -s FAULT=1 STATIC=1 out/fault/xlite
	$(Q)cmp -s out/fault/xlite $@ || cp out/fault/xlite $@

out/dom0/sweep: tests/fault/sweep.c tests/fault/storeproxy.c tests/fault/storeproxy.h tests/bed/hoststate.c tests/bed/hoststate.h toolstack/base/err.c
	$(if $(V),,@echo "  CC      $@")
	$(Q)mkdir -p $(@D)
	$(Q)$(BED_CC) -o $@ $(filter %.c,$^) $(XENLIBS_TEST)

DOM0_PROGRAMS += out/dom0/xlite-fault out/dom0/sweep
.PHONY: FORCE
