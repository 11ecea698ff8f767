# The library as others use it: built, installed, described, compared.
#
#   lib            $(B)/lib: libreadbuf.a, libreadbuf.so and its links
#   man            $(B)/man: the manual pages
#   install        PREFIX, LIBDIR, INCLUDEDIR, MANDIR; DESTDIR before all.
#                  Root without DESTDIR renews the linker's cache (LDCONFIG)
#   uninstall      the same variables; removes what install put there
#   check-library  tests/library, on a library installed for the purpose
#   check-final    the tests of every stage, linked with all layers
#   abi-baseline   accept the library's interface as it is now
#
# The library needs pandoc for its pages only: MAN_PAGES= leaves them out.
#
# Debian packages of check-library: abigail-tools mandoc g++ clang binutils.

READBUF_VERSION := $(shell awk '$$2 ~ /^READBUF_VERSION_(MAJOR|MINOR|PATCH)$$/ \
	{version = version dot $$3; dot = "."} END {print version}' \
	code/*/readbuf.h)
# Programs that were linked with one version run with every later one of
# the same soname: docs/abi is what that promise is checked against.
SONAME := libreadbuf.so.0

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
DESTDIR    ?=
INSTALL    ?= install
LDCONFIG   ?= ldconfig
OBJCOPY    ?= $(call cc_tool,objcopy)

.PHONY: lib man install uninstall check-library check-final abi-baseline

# ---------------------------------------------------------------- build

LIB := $(B)/lib
LIB_HEADERS := $(sort $(wildcard code/*/readbuf*.h))
LIB_OBJECTS := $(patsubst code/%.c,$(LIB)/%.o,$(call layers,$(LAST)))
LIB_SHARED := libreadbuf.so.$(READBUF_VERSION)
LIB_FILES := libreadbuf.a $(LIB_SHARED) $(SONAME) libreadbuf.so

# The library's own calls are replaced by no program: they need no detour.
LIB_CFLAGS := -fPIC -fno-semantic-interposition \
	-ffile-prefix-map=$(CURDIR)=.

lib: $(addprefix $(LIB)/,$(LIB_FILES)) ## build the library in build/lib

$(LIB)/%.o: code/%.c Makefile docs/library.mk
	@mkdir -p $(@D)
	$(info $(CC) -fPIC $<)
	$(Q)$(call compile,$(call includes,$(patsubst %/,%,$(dir $*)))) \
		$(LIB_CFLAGS) -MMD -MP -c $< -o $@

-include $(LIB_OBJECTS:.o=.d)

# Both libraries are made of this one object, in which the names of ours
# that are not in readbuf.map are local: a program may use them itself.
# What the compiler shares between objects it must be able to share.
$(LIB)/readbuf.o: $(LIB_OBJECTS) docs/readbuf.map
	$(Q)$(CC) $(CFLAGS) -fno-lto -nostdlib -r -o $@.all $(LIB_OBJECTS)
	$(Q)sed -n '$$s/.*/readbuf_*/p; s/^ *\(readbuf_[a-z_]*\);$$/!\1/p' \
		docs/readbuf.map >$@.local
	$(Q)$(OBJCOPY) --wildcard --localize-symbols=$@.local $@.all $@

$(LIB)/libreadbuf.a: $(LIB)/readbuf.o
	@rm -f $@
	$(Q)$(AR) rcsD $@ $<

$(LIB)/$(LIB_SHARED): $(LIB)/readbuf.o
	$(Q)$(LINK) -shared -Wl,-soname,$(SONAME) -Wl,-z,defs \
		-Wl,-Bsymbolic-functions -Wl,--version-script=docs/readbuf.map \
		-o $@ $< $(LIBURING)

$(LIB)/$(SONAME): $(LIB)/$(LIB_SHARED)
$(LIB)/libreadbuf.so: $(LIB)/$(SONAME)
$(LIB)/$(SONAME) $(LIB)/libreadbuf.so:
	@ln -sf $(<F) $@

# ---------------------------------------------------------------- pages

