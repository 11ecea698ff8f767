# A fuzz target over the public calls, on a simulated io_uring.
#
#   fuzz        look for a script that the library answers wrongly, with
#               clang's libFuzzer, until there is one; FUZZ=-help=1
#   check-fuzz  the stored scripts, with gcc and with clang, and a few
#               thousand new ones
#   $(B)/fuzz_pool  the target alone, as OSS-Fuzz builds it: CC, CXX, CFLAGS
#               and LIB_FUZZING_ENGINE are the environment's
#
# Debian packages: clang libclang-rt-dev.

LIB_FUZZING_ENGINE ?= -fsanitize=fuzzer
FUZZ ?=
FUZZ_CORPUS := tests/fuzz/corpus
FUZZ_WRAP := $(foreach f,syscall mmap mmap64 munmap aligned_alloc, \
	-Wl,--wrap=$(f))
FUZZ_PARTS := $(B)/tests/fuzz/fuzz_pool.o $(B)/tests/fuzz/simuring.o \
	$(call simkernel_object,$(LAST)) $(B)/$(LAST)/layers.a

$(B)/tests/fuzz/%.o: tests/fuzz/%.c Makefile
	@mkdir -p $(@D)
	$(info $(CC) $<)
	$(Q)$(call compile,$(call includes,$(LAST)) -Itests/support) \
		-MMD -MP -c $< -o $@

$(B)/fuzz_pool: $(FUZZ_PARTS)
	$(Q)$(CXX) $(CFLAGS) $(SAN) -fno-lto $(LDFLAGS) $(FUZZ_WRAP) -o $@ \
		$^ $(LIB_FUZZING_ENGINE) $(LIBURING) -pthread

# The same without libFuzzer: runs the scripts that it is given.
$(B)/replay_pool: $(FUZZ_PARTS) $(B)/tests/fuzz/replay.o
	$(Q)$(LINK) $(FUZZ_WRAP) -o $@ $^ $(LIBURING) -pthread

FUZZ_SAN := address,undefined -fno-sanitize-recover=all
FUZZ_MAKE = $(SUB) B=$(B)/fuzz CC=clang CXX=clang++ \
	SAN="-fsanitize=fuzzer-no-link,$(FUZZ_SAN)" $(B)/fuzz/fuzz_pool
# Long scripts from the start: in short ones little can happen.
FUZZ_RUN := $(B)/fuzz/fuzz_pool -len_control=0 -max_len=400 \
	-artifact_prefix=$(B)/fuzz/

.PHONY: fuzz check-fuzz
fuzz: ## fuzz the library until something is found: FUZZ=-max_total_time=60
	@$(FUZZ_MAKE)
	@mkdir -p $(B)/fuzz/found
	$(FUZZ_RUN) $(FUZZ) $(B)/fuzz/found $(FUZZ_CORPUS)

check-fuzz:
	$(SUB) $(B)/replay_pool
	$(B)/replay_pool $(FUZZ_CORPUS)/*
	$(SUB) B=$(B)/final/address SAN="-fsanitize=$(FUZZ_SAN)" \
		$(B)/final/address/replay_pool
	$(B)/final/address/replay_pool $(FUZZ_CORPUS)/*
	@if echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | \
		clang -fsanitize=fuzzer -x c - -o $(B)/probe 2>/dev/null; \
	then $(FUZZ_MAKE) && rm -rf $(B)/fuzz/new && mkdir $(B)/fuzz/new && \
		{ $(FUZZ_RUN) -seed=1 -runs=3000 $(B)/fuzz/new $(FUZZ_CORPUS) \
		>$(B)/fuzz/log 2>&1 || { cat $(B)/fuzz/log; exit 1; }; }; \
	else echo "no libFuzzer here: no new scripts"; fi
