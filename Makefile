# SPDX-License-Identifier: MIT
# Short names for what is done often; meson does the work.
#
#   make                  build
#   make demo             build, then boot Linux to a shell in this terminal
#   make check            build, then run every test
#   make bench            compare with qemu-system-* (N=5 ARCH=amd64 JSON=file)
#   make clean
#
# SANITIZE=1 does it with the sanitizers, in a folder of its own. CONFIGURE has
# more options for ./configure.

ifdef SANITIZE
BUILD ?= build-sanitize
CONFIGURE += --enable-sanitize
endif
BUILD ?= build
N ?= 1
QUIET = >/dev/null

all: build

setup-%:
	@scripts/setup.sh $(subst -, ,$*)

configured: setup-build
	@test -f $(BUILD)/build.ninja || \
	    ./configure --builddir=$(BUILD) $(CONFIGURE) $(QUIET)

build: configured
	@ninja --quiet -C $(BUILD)

demo: setup-build-guests
	@$(MAKE) -s build
	@scripts/fetch.sh -a arm64 kernel
	@scripts/demo.py $(BUILD)/anole

check: setup-build-guests-test configured
	@scripts/fetch.sh kernel workloads tools installer firmware sysroot || \
	    echo "check: no guests here; tests that boot one are skipped"
	@scripts/check.py $(BUILD) $(if $(SANITIZE),-t 4)

bench: setup-build-guests-bench
	@$(MAKE) -s build
	@scripts/fetch.sh kernel workloads
	@scripts/bench.py -n $(N) $(if $(ARCH),-a "$(ARCH)") \
	    $(if $(JSON),--json $(JSON)) $(BUILD)/anole

clean:
	rm -rf build build-*

.PHONY: all configured build demo check bench clean
