# Borrowed Buffers: the book, its stages, the library. `make help` first.
#
# Stage N lives in code/NN-name, tests/NN-name and chapters/NN-name.md.
# Its objects see the headers of stages 1..N and no others; its tests
# link an archive of layers 1..N, whole, so that a layer which needs a
# later one does not build.

# Where to build, where the tests' results go, what runs the tests.
B ?= build
R ?= $(B)/results
RUNNER ?=
# All processes of an unprivileged user share one limit of locked memory,
# so test programs take turns.
ALONE := $(if $(filter 0,$(shell id -u)),,flock $(R))
ifeq ($(origin CC),default)
CC := gcc
endif
# Tools that the compiler knows: its own, when it compiles for another
# machine.
cc_tool = $(shell $(CC) $(CFLAGS) -print-prog-name=$(1))
ifeq ($(origin AR),default)
AR = $(call cc_tool,ar)
endif
PKG_CONFIG ?= pkg-config
# Their headers are not ours to be warned of.
uses = $(patsubst -I%,-isystem%,$(shell $(PKG_CONFIG) $(1)))

# Yours, from the environment or the command line; added by us is what
# the code needs, and warnings, which are errors in `check` alone.
CPPFLAGS ?=
CFLAGS ?= -O2 -g
LDFLAGS ?=
SAN ?=
WERROR ?=

WARN := -Wall -Wextra -Wpedantic $(WERROR) -Wshadow -Wconversion \
	-Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wcast-align -Wcast-qual -Wwrite-strings -Wundef -Wformat=2 \
	-Wpointer-arith -Wswitch-enum
# Sees the include paths $(1). Link-time optimisation is off, because it
# loses --wrap in the tests and leaves objcopy no machine code.
compile = $(CC) -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(WARN) \
	$(1) $(call uses,--cflags liburing) $(CPPFLAGS) $(CFLAGS) $(SAN) \
	-fno-lto
LINK = $(CC) $(CFLAGS) $(SAN) -fno-lto $(LDFLAGS)
LIBURING = $(call uses,--libs liburing)

# Seen by the tests, so that memory can be made to fail, a sleep be noticed,
# and a pool be made whose kernel is simulated.
WRAPPED := mmap mmap64 munmap malloc calloc aligned_alloc realloc free \
	clock_nanosleep readbuf_ring_register readbuf_ring_unregister \
	readbuf_ring_head io_uring_queue_init
WRAP := $(foreach f,$(WRAPPED),-Wl,--wrap=$(f))
# Calls of an answer that come to the grader of its stage first.
counted = $(sort $(shell sed -n 's/.*__wrap_\([a-z_]*\).*/\1/p' \
	tests/$(1)/exercise.c))

# V=1 shows the commands.
Q := $(if $(V),,@)

STAGES := $(sort $(notdir $(wildcard code/[0-9][0-9]-*)))
LAST := $(lastword $(STAGES))
# The stages up to and including $(1).
upto = $(foreach s,$(STAGES),$(if $(filter $(s),$(firstword \
	$(sort $(s) $(1)))),$(s)))
