# Runs the tests on other kernels: Debian's, in a virtual machine.
#
#   kernels   every test program on every one of KERNELS; half a minute each
#
# A kernel is named as Debian names its series: 6.1, 6.12. Downloads are kept
# in $(B)/kernels, with what each machine printed.
#
# Debian packages: qemu-system-x86. Needs Debian's own apt-get and dpkg-deb.

KERNELS ?= 6.1 6.12
GUEST   := $(B)/guest

# Built apart, because the virtual machine gets a copy of all programs there.
GUEST_TESTS = $(foreach s,$(STAGES),$(patsubst %.c,$(GUEST)/%,$(call tests,$(s))))

.PHONY: kernels check-tools-kernels
kernels: ## KERNELS=6.12: run every test on older kernels, under QEMU
	@$(SUB) -s B=$(GUEST) programs $(GUEST_TESTS)
	@tests/kernels/kernels.py $(B)/kernels $(GUEST) "$(KERNELS)" $(GUEST_TESTS)

check-tools: check-tools-kernels
check-tools-kernels:
	python3 -B tests/kernels/test_kernels.py
