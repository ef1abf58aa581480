# SPDX-License-Identifier: LGPL-2.1-or-later
# The tiny guest (tests/guests/README).  Included by the Makefile; alone:
#   make -f tests/guests/tiny.mk out/guests/tiny
# Objects are kept apart: all of out/guests goes into the test bed.

TINY_SRC := $(addprefix tests/guests/,entry.S console.c event.c lib.c main.c \
	      memory.c pv.c pvh.c store.c)
TINY_OBJ := $(patsubst tests/guests/%,out/tests/guests/%.o,$(TINY_SRC))

# Freestanding: no libc, no vector registers (nobody saves them), no red zone
# (traps share the stack); fixed address below 2 GiB.
TINY_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie -mcmodel=small \
	-mgeneral-regs-only -mno-red-zone -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -fno-builtin \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla -Wundef \
	-Wformat=2 -Wimplicit-fallthrough -Wcast-qual -Wnull-dereference \
	-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__

out/tests/guests/%.o: tests/guests/% tests/guests/tiny.mk
	$(if $(V),,@echo "  CC      $<")
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TINY_CFLAGS) $(if $(CI),-Werror) -MMD -MP -c -o $@ $<

out/guests/tiny: $(TINY_OBJ) tests/guests/tiny.lds
	$(if $(V),,@echo "  LD      $@")
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -nostdlib -static -s -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
		-Wl,-z,noexecstack -Wl,-T,tests/guests/tiny.lds -o $@ $(TINY_OBJ)

-include $(TINY_OBJ:.o=.d)

out/guests/pv32: tests/guests/pv32.S
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -m32 -nostdlib -static -Wl,-m,elf_i386 -Wl,--build-id=none \
		-Wl,-Ttext=0x100000 -o $@ $<

out/guests/sector: tests/guests/sector.S
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -m32 -nostdlib -static -Wl,-m,elf_i386 -Wl,--build-id=none -Wl,-Ttext=0x7c00 \
		-Wl,--oformat,binary -o $@ $<