includes = $(foreach s,$(call upto,$(1)),-Icode/$(s))
# ... and what the tests of $(1), its exercise and its answer see as well.
test_includes = $(call includes,$(1)) -Itests/$(1) -Itests/support
layer = $(filter-out %/demo.c %/exercise.c %/answer.c %/simkernel.c \
	%/create.c,$(wildcard code/$(1)/*.c))
# What stage $(1) is made of: layers, and of the files named create.c, in
# which a stage wires its pieces together, the last.
layers = $(foreach s,$(call upto,$(1)),$(call layer,$(s))) $(lastword \
	$(sort $(wildcard $(patsubst %,code/%/create.c,$(call upto,$(1))))))
# The simulated kernel belongs to a stage, and to no archive: programs and
# tests of that stage and of later ones link it.
simkernel = $(wildcard $(foreach s,$(call upto,$(1)),code/$(s)/simkernel.c))
simkernel_object = $(patsubst code/%.c,$(B)/%.o,$(call simkernel,$(1)))
tests = $(wildcard tests/$(1)/test_*.c)
exhibits = $(wildcard code/$(1)/exhibits/*.c)
# ... and those that are also built for ThreadSanitizer, or for
# AddressSanitizer.
SANITIZED := 03-release-ordering/exhibits/relaxed_store.tsan \
	04-readbuf/exhibits/kept_pointer.asan
exhibit_programs = $(patsubst code/%.c,$(B)/%,$(call exhibits,$(1))) \
	$(addprefix $(B)/,$(filter $(1)/%,$(SANITIZED)))
answers = $(wildcard tests/$(1)/answers/*.c)
# What a stage's tests share: neither a test program nor the exercise,
# nor the program of mistakes that the memory tools must find.
helpers = $(patsubst %.c,$(B)/%.o,$(filter-out %/exercise.c %/misuse.c \
	$(call tests,$(1)),$(wildcard tests/$(1)/*.c)))
graded = $(if $(call answers,$(1)),$(B)/$(1)/exercise/starter \
	$(patsubst tests/$(1)/answers/%.c,$(B)/$(1)/exercise/%, \
	$(call answers,$(1))))

# The archive a stage is linked with: its own layers, or all.
archive = $(B)/$(if $(FINAL),$(LAST),$(1))/layers.a

# The stage a user means by N=2: its directory's name.
N ?=
STAGE := $(if $(N),$(filter $(shell printf %02d $(N) 2>&1)-%,$(STAGES)))
need_stage = $(if $(STAGE),,$(error say which stage: N=1 .. \
	N=$(words $(STAGES))))

# Every C file there is.
SOURCES := $(sort $(wildcard code/*/*.[ch] code/*/exhibits/*.[ch] \
	tests/*/*.[ch] tests/*/answers/*.c))
# "make setup check": even with -j, first the one, then the other.
SETUP_FIRST := $(filter setup,$(MAKECMDGOALS))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help setup book check stage test tests build-tests sync exercise \
	where clean programs

help:
	@awk -F '## ' '/^[a-z-]+:.*## / {sub(/:.*/, "", $$1); \
		printf "  make %-11s %s\n", $$1, $$2}' $(filter Makefile %.mk, \
		$(MAKEFILE_LIST))

setup: ## install what is missing to build the book and the stages
	@docs/setup.sh install book

# Only `setup` installs. Everything else says what it misses.
.PHONY: want-code want-book
want-code want-book: want-%:
	@docs/setup.sh want $*

# ---------------------------------------------------------------- objects

SUPPORT := $(addprefix $(B)/tests/support/,support.o sandbox.o faults.o \
	simhead.o simring.o)

# An exhibit for one sanitizer, whatever the others are. Where the compiler
# has none, a program that says so.
define sanitized
	@mkdir -p $(@D)
	$(info $(CC) -fsanitize=$(1) $<)
	$(Q)$(call compile,$(call includes,$(3))) $(LDFLAGS) \
		-fno-sanitize=all -fsanitize=$(1) -o $@ $^ -pthread || { \
		printf '%s\n' '#!/bin/sh' 'echo no $(2) here >&2' 'exit 69' \
		>$@ && chmod +x $@; }
endef

# One set of rules a stage: $(1) is its name, such as 02-selection.
define stage_rules
$(B)/$(1)/%.o: code/$(1)/%.c Makefile
	@mkdir -p $$(@D)
	$$(info $$(CC) $$<)
	$$(Q)$$(call compile,$$(if $$(filter exercise answer,$$*), \
		$(call test_includes,$(1)),$(call includes,$(1)))) \
		-MMD -MP -c $$< -o $$@

$(B)/$(1)/layers.a: $(patsubst code/%.c,$(B)/%.o,$(call layers,$(1)))
	@rm -f $$@
	$$(Q)$$(AR) rcsD $$@ $$^