# A page stands for every name in its NAME section: PAGE:NAME each.
MAN_NAMES := $(shell awk '/^\# / {name = /NAME/; next} \
	name {sub(/ - .*/, ""); gsub(/,/, ""); page = FILENAME; \
		gsub(/.*\/|\.3\.md$$/, "", page); \
		for (i = 1; i <= NF; i++) print page ":" $$i}' \
	$(wildcard docs/man/*.3.md))
man_page = $(word 1,$(subst :, ,$(1)))
man_name = $(word 2,$(subst :, ,$(1)))
MAN_SOURCES := $(wildcard docs/man/*.md)
MAN_WRITTEN := $(notdir $(MAN_SOURCES:.md=))
MAN_ALIASES := $(filter-out $(MAN_WRITTEN), \
	$(foreach n,$(MAN_NAMES),$(call man_name,$(n)).3))
MAN_PAGES := $(MAN_WRITTEN) $(MAN_ALIASES)

man: $(addprefix $(B)/man/,$(MAN_PAGES))

$(addprefix $(B)/man/,$(MAN_WRITTEN)): $(B)/man/%: docs/man/%.md \
		docs/library.mk
	@mkdir -p $(@D)
	$(Q)$(PANDOC) --standalone --from markdown-smart --to man \
		--metadata footer="readbuf $(READBUF_VERSION)" -o $@ $<
	@sed -i '/^\.TH /s/\\-/-/g' $@ # the date, as pandoc 3 has it

$(addprefix $(B)/man/,$(MAN_ALIASES)): $(MAN_SOURCES)
	@mkdir -p $(@D)
	@echo .so man3/$(call man_page,$(filter \
		%:$(@F:.3=),$(MAN_NAMES))).3 >$@

# -------------------------------------------------------------- install

# Where everything goes, for install and for uninstall.
INSTALLED = $(addprefix $(INCLUDEDIR)/,$(notdir $(LIB_HEADERS))) \
	$(addprefix $(LIBDIR)/,$(LIB_FILES)) $(LIBDIR)/pkgconfig/readbuf.pc \
	$(foreach p,$(MAN_PAGES),$(MANDIR)/man$(subst .,,$(suffix $(p)))/$(p))

# Paths below PREFIX are written with it, so that pkg-config can move it.
below_prefix = $(patsubst $(PREFIX)/%,$${prefix}/%,$(1))

# Programs find a library in /usr/local by a cache that is root's to renew;
# in a DESTDIR it is the package manager's.
link_cache = @[ "$(DESTDIR)" ] || [ "$$(id -u)" -ne 0 ] || \
	! command -v $(LDCONFIG) >/dev/null || $(LDCONFIG)

install: lib man ## install the library: PREFIX=/usr/local DESTDIR=
	@for f in $(INSTALLED); do echo "$(DESTDIR)$${f%/*}"; done | sort -u | \
		tr '\n' '\0' | xargs -0 $(INSTALL) -d
	$(INSTALL) -m 644 $(LIB_HEADERS) "$(DESTDIR)$(INCLUDEDIR)"
	$(INSTALL) -m 644 $(LIB)/libreadbuf.a "$(DESTDIR)$(LIBDIR)"
	$(INSTALL) -m 755 $(LIB)/$(LIB_SHARED) "$(DESTDIR)$(LIBDIR)"
	ln -sf $(LIB_SHARED) "$(DESTDIR)$(LIBDIR)/$(SONAME)"
	ln -sf $(SONAME) "$(DESTDIR)$(LIBDIR)/libreadbuf.so"
	sed -e 's|@prefix@|$(PREFIX)|' -e 's|@version@|$(READBUF_VERSION)|' \
		-e 's|@libdir@|$(call below_prefix,$(LIBDIR))|' \
		-e 's|@includedir@|$(call below_prefix,$(INCLUDEDIR))|' \
		docs/readbuf.pc.in >"$(DESTDIR)$(LIBDIR)/pkgconfig/readbuf.pc"
	@for p in $(MAN_PAGES); do \
		$(INSTALL) -m 644 $(B)/man/$$p \
			"$(DESTDIR)$(MANDIR)/man$${p##*.}" || exit 1; \
	done
	$(link_cache)

uninstall: ## remove what install put there: same PREFIX, same DESTDIR
	@for f in $(INSTALLED); do rm -f "$(DESTDIR)$$f"; done
	$(link_cache)

# ---------------------------------------------------------------- check

check-library: lib man $(B)/01-registration/demo
	tests/library/man.py $(B)/man $(LIB_HEADERS)
	B=$(B) MAKE="$(MAKE)" tests/library/install.sh $(LIB_HEADERS)
	MAKE="$(MAKE)" tests/library/packager.sh
	tests/library/abi.sh $(LIB)/$(LIB_SHARED) $(LIB_HEADERS)

abi-baseline: lib
	tests/library/abi.sh --accept $(LIB)/$(LIB_SHARED) $(LIB_HEADERS)

# Every stage's tests again, linked with all layers: plainly, then under
# valgrind, then compiled with the sanitizers, all of which take their time.
check-final: export CK_TIMEOUT_MULTIPLIER = 10
check-final:
	$(SUB) B=$(B)/final FINAL=1 tests
	$(SUB) B=$(B)/final R=$(B)/final/valgrind FINAL=1 \
		RUNNER="valgrind -q --error-exitcode=9 --leak-check=full" tests
	$(SUB) B=$(B)/final/address FINAL=1 SAN="-fsanitize=address,undefined \
		-fno-sanitize-recover=all" tests
	$(SUB) B=$(B)/final/thread FINAL=1 SAN=-fsanitize=thread \
		RUNNER="setarch -R" tests
