# SPDX-License-Identifier: LGPL-2.1-or-later
# libFuzzer programs, tests/fuzz/fuzz_NAME.c; they need clang. check-fuzz is short and always the
# same (a fixed seed), check-fuzz-long explores; what that finds stays in out/fuzz/NAME.corpus.
# `make fuzz SECONDS=n`: one after the other, n seconds for all of them.
FUZZ_OUT  := out/fuzz
FUZZ      := $(patsubst tests/fuzz/%.c,$(FUZZ_OUT)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_OBJS := $(patsubst %.c,$(FUZZ_OUT)/%.o,$(wildcard $(base:%=toolstack/base/%.c) \
	$(config:%=toolstack/config/%.c)) $(BOOT_SRCS))
FUZZ_CC   := clang
FUZZ_RUNS ?= 10000
FUZZ_TIME ?= 600

$(FUZZ_OUT)/%.o: %.c
	$(if $(V),,@echo "  CC      $< (fuzz)")
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(filter-out $(HARDEN),$(ALL_CFLAGS)) $(SANITIZE) -fsanitize=fuzzer-no-link \
		-MMD -MP -c -o $@ $<

$(FUZZ): $(FUZZ_OUT)/%: $(FUZZ_OUT)/tests/fuzz/%.o $(FUZZ_OBJS)
	$(Q)$(FUZZ_CC) $(SANITIZE) -fsanitize=fuzzer -o $@ $^ -ljansson -luuid \
		$(BOOT_LIBS)

# Words for the mutator: tests/fuzz/NAME.dict; for cfg all keys of the table.
$(FUZZ_OUT)/%.dict: tests/fuzz/%.dict
	$(Q)mkdir -p $(@D) && cp $< $@
$(FUZZ_OUT)/cfg.dict: toolstack/config/keytab.c
	$(Q)mkdir -p $(@D)
	$(Q)grep -oE '[A-Z]\("[a-z_0-9]+"' $< | grep -oE '"[^"]+"' | sort -u >$@

# Disk images are made, with their zeroes left out.
$(FUZZ_OUT)/sparse: tests/fuzz/sparse.c
	$(Q)mkdir -p $(@D) && $(CC) -O2 -o $@ $<
$(FUZZ_OUT)/blk.seeds: tests/fuzz/seeds $(FUZZ_OUT)/sparse
	$(Q)tests/fuzz/seeds $(FUZZ_OUT)/sparse $@ && touch $@
$(FUZZ_OUT)/kernel.seeds: tests/fuzz/kernel_seeds out/guests/pv32
	$(Q)tests/fuzz/kernel_seeds out/guests/pv32 $@ && touch $@
$(FUZZ_OUT)/conf.seeds: tests/fuzz/conf_seeds
	$(Q)tests/fuzz/conf_seeds $@ && touch $@
fuzz-blk fuzz-xfs_log fuzz-image: $(FUZZ_OUT)/blk.seeds
fuzz-kernel: $(FUZZ_OUT)/kernel.seeds
$(filter fuzz-bootconf_%,$(FUZZ:$(FUZZ_OUT)/fuzz_%=fuzz-%)): $(FUZZ_OUT)/conf.seeds
FUZZ_SEEDS_blk = $(wildcard $(FUZZ_OUT)/blk.seeds/*)
FUZZ_SEEDS_xfs_log = $(wildcard $(FUZZ_OUT)/blk.seeds.log/*)
FUZZ_SEEDS_image = $(wildcard $(FUZZ_OUT)/blk.seeds.image/*)

# What to start from; boot configurations also from the corpus, where there is one.
conf_seeds = $(wildcard $(FUZZ_OUT)/conf.seeds/$1/*) $(wildcard $(2:%=$(CORPORA)/bootcfg/%))
FUZZ_SEEDS_bootconf_grub = $(call conf_seeds,grub,*.cfg)
FUZZ_SEEDS_bootconf_legacy = $(call conf_seeds,legacy,*menu.lst *-grub.conf)
FUZZ_SEEDS_bootconf_syslinux = $(call conf_seeds,syslinux,*linux*.conf)
FUZZ_SEEDS_bootconf_bls = $(call conf_seeds,bls,petitboot-bls/loader/entries/*)
FUZZ_SEEDS_bootconf_menu = $(call conf_seeds,menu)
FUZZ_SEEDS_cfg := $(wildcard tests/unit/keys/*.cfg)
FUZZ_SEEDS_kernel = $(wildcard $(FUZZ_OUT)/kernel.seeds/*)

$(FUZZ:$(FUZZ_OUT)/fuzz_%=fuzz-%): fuzz-%: $(FUZZ_OUT)/fuzz_% $(FUZZ_OUT)/%.dict
	$(Q)rm -rf $(FUZZ_OUT)/$*.short && mkdir -p $(FUZZ_OUT)/$*.short $(FUZZ_OUT)/$*.corpus
	$(if $(FUZZ_SEEDS_$*),$(Q)cp -f $(FUZZ_SEEDS_$*) $(FUZZ_OUT)/$*.$(FUZZ_INTO))
	$(Q)$(FUZZ_OUT)/fuzz_$* -timeout=10 -dict=$(FUZZ_OUT)/$*.dict $(FUZZ_ARGS) \
		-artifact_prefix=$(FUZZ_OUT)/ $(FUZZ_OUT)/$*.$(FUZZ_INTO) >$(FUZZ_OUT)/$*.log 2>&1 || \
		{ tail -40 $(FUZZ_OUT)/$*.log; exit 1; }
	@echo "fuzz_$*: $$(tail -1 $(FUZZ_OUT)/$*.log)"

FUZZ_INTO := corpus
check-fuzz: FUZZ_INTO := short
check-fuzz: FUZZ_ARGS := -runs=$(FUZZ_RUNS) -seed=1 -reload=0
check-fuzz-long: FUZZ_ARGS := -max_total_time=$(FUZZ_TIME)
FUZZ_GOALS := $(if $(shell command -v $(FUZZ_CC)),$(FUZZ:$(FUZZ_OUT)/fuzz_%=fuzz-%))
check-fuzz check-fuzz-long: $(FUZZ_GOALS)
	$(if $(FUZZ_GOALS),,@echo 'fuzzers skipped: no clang')

SECONDS ?= 3600
fuzz:
	@$(MAKE) -j1 check-fuzz-long FUZZ_TIME=$(shell expr $(SECONDS) / $(words $(FUZZ)) + 1)

-include $(FUZZ_OBJS:.o=.d) $(FUZZ:$(FUZZ_OUT)/%=$(FUZZ_OUT)/tests/fuzz/%.d)
.PHONY: fuzz check-fuzz check-fuzz-long $(FUZZ:$(FUZZ_OUT)/fuzz_%=fuzz-%)