$(B)/$(1)/demo $(patsubst code/%.c,$(B)/%,$(call exhibits,$(1))) \
		$(B)/tests/$(1)/misuse: \
		%: %.o $(call simkernel_object,$(1)) $(call archive,$(1))
	$$(Q)$$(LINK) -o $$@ $$^ $$(LIBURING) -pthread

$(B)/$(1)/exhibits/%.tsan: code/$(1)/exhibits/%.c $(call simkernel,$(1))
	$$(call sanitized,thread,ThreadSanitizer,$(1))

$(B)/$(1)/exhibits/%.asan: code/$(1)/exhibits/%.c
	$$(call sanitized,address,AddressSanitizer,$(1))

$(B)/tests/$(1)/%.o: tests/$(1)/%.c Makefile
	@mkdir -p $$(@D)
	$$(info $$(CC) $$<)
	$$(Q)$$(call compile,$(call test_includes,$(1))) -MMD -MP \
		-c $$< -o $$@

$(patsubst %.c,$(B)/%,$(call tests,$(1))): %: %.o $(SUPPORT) \
		$(call simkernel_object,$(1)) $(call helpers,$(1)) \
		$(call archive,$(1))
	$$(Q)$$(LINK) $(WRAP) -o $$@ $$(filter %.o,$$^) \
		-Wl,--whole-archive $(call archive,$(1)) \
		-Wl,--no-whole-archive $$(LIBURING) $$(call uses,--libs check)

# An answer is graded by the exercise's tests, not by the warnings that
# the book keeps to.
$(B)/$(1)/answer.o $(patsubst %.c,$(B)/%.o,$(call answers,$(1))): \
		override CFLAGS += -Wno-error -Wno-unused-parameter
$(B)/$(1)/exercise/starter: $(B)/$(1)/exercise.o
$(B)/$(1)/exercise/yours: $(B)/$(1)/answer.o
$(patsubst tests/$(1)/answers/%.c,$(B)/$(1)/exercise/%, \
		$(call answers,$(1))): \
		$(B)/$(1)/exercise/%: $(B)/tests/$(1)/answers/%.o
$(call graded,$(1)) $(B)/$(1)/exercise/yours: \
		$(B)/tests/$(1)/exercise.o $(SUPPORT) \
		$(call simkernel_object,$(1)) $(B)/$(1)/layers.a
	@mkdir -p $$(@D)
	$$(Q)$$(LINK) $(WRAP) $$(foreach f,$$(call counted,$(1)), \
		-Wl,--wrap=$$(f)) -o $$@ $$(filter %.o,$$^) \
		$$(filter %.a,$$^) $$(LIBURING) \
		$$(call uses,--libs check)

.PHONY: programs-$(1) build-tests-$(1) tests-$(1) grade-$(1)
programs-$(1): $(B)/$(1)/demo \
	$(call exhibit_programs,$(1))
build-tests-$(1): programs-$(1) $(patsubst %.c,$(B)/%,$(call tests,$(1)))
tests-$(1): $(patsubst tests/$(1)/%.c,$(R)/$(1)/%.done,$(call tests,$(1)))
grade-$(1): $(call graded,$(1))
	tests/support/grade.sh $(B) $(1)

# A test program runs again when it, or what it runs, was rebuilt.
$(R)/$(1)/%.done: $(B)/tests/$(1)/% $(B)/refuse $(B)/$(1)/demo \
		$(call exhibit_programs,$(1))
	@mkdir -p $$(@D) && rm -f $$@
	@BUILD=$(B) $(ALONE) $$(RUNNER) $$< $$(@:.done=) && touch $$@
endef
$(foreach s,$(STAGES),$(eval $(call stage_rules,$(s))))

$(B)/tests/support/%.o: tests/support/%.c Makefile
	@mkdir -p $(@D)
	$(info $(CC) $<)
	$(Q)$(call compile,$(call includes,$(firstword $(STAGES)))) -MMD -MP \
		-c $< -o $@

