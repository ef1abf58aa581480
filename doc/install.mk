# SPDX-License-Identifier: LGPL-2.1-or-later
# Man pages, and what `make install` puts where: included by the top Makefile.

# Man pages out of the tables; the program is built like xlite.
MANUALS := $(OUT)/xlite.1 $(OUT)/xlite.cfg.5
man: $(MANUALS)
$(OUT)/manual: $(OUT)/doc/manual.o $(filter-out %/cmd/main.o,$(OBJS))
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LINK)
$(MANUALS): $(OUT)/%: doc/%.in doc/xlite.cfg.md $(OUT)/manual
	$(if $(V),,@echo "  MAN     $@")
	$(Q)$(OUT)/manual < $< > $@.new && mv $@.new $@

# XL_LINK=1: also as xl, for scripts that call that.
SBIN     = $(PREFIX)/sbin
LIBDIR   = $(PREFIX)/lib/xlite
MAN      = $(PREFIX)/share/man
SHARE    = $(PREFIX)/share
UNITDIR ?= $(PREFIX)/lib/systemd/system
UNITS   := xlite.service xlite-autostart.service

# An xl that is not ours stays.
ours     = [ "$$(readlink "$(DESTDIR)$(SBIN)/xl")" = xlite ]

install: $(OUT)/xlite $(OUT)/xlite-boot $(MANUALS)
	$(if $(XL_LINK),@$(ours) || ! ls -d "$(DESTDIR)$(SBIN)/xl" > /dev/null 2>&1 || \
		{ echo "$(DESTDIR)$(SBIN)/xl is there and not ours: move it away (README.md)" >&2; exit 1; })
	install -D -m 755 $(OUT)/xlite "$(DESTDIR)$(SBIN)/xlite"
	install -D -m 755 $(OUT)/xlite-boot "$(DESTDIR)$(LIBDIR)/xlite-boot"
	install -D -m 644 $(OUT)/xlite.1 "$(DESTDIR)$(MAN)/man1/xlite.1"
	install -D -m 644 $(OUT)/xlite.cfg.5 "$(DESTDIR)$(MAN)/man5/xlite.cfg.5"
	install -d "$(DESTDIR)$(SHARE)/bash-completion/completions" \
		"$(DESTDIR)$(SHARE)/zsh/site-functions" \
		"$(DESTDIR)$(SHARE)/fish/vendor_completions.d" "$(DESTDIR)$(UNITDIR)"
	$(OUT)/xlite completion bash > "$(DESTDIR)$(SHARE)/bash-completion/completions/xlite"
	$(OUT)/xlite completion zsh > "$(DESTDIR)$(SHARE)/zsh/site-functions/_xlite"
	$(OUT)/xlite completion fish > "$(DESTDIR)$(SHARE)/fish/vendor_completions.d/xlite.fish"
	for unit in $(UNITS); do \
		sed 's|@sbin@|$(SBIN)|' doc/$$unit.in > "$(DESTDIR)$(UNITDIR)/$$unit" || exit 1; \
	done
	$(if $(XL_LINK),$(ours) || ln -s xlite "$(DESTDIR)$(SBIN)/xl")

uninstall:
	if $(ours); then rm "$(DESTDIR)$(SBIN)/xl"; fi
	rm -f "$(DESTDIR)$(SBIN)/xlite" "$(DESTDIR)$(LIBDIR)/xlite-boot" \
		"$(DESTDIR)$(MAN)/man1/xlite.1" "$(DESTDIR)$(MAN)/man5/xlite.cfg.5" \
		"$(DESTDIR)$(SHARE)/bash-completion/completions/xlite" \
		"$(DESTDIR)$(SHARE)/zsh/site-functions/_xlite" \
		"$(DESTDIR)$(SHARE)/fish/vendor_completions.d/xlite.fish" \
		$(UNITS:%="$(DESTDIR)$(UNITDIR)/%")
	-rmdir "$(DESTDIR)$(LIBDIR)"

-include $(OUT)/doc/manual.d
.PHONY: man install uninstall
