# Runs the tests on other kernels: Debian's, in a virtual machine.
#
#   kernels   every test program on every one of KERNELS; a minute each
#
# A kernel is named as Debian names its series: 6.1, 6.12. Downloads are kept
# in $(B)/kernels, with what each machine printed; what the tests of the claims
# said is written to docs/kernels, for the book.
#
# Debian packages: qemu-system-x86. Needs apt-get, dpkg-deb and Debian's keys.

KERNELS ?= 6.1 6.12 6.16 7.1 7.3
GUEST   := $(B)/guest

# Built apart, because the virtual machine gets a copy of all programs there.
GUEST_TESTS = $(foreach s,$(STAGES),$(patsubst %.c,$(GUEST)/%,$(call tests,$(s))))

.PHONY: kernels check-tools-kernels
kernels: ## KERNELS=6.12: run every test on other kernels, under QEMU
	@$(SUB) -s B=$(GUEST) build-tests
	@tests/kernels/kernels.py $(B)/kernels $(GUEST) "$(KERNELS)" $(GUEST_TESTS)

check-tools: check-tools-kernels
check-tools-kernels:
	python3 -B tests/kernels/test_kernels.py