$(B)/refuse: $(B)/tests/support/refuse.o $(B)/tests/support/sandbox.o
	$(Q)$(LINK) -o $@ $^

-include $(wildcard $(B)/*/*.d $(B)/*/exhibits/*.d $(B)/tests/*/*.d \
	$(B)/tests/*/answers/*.d)

programs: $(addprefix programs-,$(STAGES)) $(B)/refuse
build-tests: $(addprefix build-tests-,$(STAGES)) $(B)/refuse ## build every test and what it runs, and run none
tests: $(addprefix tests-,$(STAGES))

# ----------------------------------------------------------------- verbs

stage: want-code ## N=2: build that stage and run its program
	$(need_stage)@$(MAKE) --no-print-directory $(B)/$(STAGE)/demo >&2
	@$(B)/$(STAGE)/demo

test: want-code ## run every stage's tests; N=2: that stage's
	$(if $(N),$(need_stage))@rm -rf $(addprefix $(R)/,$(or $(STAGE), \
		$(STAGES)))
	@$(MAKE) -k --no-print-directory tests$(addprefix -,$(STAGE))

exercise: want-code ## N=2: grade your answer to that chapter's exercise
	$(need_stage)@test -e code/$(STAGE)/answer.c || { \
		cp code/$(STAGE)/exercise.c code/$(STAGE)/answer.c; \
		echo "Your copy is code/$(STAGE)/answer.c: change it there."; }
	@$(MAKE) --no-print-directory $(B)/$(STAGE)/exercise/yours
	@$(B)/$(STAGE)/exercise/yours
	@tests/support/why.sh tests/$(STAGE)/answers/solution.c

where: want-book ## SYM=name: the file and the page a symbol stands in
	$(if $(SYM),,$(error say which symbol: SYM=readbuf_decode))@docs/sync.py where $(SYM)

# ------------------------------------------------------------------ book

# One make after the other, so that each sees what the last one made. A
# test that fails here fails in `check`; the book says that it did.
book: $(or $(SETUP_FIRST),want-book) ## build and run every stage, render build/book
	@$(MAKE) --no-print-directory programs
	@$(MAKE) --no-print-directory -k tests >$(B)/tests.log 2>&1 || \
		echo "some tests failed, the book says which: $(B)/tests.log"
	@$(MAKE) --no-print-directory book-pages
	@echo "The book: $(BOOK)/index.html"

include docs/book.mk docs/check.mk docs/explorer.mk
include docs/library.mk docs/kernels.mk docs/elsewhere.mk docs/fuzz.mk \
	docs/mutants.mk docs/bench.mk

# What the pages are made from besides their text: listings, outputs of
# this run, verdicts of the tests. Every page is made from it, so it has a
# new time only when there is news in it.
$(BOOK)/data.lua: $(BOOK)/data.exported
	@test -e $@ || docs/sync.py export $@
$(BOOK)/data.exported: $(BOOK_CHAPTERS) $(BOOK_EXTRA) $(SOURCES) $(wildcard docs/sync.py \
		docs/bookkit/*.py docs/kernels/*.txt $(R)/*/*.tap)
	@mkdir -p $(@D)
	docs/sync.py export $(BOOK)/data.lua
	@touch $@

sync: want-book programs ## bring the chapters' listings, outputs and figures up to date
	docs/sync.py sync

# ----------------------------------------------------------------- check

CHECKS := format prose lint gcc sync exercises clang bench refused errno memory \
	final fuzz library tools book pages

check: setup-check ## run everything the authors run: a few minutes
	@start=$$(date +%s); for step in $(CHECKS); do \
		echo "== $$step, at $$(($$(date +%s) - start)) s"; \
		$(MAKE) --no-print-directory check-$$step || exit 1; \
	done; \
	echo "Everything passes on Linux $$(uname -r)," \
		"in $$(($$(date +%s) - start)) s."

setup-check: $(SETUP_FIRST)
	@docs/setup.sh $(if $(SETUP_FIRST),install,want) check

