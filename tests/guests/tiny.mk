# SPDX-License-Identifier: LGPL-2.1-or-later
# The tiny guest (tests/guests/README).  Included by the Makefile; alone:
#   make -f tests/guests/tiny.mk out/guests/tiny

TINY_SRC := $(addprefix tests/guests/,entry.S console.c event.c lib.c main.c \
	      memory.c pv.c pvh.c store.c)
TINY_OBJ := $(patsubst tests/guests/%,out/guests/%.o,$(TINY_SRC))

# Freestanding: no libc, no vector registers (nobody saves them), no red zone
# (traps share the stack); fixed address below 2 GiB.
TINY_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie -mcmodel=small \
	-mgeneral-regs-only -mno-red-zone -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -fno-builtin \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla -Wundef \
	-Wformat=2 -Wimplicit-fallthrough \
	-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__

out/guests/%.o: tests/guests/%
	@mkdir -p $(@D)
	$(CC) $(TINY_CFLAGS) -MMD -MP -c -o $@ $<

out/guests/tiny: $(TINY_OBJ) tests/guests/tiny.lds tests/guests/tiny.mk
	$(CC) -nostdlib -static -Wl,--build-id=none \
		-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
		-Wl,-T,tests/guests/tiny.lds -o $@.elf $(TINY_OBJ)
	strip -o $@ $@.elf

-include $(TINY_OBJ:.o=.d)
