# make            build/supervisor: one static binary (musl)     make TLS=0  without TLS
# make run        a supervisord with the demonstration configuration, in the foreground
# make test       every check there is: scripts/ci.sh            make lint   the static ones
# make unit [T='buf str']  unit tests         make fuzz [T=...] [FUZZ_SECS=5]     make system
# make SAN=1      clang, ASan + UBSan; make DEBUG=1 both with glibc; V=1 shows the commands
# make FAULTS=1   calls fail on demand (tests/faults/faults.c); with SAN=1 too
# make COV=1      counts what is executed: scripts/coverage.sh
# make bench [BENCH='--quick --rows start,log']     ours beside the original and others
# make order      lays the binary out anew, by what runs (scripts/order.py; needs valgrind)
# make install DESTDIR= PREFIX=/usr/local     make clean (keeps downloads)   make distclean
TLS ?= 1
PREFIX ?= /usr/local
FUZZ_SECS ?= 5
VARIANT := $(if $(SAN),san,$(if $(COV),cov,$(if $(DEBUG),debug,release)))$(if $(filter 0,$(TLS)),-notls)
BASE_VARIANT := $(VARIANT)
VARIANT := $(VARIANT)$(if $(FAULTS),-faults)
O := build/$(VARIANT)

WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wvla -Werror
CPPFLAGS += -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
ifdef SAN
CC := clang
CFLAGS ?= -O1 -g -fno-omit-frame-pointer
SAN_FLAGS := -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all \
    -DJOURNAL_CRASH_POINTS
else ifdef COV
# The counters are a mapped file (%c in LLVM_PROFILE_FILE): what is killed counts too.
CC := clang
CFLAGS ?= -O0 -g
COV_FLAGS := -fprofile-instr-generate -fcoverage-mapping -mllvm -runtime-counter-relocation \
    -Wno-unused-command-line-argument
else
CFLAGS ?= $(if $(DEBUG),-O0 -g3)
endif
ALL_CFLAGS = -std=c11 $(WARN) $(DEP_CFLAGS) $(CFLAGS) $(SAN_FLAGS) $(COV_FLAGS) $(CPPFLAGS) $(DEP_CPPFLAGS)