JOBS := -j$(shell nproc)
SUB = $(MAKE) --no-print-directory $(JOBS) WERROR=-Werror

.PHONY: setup-check $(addprefix check-,$(CHECKS))
# Each clang-format sets a line or two in its own way: one version decides.
check-format:
	@case "$$(clang-format --version)" in \
	*'version 14.'*) clang-format --dry-run -Werror $(SOURCES) ;; \
	*) echo 'SKIPPED, clang-format 14 is the one that decides' ;; \
	esac

check-lint:
	printf '%s\n' $(filter-out %/exercise.c,$(filter \
		code/%.c tests/support/%.c,$(SOURCES))) | xargs -P2 -n4 sh -c \
		'clang-tidy --quiet "$$@" -- -std=c11 -D_GNU_SOURCE \
		$(foreach s,$(STAGES),-Icode/$(s)) -Itests/support \
		2>/dev/null' lint
	cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
		--enable=warning,performance,portability \
		--suppress=missingIncludeSystem \
		--suppress=normalCheckLevelMaxBranches \
		$(foreach s,$(STAGES),-Icode/$(s)) -Itests/support $(SOURCES)

check-exercises:
	$(SUB) $(addprefix grade-,$(STAGES))

check-gcc:
	$(SUB) -B build-tests
	$(SUB) tests

check-clang:
	$(SUB) B=$(B)/clang CC=clang programs tests

# Where io_uring is forbidden, and where too few files may be open: tests
# skip what they must and pass.
check-refused:
	$(SUB) R=$(B)/refused RUNNER="$(B)/refuse EPERM" tests
	$(SUB) R=$(B)/short RUNNER="prlimit --nofile=16" tests

# What is compiled on the assumption that malloc leaves errno alone.
check-errno:
	$(SUB) B=$(B)/errno CFLAGS="-O2 -ffast-math" \
		$(B)/errno/results/01-registration/test_probe.done \
		$(B)/errno/results/05-pool/test_create.done

check-sync:
	docs/sync.py check

# ---------------------------------------------------------- memory tools

# Programs that make mistakes, for three tools. Nothing is built where a
# tool's compiler, header or runtime is missing; tools.sh then says so.
# Functions are not inlined, so that the reports name them; valgrind 3.19
# reads DWARF 4.
MEMORY := $(B)/memory
MISUSES := $(patsubst %.c,%,$(wildcard tests/[0-9]*/misuse.c))

# For the tool $(1), with the compiler $(2) and its flags $(3).
define misuses
	@mkdir -p $(MEMORY)
	@if printf '#include "own.h"\nint main(void) { return 0; }\n' | \
		$(2) $(3) $(call includes,$(LAST)) -x c - -o $(MEMORY)/probe \
		2>/dev/null; \
	then $(SUB) B=$(MEMORY)/$(1) CC="$(2)" SAN="$(3)" CFLAGS="-O1 -gdwarf-4 \
		-fno-inline -fno-omit-frame-pointer" FINAL=1 \
		$(addprefix $(MEMORY)/$(1)/,$(MISUSES)); \
	else rm -rf $(MEMORY)/$(1); fi
endef

check-memory:
	$(call misuses,asan,$(CC),-fsanitize=address)
	$(call misuses,valgrind,$(CC),-DREADBUF_VALGRIND)
	$(call misuses,msan,clang,-fsanitize=memory)
	tests/support/tools.sh $(MEMORY) $(MISUSES)

# The rules between stages and the tools of the book, against fixtures
# that must fail.
.PHONY: check-tools-build check-tools-book
check-tools: check-tools-build check-tools-book
check-tools-build:
	python3 -B tests/build/test_stages.py
check-tools-book:
	python3 -B -m unittest discover -s tests/book -p 'test_sync*.py'
	python3 -B tests/book/test_figures.py
	python3 -B tests/book/test_render.py
	python3 -B tests/book/test_setup.py

check-book:
	$(MAKE) --no-print-directory book

clean: ## remove everything generated
	rm -rf $(B)
