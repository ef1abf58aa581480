# SPDX-License-Identifier: LGPL-2.1-or-later
# Config files from the wild and Xen's own vectors, against what xl 4.17 makes of them.
CORPORA ?= ../shared/corpora
$(UNIT_OUT)/corpus: $(UNIT_OUT)/tests/corpus/corpus.o $(UNIT_OUT)/libxlite.a
	$(Q)$(CC) $(SANITIZE) -o $@ $^ -Wl,-Bstatic $(LIBS) -Wl,-Bdynamic

$(UNIT_OUT)/bootcfg: $(UNIT_OUT)/tests/corpus/bootcfg.o $(UNIT_OUT)/libxlite.a
	$(Q)$(CC) $(SANITIZE) -o $@ $^ -Wl,-Bstatic $(BOOT_LIBS) -Wl,-Bdynamic

check-corpus: $(UNIT_OUT)/corpus $(UNIT_OUT)/bootcfg
	$(Q)t=$(UNIT_OUT)/corpus.tap; $(UNIT_OUT)/corpus $(CORPORA) >$$t 2>&1; rc=$$?; \
		$(UNIT_OUT)/bootcfg $(CORPORA) >>$$t 2>&1 || rc=1; grep -A3 '^not ok' $$t; \
		grep -E '^# [0-9]+ files|^# vectors|^# boot conf|SKIP|ERROR' $$t; \
		echo "$$(grep -c '^ok' $$t) passed, $$(grep -c '^not ok' $$t) failed"; exit $$rc
.PHONY: check-corpus

# The configs with every key, for tests/bed/t/15-dryrun.t.
out/dom0/keys.tar: $(wildcard tests/unit/keys/*.cfg)
	$(Q)mkdir -p $(@D) && tar cf $@ -C tests/unit/keys $(^F)
DOM0_PROGRAMS += out/dom0/keys.tar

# Those of them that the bed can run, for tests/bed/t/48-corpus.t; empty where there is no corpus.
$(UNIT_OUT)/fit: $(UNIT_OUT)/tests/corpus/fit.o $(UNIT_OUT)/libxlite.a
	$(Q)$(CC) $(SANITIZE) -o $@ $^ -Wl,-Bstatic $(LIBS) -Wl,-Bdynamic

out/dom0/corpus.tar: $(UNIT_OUT)/fit $(wildcard $(CORPORA)/xlcfg/*.cfg)
	$(Q)rm -rf out/corpus && mkdir -p $(@D) out/corpus
	$(Q)for f in $(filter %.cfg,$^); do $< $$f out/corpus/$${f##*/} 2>> out/corpus/left-out || \
		[ $$? = 3 ] || exit 1; done
	$(Q)tar cf $@ -C out/corpus .
DOM0_PROGRAMS += out/dom0/corpus.tar
-include $(wildcard $(UNIT_OUT)/tests/corpus/*.d)