SRC := $(wildcard applets/*.c applets/*/*.c applets/*/*/*.c core/*/*.c config/*.c)
SRC := $(filter-out core/io/tls_$(if $(filter 0,$(TLS)),mbedtls,none).c,$(SRC))
# Files that the binary carries: sample_conf[], help_txt[], web/style.css as web_style_css[].
WEB := $(wildcard applets/supervisord/api/web/*)
GEN := build/gen/sample_conf.c build/gen/help_txt.c $(foreach f,$(notdir $(WEB)),build/gen/web_$(subst .,_,$f).c)
OBJ := $(SRC:%.c=$O/%.o) $(GEN:%.c=$O/%.o)
FAULT_OBJ := $(if $(FAULTS),$O/tests/faults/faults.o)
LIB_OBJ := $(filter-out $(patsubst %.c,$O/%.o,$(wildcard applets/*.c)),$(OBJ))
UNIT := $(patsubst %.c,$O/%,$(wildcard $(if $T,$(T:%=tests/unit/test_%.c),tests/unit/test_*.c)))
FUZZ := $(patsubst %.c,$O/%,$(wildcard $(if $T,$(T:%=tests/fuzz/fuzz_%.c),tests/fuzz/fuzz_*.c)))

run = $(if $(V),,@echo '  $@';)

.PHONY: all unit fuzz system bench order test run lint tidy install clean distclean force
.DELETE_ON_ERROR:
all: $(if $(SAN)$(DEBUG)$(FAULTS)$(COV),$O/supervisor,build/supervisor)

# What is not ours: deps.mk tells the compiler (musl's for the release), inih and mbedTLS.
# Other flags on the command line compile anew.
ifeq ($(filter %clean,$(MAKECMDGOALS)),)
FLAGS := $(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(MUSL_CC) $(MBEDTLS_DIR) $(INIH_DIR)
$(shell mkdir -p $O; echo '$(FLAGS)' | cmp -s - $O/flags || echo '$(FLAGS)' > $O/flags)
$O/deps.mk: scripts/deps scripts/deps.lock core/io/tls_config.h config/ini_flags.h $O/flags
	@CC='$(CC)' DEP_FLAGS='$(SAN_FLAGS)' TLS='$(TLS)' MUSL_CC='$(MUSL_CC)' \
	    MBEDTLS_DIR='$(MBEDTLS_DIR)' INIH_DIR='$(INIH_DIR)' scripts/deps $(BASE_VARIANT) $@
include $O/deps.mk
endif

# What is used together lies together (a linker that cannot: ORDER=).
ORDER ?= $(if $(SAN)$(COV)$(DEBUG),,scripts/order.ld)
$O/supervisor: $(OBJ) $(FAULT_OBJ) $(ORDER)
	$(run) $(DEP_CC) $(ALL_CFLAGS) $(DEP_LDFLAGS) $(LDFLAGS) $(ORDER:%=-Wl,-T,%) \
	    $(if $(FAULTS),$$(nm $(FAULT_OBJ) | sed -n 's/.* T __wrap_/-Wl,--wrap=/p')) \
	    -Wl,-Map,$@.map -o $@ $(filter %.o,$^) $(DEP_LIBS)
build/supervisor: $O/supervisor force
	@$(or $(STRIP),$(shell $(CC) -print-prog-name=strip)) -o $@ $<
# The same with later records, for the tests of upgrades.
NEWER := $(patsubst %,$O/newer/applets/supervisord/%.o,super_save super_restore)
$O/newer/supervisor: $(filter-out $(NEWER:$O/newer/%=$O/%),$(OBJ)) $(NEWER)
	$(run) $(DEP_CC) $(ALL_CFLAGS) $(DEP_LDFLAGS) $(LDFLAGS) -o $@ $^ $(DEP_LIBS)
$O/newer/%.o: %.c $O/deps.mk
	@mkdir -p $(@D)
	$(run) $(DEP_CC) $(ALL_CFLAGS) -DSUPER_RECORD_VERSION=99 -MMD -MP -c -o $@ $<
$O/libtest.a: $(LIB_OBJ)
	@rm -f $@
	$(run) ar rc $@ $^
# Where the time of requests goes: made for speed, the rest of the release for size.
FAST := $(addprefix core/,base/buf base/copy base/str rules/describe wire/http_head wire/rpc_fields wire/xml)
# (-O2 without what is large and gains nothing here)
FAST_CFLAGS := -O2 -fno-inline-functions -fno-tree-vectorize \
    -falign-functions=1 -falign-loops=1 -falign-jumps=1
$(if $(SAN)$(COV)$(DEBUG),,$(FAST:%=$O/%.o): CFLAGS += $(FAST_CFLAGS))
# They are memcpy, strstr ...: no loop in them may become a call of these, nor get they lost.
$O/core/base/copy.o $O/core/base/libc_parts.o: CFLAGS += -fno-builtin -fno-lto
$O/%.o: %.c $O/deps.mk
	@mkdir -p $(@D)
	$(run) $(DEP_CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
build/gen/sample_conf.c: config/sample.conf
build/gen/help_txt.c: config/help.txt
$(foreach f,$(WEB),$(eval build/gen/web_$(subst .,_,$(notdir $f)).c: $f))
$(GEN): scripts/embed.sh
	@mkdir -p $(@D)
	$(run) scripts/embed.sh $(basename $(@F)) $(filter-out scripts/%,$^) > $@

# A test links what its lines "/* links: a.c b.c */" name ("all": everything but the mains);
# without such a line, everything.
links = $(or $(shell sed -n 's|^/\* links: \(.*\) \*/$$|\1|p' $(1)),all)
define test_rule
$O/$(1:.c=): $O/$(1:.c=.o) $(patsubst all,$O/libtest.a,$(patsubst %.c,$O/%.o,$(call links,$1)))
	$$(run) $$(DEP_CC) $$(ALL_CFLAGS) -fno-lto $(2) -o $$@ $$^ $(3) $$(DEP_LIBS)
endef
# Programs that the system tests use; linked like a test.
TOOLS := $(patsubst %.c,$O/%,$(wildcard tests/tools/*.c))
$(foreach t,$(TOOLS:$O/%=%.c),$(eval $(call test_rule,$t,$$(DEP_LDFLAGS),)))
ifneq ($(SAN)$(COV),)
$(foreach t,$(UNIT:$O/%=%.c),$(eval $(call test_rule,$t,,-lcmocka)))
$O/tests/unit/test_tls $O/tests/unit/test_http_tls: | build/gen/tls/ours.pem
build/gen/tls/ours.pem: tests/unit/make_certs.sh
	@mkdir -p $(@D) && $< $(@D) >$@.log 2>&1 || { cat $@.log; exit 1; }
$(foreach t,$(FUZZ:$O/%=%.c),$(eval $(call test_rule,$t,-fsanitize=fuzzer,)))
unit: $(UNIT)
	scripts/unit.sh $^
fuzz: $(FUZZ)
	scripts/fuzz.sh $(FUZZ_SECS) $^
else
unit fuzz:
	@$(MAKE) --no-print-directory SAN=1 $@
endif

# The first Python that has pytest; with xdist four tests at a time, which mostly wait.
PYTHON ?= $(firstword $(foreach p,python3 /usr/bin/python3,\
    $(shell $p -c 'import pytest' 2>/dev/null && echo $p)) python3)
system: $(if $(SAN)$(FAULTS)$(COV),$O/supervisor,build/supervisor) $(TOOLS) $O/newer/supervisor
	@# test_clock.py needs one that takes a preloaded library; the flags are those of ci.sh
	@$(MAKE) --no-print-directory SAN= FAULTS= COV= DEBUG=1 TLS=1 CC=gcc CFLAGS='-O2 -D_FORTIFY_SOURCE=2 -g'
	cd tests/system && $(if $(SAN),ASAN_OPTIONS="$${ASAN_OPTIONS:-detect_leaks=1}") \
	    SUPERVISOR_BIN=$(CURDIR)/$< \
	    CONF_DUMP=$(CURDIR)/$O/tests/tools/conf_dump \
	    NEWER_BIN=$(CURDIR)/$O/newer/supervisor $(PYTHON) -m pytest -q $(PYTEST) \
	    $$($(PYTHON) -c 'import xdist' 2>/dev/null && printf '%s' '-n 4')
# The benchmark's helpers are as small as ours: the same compiler, static.
BENCH_TOOLS := $(patsubst tests/bench/%.c,build/bench/%,$(wildcard tests/bench/*.c))
build/bench/%: tests/bench/%.c tests/bench/tool.h $O/deps.mk
	@mkdir -p $(@D)
	$(run) $(DEP_CC) -O2 $(ALL_CFLAGS) -fno-lto $(DEP_LDFLAGS) $(LDFLAGS) -o $@ $<
build/bench/notls: force | build/supervisor
	@$(MAKE) --no-print-directory TLS=0 build/release-notls/supervisor
	@$(or $(STRIP),$(shell $(CC) -print-prog-name=strip)) -o $@ build/release-notls/supervisor
bench: build/supervisor $(BENCH_TOOLS) build/bench/notls
	BENCH_TOOLS=build/bench /usr/bin/python3 -B tests/bench/bench.py $(BENCH)
order: build/supervisor $(BENCH_TOOLS)
	scripts/order.py
	@$(MAKE) --no-print-directory build/supervisor
test:
	scripts/ci.sh
lint:
	scripts/ci.sh layers docs coverage style shellcheck tidy cppcheck
tidy: $(SRC:%.c=$O/%.tidy)
$O/%.tidy: %.c $O/%.o .clang-tidy
	@# it is clang's, which does not know all of gcc's ways to optimize a whole program
	@echo '  $@'; clang-tidy --quiet $< -- \
	    $(filter-out -flto% -ffat-lto% -fira% -malign% -fno-caller% -fno-partial%,$(ALL_CFLAGS)) \
	    2>$@.log || { cat $@.log; exit 1; }
	@touch $@
run: build/supervisor
	@mkdir -p build/demo build/bin && build/supervisor --install -s -f build/bin
	exec build/supervisor supervisord -n -c tests/demo/supervisord.conf

MAN = $(wildcard applets/*.[1-8] config/*.[1-8])
install: build/supervisor
	install -D -m 755 build/supervisor $(DESTDIR)$(PREFIX)/bin/supervisor
	for name in $$(build/supervisor --list); do \
	    ln -sf supervisor $(DESTDIR)$(PREFIX)/bin/$$name; done
	for page in $(MAN); do install -D -m 644 $$page \
	    $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done

clean:
	rm -rf build/release* build/san* build/debug* build/cov* build/gen build/supervisor
distclean:
	rm -rf build
-include $(shell find $O -name "*.d" 2>/dev/null)
