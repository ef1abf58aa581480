# SPDX-License-Identifier: LGPL-2.1-or-later
# Targets that test: included by the top Makefile.

# Unit tests: tests/unit/test_NAME.c, one binary each, always with sanitizers. All of xlite but
# its main() is linked from an archive, so a test names nothing twice.
UNIT_SRCS := $(wildcard tests/unit/test_*.c)
UNIT_OUT  := out/unit
UNIT      := $(UNIT_SRCS:tests/unit/%.c=$(UNIT_OUT)/%)
UNIT_OBJS := $(filter-out $(UNIT_OUT)/cmd/main.o,$(SRCS:%.c=$(UNIT_OUT)/%.o)) \
	$(BOOT_SRCS:%.c=$(UNIT_OUT)/%.o)
UNIT_CFLAGS = $(filter-out $(HARDEN),$(ALL_CFLAGS)) $(SANITIZE)

$(UNIT_OUT)/%.o: %.c Makefile
	$(if $(V),,@echo "  CC      $< (unit)")
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -MMD -MP -c -o $@ $<

$(UNIT_OUT)/libxlite.a: $(UNIT_OBJS)
	$(Q)rm -f $@ && ar rcs $@ $^

$(UNIT): $(UNIT_OUT)/%: $(UNIT_OUT)/tests/unit/%.o $(UNIT_OUT)/libxlite.a
	$(Q)$(CC) $(SANITIZE) -o $@ $^ -Wl,-Bstatic $(LIBS) $(BOOT_LIBS) -Wl,-Bdynamic

# Scripts: what installed xlite is to other programs.
UNIT_SCRIPTS := $(wildcard tests/unit/*.t)
check-unit: $(UNIT) out/xlite out/xlite-boot man
	tests/unit/run $(UNIT) $(UNIT_SCRIPTS)

-include $(UNIT_OBJS:.o=.d) $(UNIT_SRCS:%.c=$(UNIT_OUT)/%.d)
.PHONY: check-unit
.SECONDARY: $(UNIT_SRCS:%.c=$(UNIT_OUT)/%.o)

include tests/bed/bed.mk
include tests/fault/fault.mk
include tests/bench/bench.mk
include tests/corpus/corpus.mk
include tests/fuzz/fuzz.mk

# All that dom0 needs in out/, then the test files, two beds at a time. LONG=1: those that take
# hours, in full.
check-bed: all check-bed-programs
	LONG=$(LONG) tests/bed/run -j 2

# The same with xlite built with sanitizers; TESTS chooses files. Not for times or faults.
check-bed-san: check-bed-programs
	@$(MAKE) -s SAN=1 out/san/xlite
	BED_XLITE=out/san/xlite tests/bed/run $(or $(TESTS),10-query 12-lifecycle 13-memory \
		14-console 20-create 21-bad-input 23-foreground)
check-bed-programs: out/guests/tiny out/guests/pv32 out/guests/sector $(DOM0_PROGRAMS)

# cppcheck knows neither __attribute__((cleanup)) nor structs filled by designators: hence what it
# is told to leave out. gcc's -fanalyzer (ANALYZE=1) takes what a struct keeps for lost.
lint:
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability,performance \
		-I. -Itoolstack --suppress=missingInclude --suppress=memleak --suppress=uninitvar \
		--suppress=legacyUninitvar $(SRCS)
	$(if $(ANALYZE),for f in $(SRCS); do $(CC) $(ALL_CFLAGS) -fanalyzer -c -o /dev/null $$f; done)

# The targets of the README install what they need first; in a make of their own, because what
# pkg-config says is read when make starts.
check check-long:
	@tests/bed/deps --install build bed check
	@tests/check $(if $(findstring long,$@),long)
demo:
	@tests/bed/deps --install build bed
	@$(MAKE) -s all out/guests/tiny
	@tests/bed/demo
.PHONY: check check-long check-bed check-bed-san check-bed-programs demo lint
