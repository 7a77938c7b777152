# bleherd: GNU make, one file. `make help` lists the targets.
#   CONFIG=release|asan|tsan|cover|fuzz   V=1   CC=clang   WERROR=0   DESTDIR= PREFIX=
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

CONFIG  ?= release
V       ?= 0
WERROR  ?= 1
PREFIX  ?= /usr/local
DESTDIR ?=
ifeq ($(origin CC),default)
CC      := $(if $(filter fuzz,$(CONFIG)),clang,gcc)
endif

VERSION  := 0.1.0
SOVERSION := 0
# PLANT: one of the bugs that `make soak-planted` has the soak find.
PLANTS   := lost-wakeup leaked-link double-answer
B        := $(if $(PLANT),build/plant-$(PLANT),$(if $(filter release,$(CONFIG)),build,build/$(CONFIG)))
O        := $(B)/obj
GEN      := build/gen
PKG      := libsystemd libcap libseccomp libelf libprotobuf-c inih jansson
TEST_PKG := check
Q        := $(if $(filter 1,$(V)),,@)

# --- flags (STYLE.md 1 and 2) ---
flag_ok   = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
WARN     := -Wall -Wextra $(if $(filter 1,$(WERROR)),-Werror) -Wshadow -Wstrict-prototypes \
            -Wmissing-prototypes -Wold-style-definition -Wvla -Wconversion -Wsign-conversion \
            -Wformat=2 -Wundef -Wcast-align -Wswitch-enum -Wimplicit-fallthrough -Wwrite-strings
WARN     += $(call flag_ok,-Wlogical-op) $(call flag_ok,-Wduplicated-cond)
HARDEN   := -fstack-protector-strong -fno-common -fvisibility=hidden
LDHARDEN := -Wl,-z,relro,-z,now
OPT.release := -O2 -g -D_FORTIFY_SOURCE=3
OPT.asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
# gcc 12, instrumenting for threads, loses track of what chan_recv() initialises, and does not know
# the fence of ipc/locktab.c (which is between processes).
OPT.tsan    := -O1 -g -fno-omit-frame-pointer -fsanitize=thread \
               $(call flag_ok,-Wno-maybe-uninitialized) $(call flag_ok,-Wno-tsan)
OPT.cover   := -O0 -g --coverage
OPT.fuzz    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link \
               -fno-sanitize-recover=undefined
CPPFLAGS += -D_GNU_SOURCE -I. -I$(GEN) -DBLEHERD_VERSION='"$(VERSION)"' \
            -DBLEHERD_PREFIX='"$(PREFIX)"'
CPPFLAGS += $(if $(PLANT),-DBLEHERD_PLANT_$(shell echo '$(PLANT)' | tr a-z- A-Z_))
# What instruments code makes system calls of its own: no filter there, see SECURITY.md.
CPPFLAGS += $(if $(filter release,$(CONFIG)),,-DBLEHERD_INSTRUMENTED)
CFLAGS   += -std=c17 -Wpedantic $(WARN) $(HARDEN) $(OPT.$(CONFIG)) -fPIC
LDFLAGS  += $(LDHARDEN) $(filter -fsanitize=%,$(OPT.$(CONFIG))) $(filter --coverage,$(OPT.$(CONFIG)))

pkg_cflags := $(shell pkg-config --cflags $(PKG) $(TEST_PKG) 2>/dev/null)
CPPFLAGS += $(pkg_cflags)
libs      = $(shell pkg-config --libs $(1) 2>/dev/null)

# --- what is built from what: one folder, one library or binary ---
src       = $(sort $(wildcard $(1)/*.c))
obj       = $(patsubst %.c,$(O)/%.o,$(call src,$(1)))
PROTOS   := $(sort $(wildcard ipc/*.proto))
PB_C     := $(patsubst %.proto,$(GEN)/%.pb-c.c,$(PROTOS))
PB_H     := $(PB_C:.c=.h)
PB_O     := $(patsubst $(GEN)/%.c,$(O)/%.o,$(PB_C))

LIB_IPC  := $(O)/libipc.a
LIB_LOOP := $(O)/libloop.a
LIB_GUARD := $(O)/libguard.a
LIB_CLIENT := $(O)/libclient.a
LIB_A    := $(B)/lib/libbleherd.a
LIB_SO   := $(B)/lib/libbleherd.so.$(VERSION)
ROLES    := bleherd-worker bleherd-lockd bleherd-rescue
BINS     := $(addprefix $(B)/bin/,bleherdd $(ROLES) bleherd bleherd-sim bleherd-soak)

.PHONY: all
all: $(BINS) $(LIB_A) $(LIB_SO)

$(LIB_IPC): $(call obj,ipc) $(PB_O)
$(LIB_LOOP): $(call obj,ipc/loop)
$(LIB_GUARD): $(call obj,ipc/guard)
$(LIB_CLIENT): $(call obj,ipc/client) $(call obj,ipc) $(PB_O)

# A binary is its folder's objects, the archives named here and its packages.
$(B)/bin/bleherdd:       $(call obj,supervisor) $(LIB_LOOP) $(LIB_IPC)
$(B)/bin/bleherd-rescue: $(call obj,supervisor/rescue) $(LIB_IPC)
$(B)/bin/bleherd-worker: $(call obj,worker) $(LIB_GUARD) $(LIB_LOOP) $(LIB_IPC)
$(B)/bin/bleherd-lockd:  $(call obj,lockd) $(LIB_GUARD) $(LIB_LOOP) $(LIB_IPC)
$(B)/bin/bleherd:        $(call obj,ipc/client/cli) $(LIB_CLIENT)
$(B)/bin/bleherd-sim:    $(call obj,contrib/sim)
$(B)/bin/bleherd-demo:   $(call obj,contrib/demo) $(LIB_A)
# The soak is a program of the library; how a fault plan is read it has from the sim.
$(B)/bin/bleherd-soak:   $(O)/contrib/soak/main.o $(O)/libsoak.a $(LIB_A) $(LIB_IPC)

$(B)/bin/bleherdd:       LIBS = $(call libs,libsystemd libcap libelf libprotobuf-c inih)
$(B)/bin/bleherd-rescue: LIBS = $(call libs,libsystemd libprotobuf-c)
$(B)/bin/bleherd-worker: LIBS = $(call libs,libsystemd libcap libseccomp libprotobuf-c)
$(B)/bin/bleherd-lockd:  LIBS = $(call libs,libsystemd libcap libseccomp libprotobuf-c)
$(B)/bin/bleherd:        LIBS = $(call libs,libsystemd libprotobuf-c jansson)
$(B)/bin/bleherd-sim:    LIBS = $(call libs,libsystemd)
$(B)/bin/bleherd-demo:   LIBS = $(call libs,libprotobuf-c)
$(B)/bin/bleherd-soak:   LIBS = $(call libs,libprotobuf-c jansson) -lm

# Built as a program of somebody else: the public header, the archive, no other flags of ours.
EXAMPLES := $(patsubst contrib/examples/%.c,$(B)/examples/%,$(sort $(wildcard contrib/examples/*.c)))
.PHONY: examples
examples: $(EXAMPLES) ## the programs of contrib/examples
$(B)/examples/%: contrib/examples/%.c $(wildcard ipc/bleherd*.h) $(LIB_A)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE -Iipc $(WARN) $(OPT.$(CONFIG)) -o $@ $< $(LIB_A) \
		$(call libs,libprotobuf-c)

$(BINS) $(B)/bin/bleherd-demo:
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(CC) $(LDFLAGS) -pie -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS) -pthread

%.a:
	@mkdir -p $(@D)
	$(if $(Q),@echo "  AR      $@")
	$(Q)rm -f $@ && ar rcs $@ $^

# One object in which only the public names are global: a program's own names cannot clash.
$(LIB_A): $(call obj,ipc/client) $(call obj,ipc) $(PB_O)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  AR      $@")
	$(Q)ld -r -o $(O)/bleherd.o $^ && objcopy --localize-hidden $(O)/bleherd.o
	$(Q)rm -f $@ && ar rcs $@ $(O)/bleherd.o

$(LIB_SO): $(call obj,ipc/client) $(call obj,ipc) $(PB_O)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(CC) $(LDFLAGS) -shared -Wl,-soname,libbleherd.so.$(SOVERSION) -Wl,--exclude-libs,ALL \
		-o $@ $^ $(call libs,libprotobuf-c)
	$(Q)ln -sf $(notdir $@) $(@D)/libbleherd.so.$(SOVERSION)
	$(Q)ln -sf libbleherd.so.$(SOVERSION) $(@D)/libbleherd.so

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC      $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# protoc-c's output is not ours: it is compiled without our warnings.
$(O)/ipc/%.pb-c.o: $(GEN)/ipc/%.pb-c.c | $(PB_H)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC      $<")
	$(Q)$(CC) $(CPPFLAGS) -std=c17 $(HARDEN) $(OPT.$(CONFIG)) -fPIC -MMD -MP -c -o $@ $<

$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h &: %.proto
	@mkdir -p $(@D)
	$(if $(Q),@echo "  PROTOC  $<")
	$(Q)protoc-c --c_out=$(GEN) $<

# HELLO compares it: two binaries with one id agree on every message and shared page.
$(GEN)/ipc/build_id.h: $(PROTOS) $(wildcard ipc/*.h)
	@mkdir -p $(@D)
	$(Q)printf '#pragma once\n#define BUILD_ID "$(VERSION)-%s"\n' \
		$$(cat $^ | sha256sum | cut -c1-16) > $@

# Everything may include a generated header; after the first build the .d files know who does.
$(filter-out $(O)/contrib/%,$(foreach d,ipc ipc/loop ipc/guard ipc/client ipc/client/cli supervisor supervisor/rescue worker lockd,$(call obj,$(d)))): | $(PB_H) $(GEN)/ipc/build_id.h

# --- tests: one check program per folder below tests/unit, and one for tests/integ ---
UNITS     := $(notdir $(patsubst %/,%,$(sort $(dir $(wildcard tests/unit/*/*.c)))))
TEST_BINS := $(addprefix $(B)/tests/unit-,$(UNITS)) $(if $(wildcard tests/integ/*.c),$(B)/tests/integ)
SUPPORT   := $(O)/libsupport.a
suites     = $(patsubst test_%.c,%,$(notdir $(wildcard $(1)/test_*.c)))
no_main    = $(filter-out %/main.o,$(call obj,$(1)))

$(SUPPORT): $(call obj,tests/support)
$(B)/tests/unit-ipc: $(LIB_LOOP) $(LIB_IPC)
$(B)/tests/unit-guard: $(LIB_GUARD) $(LIB_IPC)
$(B)/tests/unit-client: $(LIB_CLIENT)
$(B)/tests/unit-cli: $(filter-out %/main.o,$(call obj,ipc/client/cli)) $(LIB_CLIENT)
$(B)/tests/unit-supervisor: $(call no_main,supervisor) $(LIB_GUARD) $(LIB_LOOP) $(LIB_IPC)
$(B)/tests/unit-worker: $(call no_main,worker) $(LIB_GUARD) $(LIB_LOOP) $(LIB_IPC)
$(B)/tests/unit-lockd: $(call no_main,lockd) $(LIB_GUARD) $(LIB_LOOP) $(LIB_IPC)
$(B)/tests/unit-sim: $(call no_main,contrib/sim)
# hist is not public: the archive of that name is linked beside the library.
LIB_SOAK := $(O)/libsoak.a
$(LIB_SOAK): $(call no_main,contrib/soak) $(patsubst %.c,$(O)/%.o,$(sort $(filter-out %/plan_run.c,$(wildcard contrib/sim/plan*.c))))
$(B)/tests/unit-soak: $(LIB_SOAK) $(LIB_A) $(LIB_IPC)
$(B)/tests/integ: $(LIB_SOAK) $(LIB_A) $(LIB_GUARD) $(LIB_IPC)

# bleherd-worker as somebody who took it over would use it, among the real others.
TAKEN_OVER := $(B)/tests/taken-over/bleherd-worker
$(O)/tests/fault/taken_over.o: | $(PB_H)
$(TAKEN_OVER): $(O)/tests/fault/taken_over.o $(O)/tests/support/breakout.o $(call obj,worker) \
	$(LIB_GUARD) $(LIB_LOOP) $(LIB_IPC)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(CC) $(LDFLAGS) -pie -Wl,--wrap=control_tick -o $@ $^ \
		$(call libs,libsystemd libcap libseccomp libprotobuf-c) -pthread
	$(Q)ln -sf ../../bin/bleherd-lockd ../../bin/bleherd-rescue $(@D)

$(B)/tests/churn-lab: $(O)/tests/lab/churn_lab.o $(O)/tests/support/churn.o \
	$(O)/tests/support/churn_judge.o $(LIB_A)
$(B)/tests/contend-client: $(O)/tests/lab/contend_client.o $(LIB_A)
$(O)/tests/fault/die_at.o: | $(PB_H)
$(B)/tests/die-at: $(O)/tests/fault/die_at.o $(LIB_IPC)

define test_program
$(2): $$(call obj,$(1)) $$(SUPPORT) $(GEN)/$(1)/runner.c
$(GEN)/$(1)/runner.c: $$(wildcard $(1)/test_*.c) Makefile
	@mkdir -p $$(@D)
	$$(Q)( echo '#include "tests/support/runner.h"'; \
	  for s in $$(call suites,$(1)); do echo "Suite *suite_$$$$s(void);"; done; \
	  echo 'int main(int argc, char **argv) { Suite *(*const all[])(void) = {'; \
	  for s in $$(call suites,$(1)); do echo "suite_$$$$s,"; done; \
	  echo '}; static const char *const names[] = {'; \
	  for s in $$(call suites,$(1)); do echo "\"$$$$s\","; done; \
	  echo '}; return runner_main(argc, argv, all, names, sizeof(all) / sizeof(all[0])); }' ) > $$@
endef
$(foreach u,$(UNITS),$(eval $(call test_program,tests/unit/$(u),$(B)/tests/unit-$(u))))
$(eval $(call test_program,tests/integ,$(B)/tests/integ))
$(foreach d,$(addprefix tests/unit/,$(UNITS)) tests/integ tests/support,$(call obj,$(d))): | $(PB_H)

$(B)/tests/%:
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -pie -o $@ $(filter %/runner.c,$^) $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(call libs,$(PKG) $(TEST_PKG)) -lm -pthread

# --- fuzzing: a program per tests/fuzz/fuzz_X.c; CONFIG=fuzz, since libFuzzer is clang's ---
FUZZERS   := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_A    := $(O)/libfuzz.a
ROLE_A     = $(foreach r,$(1),$(O)/librole-$(r).a)
$(FUZZ_A): $(patsubst %.c,$(O)/%.o,$(filter-out tests/fuzz/fuzz_%,$(call src,tests/fuzz)))
$(foreach r,supervisor worker lockd,$(eval $(call ROLE_A,$(r)): $(call no_main,$(r))))
# Of the roles only what it names, which is pure: as archives. Some names are in two of them.
$(B)/tests/unit-days: $(call ROLE_A,supervisor worker lockd) $(O)/contrib/sim/model.o \
	$(O)/contrib/sim/kinds.o $(LIB_LOOP) $(LIB_IPC)
$(foreach n,config mgmt supervisor words,$(eval $(B)/fuzz-$(n): $(call ROLE_A,supervisor)))
$(foreach n,mirror worker words,$(eval $(B)/fuzz-$(n): $(call ROLE_A,worker)))
$(foreach n,lockd slotq,$(eval $(B)/fuzz-$(n): $(call ROLE_A,lockd)))
$(B)/fuzz-client: $(LIB_CLIENT)
$(B)/fuzz-slotq: $(O)/tests/unit/lockd/slotq_model.o
$(call obj,tests/fuzz): | $(PB_H) $(GEN)/ipc/build_id.h

# What tests/fuzz defines stands in for what a role or a library has of that name.
$(addprefix $(B)/fuzz-,$(FUZZERS)): $(B)/fuzz-%: $(O)/tests/fuzz/fuzz_%.o $(FUZZ_A) $(LIB_LOOP) $(LIB_IPC) $(LIB_GUARD)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -pie -o $@ $(filter %.o,$^) $(FUZZ_A) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(call libs,$(PKG)) -pthread

# --- what people call ---
.PHONY: run test check tests lint format churn storm lab-bus lab-churn lab-smoke lab-locks lab-stuck lab-reset lab-scan lab-signals lab-silent lab-survive lab-write contend model bench bench-compare bench-chart bench-lock bench-connect bench-notify bench-survive install uninstall clean help asan tsan die-at-n bench-guard
.PHONY: soak soak-lab soak-nightly soak-planted soak-differential
.PHONY: fuzz fuzz-corpus fuzz-bins cover mutate
JOBS      := $(shell nproc 2>/dev/null || echo 2)
BOOTSTRAP := @contrib/bootstrap
SUBMAKE   := +@$(MAKE) --no-print-directory -j$(JOBS)

run: ## install what is missing, build, show the main job (KEEP=1 leaves the world up)
	$(BOOTSTRAP) test
	$(SUBMAKE) all $(B)/bin/bleherd-demo
	@BLEHERD_BIN='$(B)/bin' contrib/demo/run

test: ## install what is missing, build, run the unit and integration tests
	$(BOOTSTRAP) test
	$(SUBMAKE) check

check: all tests ## run the tests (no installing)
	@BLEHERD_BIN='$(B)/bin' CK_TIMEOUT_MULTIPLIER=$(or $(CK_TIMEOUT_MULTIPLIER),1) tests/run $(TEST_BINS)

# The pages of bleherd-soak: nothing of the daemon's, so that they can be made of any machine's JSON.
PAGES := $(sort $(foreach p,report svg compare,$(wildcard contrib/soak/$(p)*.c)))
$(B)/tests/report-page: $(O)/tests/browser/page.o $(PAGES:%.c=$(O)/%.o)

.PHONY: report-test
report-test: ## the soak's report in a real browser: PICTURES=DIR keeps what it looked like
	$(BOOTSTRAP) browser
	$(SUBMAKE) $(B)/tests/report-page
	@tests/browser/run --page '$(B)/tests/report-page' $(if $(PICTURES),--pictures '$(PICTURES)')

tests: $(TEST_BINS) $(B)/tests/die-at $(EXAMPLES) $(TAKEN_OVER)

asan: ## the tests once more under ASan and UBSan
	$(SUBMAKE) CONFIG=asan CK_TIMEOUT_MULTIPLIER=4 check

cover: ## the tests on an instrumented build: what they reach, per folder and of the policy
	$(BOOTSTRAP) test
	$(SUBMAKE) CONFIG=cover all tests
	@contrib/check/cover --forget
	$(SUBMAKE) CONFIG=cover CK_TIMEOUT_MULTIPLIER=4 check
	@contrib/check/cover

mutate: ## breaks the policy line by line: do the tests notice? N=HOW_MANY SEED=N, 400 of seed 1
	$(BOOTSTRAP) test
	@contrib/check/mutate --sample '$(or $(N),400)' $(if $(SEED)$(if $(N),,1),--seed '$(or $(SEED),1)') \
		$(if $(LEAST),--least '$(LEAST)')

tsan: ## the library in several threads under TSan
	$(SUBMAKE) CONFIG=tsan build/tsan/tests/unit-client
	@CK_TIMEOUT_MULTIPLIER=4 build/tsan/tests/unit-client threads

fuzz-bins: $(addprefix $(B)/fuzz-,$(FUZZERS))

FUZZ_RUN = +@$(MAKE) --no-print-directory -j$(JOBS) CONFIG=fuzz CC=clang fuzz-bins && tests/fuzz/run

fuzz: ## fuzz what reads from others: T=SECONDS for each, F=NAME only that one
	$(BOOTSTRAP) lint
	$(FUZZ_RUN) --seconds '$(or $(T),60)' $(or $(F),$(FUZZERS))

fuzz-corpus: ## the inputs of tests/fuzz/corpus once
	$(BOOTSTRAP) lint
	$(FUZZ_RUN) $(or $(F),$(FUZZERS))

churn: ## 20 programs and 50 peripherals while links drop: T=SECONDS SEED=N
	$(BOOTSTRAP) test
	$(SUBMAKE) all $(B)/tests/integ
	@BLEHERD_BIN='$(B)/bin' CHURN_S='$(or $(T),60)' CHURN_SEED='$(SEED)' $(B)/tests/integ churn

storm: ## any process killed, stopped, starved every 200 ms under 20 programs: T=SECONDS SEED=N
	$(BOOTSTRAP) test
	$(SUBMAKE) all $(B)/tests/integ
	@BLEHERD_BIN='$(B)/bin' STORM_S='$(or $(T),60)' STORM_SEED='$(SEED)' $(B)/tests/integ havoc

SOAK_RUN = $(B)/bin/bleherd-soak --plan '$(or $(PLAN),everything)' --duration '$(or $(T),2min)' \
	$(if $(SEED),--seed '$(SEED)') --report '$(or $(DIR),$(B)/$@)'

soak: ## faults of a plan under clients of every kind: T=2min SEED=N PLAN=everything FACE=fake DIR=
	$(BOOTSTRAP) test
	$(SUBMAKE) all
	@$(SOAK_RUN) --face '$(or $(FACE),fake)' $(if $(CLIENTS),--clients '$(CLIENTS)')

soak-lab: ## the same on the real kernel and bluetoothd, with 8 clients, after each verb once: T= SEED= PLAN=
	$(BOOTSTRAP) lab
	$(SUBMAKE) all
	@$(SOAK_RUN) --face lab --clients '$(or $(CLIENTS),8)' --before 'bash tests/lab/smoke_inside'

soak-nightly: ## half an hour of everything on the fake, 20 minutes in the lab
	+@$(MAKE) --no-print-directory soak T=30min
	+@$(MAKE) --no-print-directory soak-lab T=20min

soak-planted: ## three bugs, planted on purpose, are each found within two minutes
	$(BOOTSTRAP) test
	$(SUBMAKE) all
	+@for p in $(PLANTS); do $(MAKE) --no-print-directory -j$(JOBS) PLANT=$$p all || exit 1; done
	@tests/soak/planted $(PLANTS)

die-at-n: ## a worker, lockd, the daemon killed at each of their system calls in turn
	$(BOOTSTRAP) test
	$(SUBMAKE) all tests
	@BLEHERD_BIN='$(B)/bin' DIE_AT_STRIDE=1 CK_TIMEOUT_MULTIPLIER=10 $(B)/tests/integ die_at

lint: $(PB_H) $(GEN)/ipc/build_id.h ## format, include rules, lengths, clang-tidy, cppcheck
	@printf '%s\n' $(CPPFLAGS) -Iipc -std=c17 > compile_flags.txt
	@CC='$(CC)' contrib/check/lint

format: ## apply clang-format
	git ls-files '*.c' '*.h' | xargs -r clang-format -i

model: ## the model of the arbiter, with spin
	$(BOOTSTRAP) model
	@tests/model/run

bench: ## all benches in one table beside peers and goals: JSON=FILE ONLY=lock,survive:ab LAB=1
	$(BOOTSTRAP) bench
	$(SUBMAKE) all $(addprefix $(B)/tests/,bench-lock bench-guard connect-client) \
		$(if $(LAB)$(findstring contend,$(ONLY)),$(B)/tests/contend-client)
	@BLEHERD_BIN='$(B)/bin' tests/bench/all.sh --json '$(or $(JSON),build/bench.json)' \
		$(if $(ONLY),--only '$(ONLY)') $(if $(LAB),--lab)

bench-compare: ## what became slower: OLD=FILE NEW=FILE
	@[ -n '$(OLD)' ] || { echo 'bench-compare: with which: make bench-compare OLD=FILE' >&2; exit 2; }
	@tests/bench/compare.py '$(OLD)' '$(or $(NEW),build/bench.json)'

bench-chart: ## README's chart of the kept figures: JSON=FILE
	@mkdir -p build docs
	@tests/bench/chart.py '$(or $(JSON),docs/bench.json)' >build/bench.svg
	@mv build/bench.svg docs/bench.svg

BENCH_LOCK := $(patsubst %.c,$(O)/%.o,$(sort $(wildcard tests/bench/lock*.c)))
$(BENCH_LOCK): | $(PB_H) $(GEN)/ipc/build_id.h
$(B)/tests/bench-lock: $(BENCH_LOCK) $(LIB_CLIENT)

bench-lock: ## the arbiter beside flock and polling: table, JSON=FILE
	$(BOOTSTRAP) test
	$(SUBMAKE) all $(B)/tests/bench-lock
	@BLEHERD_BIN='$(B)/bin' tests/bench/lock.sh $(if $(JSON),--json '$(JSON)')

$(O)/tests/bench/guard.o: | $(PB_H)
$(B)/tests/bench-guard: $(O)/tests/bench/guard.o $(LIB_GUARD) $(LIB_IPC)

bench-guard: $(B)/tests/bench-guard ## what the filter of the children costs a system call
	@$(B)/tests/bench-guard

BENCH_CONNECT := $(patsubst %.c,$(O)/%.o,$(sort $(wildcard tests/bench/connect*.c)))
$(BENCH_CONNECT): | $(PB_H) $(GEN)/ipc/build_id.h
$(B)/tests/connect-client: $(BENCH_CONNECT) $(LIB_A)

bench-connect: ## connects, notifications, memory, failover beside bleak: table, JSON=FILE
	$(BOOTSTRAP) bench
	$(SUBMAKE) all $(B)/tests/connect-client
	@BLEHERD_BIN='$(B)/bin' tests/bench/connect.sh $(if $(JSON),--json '$(JSON)')

bench-notify: ## notifications to one and ten programs beside bleak, growth: table, JSON=FILE
	$(BOOTSTRAP) bench
	$(SUBMAKE) all $(B)/tests/connect-client
	@BLEHERD_BIN='$(B)/bin' tests/bench/notify.sh $(if $(JSON),--json '$(JSON)')

bench-survive: ## deaths of worker, supervisor, lockd; memory beside bleak: table, JSON=FILE
	$(BOOTSTRAP) bench
	$(SUBMAKE) all $(B)/tests/connect-client
	@BLEHERD_BIN='$(B)/bin' tests/bench/survive.sh $(if $(JSON),--json '$(JSON)')

lab-smoke: ## every verb once, one worker killed, on the real kernel and bluetoothd
	$(BOOTSTRAP) lab
	$(SUBMAKE) all
	@tests/lab/smoke

lab-churn: ## 4 programs and 10 peripherals while links drop, in the lab: T=SECONDS SEED=N
	$(BOOTSTRAP) lab
	$(SUBMAKE) all $(B)/tests/churn-lab
	@tests/lab/churn $(or $(T),180) $(or $(SEED),1)

lab-bus: ## the system bus goes and comes back, in the lab
	$(BOOTSTRAP) lab
	$(SUBMAKE) all
	@tests/lab/bus

lab-locks: ## holders killed while they connect, and a jumping wall clock, in the lab
	$(BOOTSTRAP) lab
	$(SUBMAKE) all
	@tests/lab/dirty

lab-silent: ## a known peripheral that is not there: who waits for it, what is left, in the lab
	$(BOOTSTRAP) lab
	$(SUBMAKE) all
	@tests/lab/silent

lab-scan: ## a scan that is interrupted, shared, and beside connects, in the lab
	$(BOOTSTRAP) lab
	$(SUBMAKE) all
	@tests/lab/scan

lab-signals: ## values by signal beside other programs, and what bluetoothd does, in the lab
	$(BOOTSTRAP) lab
	$(SUBMAKE) all
	@tests/lab/signals

lab-write: ## writes without response by bluetoothd's socket, in the lab
	$(BOOTSTRAP) lab
	$(SUBMAKE) all $(B)/tests/connect-client
	@tests/lab/write

lab-stuck: ## what is stuck on the real bluetoothd, and what a person sees of it
	$(BOOTSTRAP) lab
	$(SUBMAKE) all
	@tests/lab/stuck

lab-survive: ## worker, bluetoothd, controller hit 20 times each in the lab: N=TIMES
	$(BOOTSTRAP) lab
	$(SUBMAKE) all
	@tests/lab/survive $(or $(N),20)

lab-reset: ## the reset chain on the real kernel and bluetoothd
	$(BOOTSTRAP) lab
	$(SUBMAKE) all
	@tests/lab/reset

contend: ## five programs, two adapters: bleak, bleak with flock, bleherd, in one lab run
	$(BOOTSTRAP) bench
	$(SUBMAKE) all $(B)/tests/contend-client
	@tests/lab/contend

soak-differential: ## the soak's faults for bleherd, bleak, bleak with locks: PLAN= T=SECONDS SEED=N FACE=
	$(BOOTSTRAP) $(if $(filter lab,$(FACE)),lab )bench
	$(SUBMAKE) all
	@BLEHERD_BIN='$(B)/bin' contrib/soak/differential $(if $(FACE),--face '$(FACE)') \
		$(if $(PLAN),--plan '$(PLAN)') $(if $(T),--duration '$(T)') \
		$(if $(SEED),--seed '$(SEED)') --report '$(B)/soak-differential'

D := $(DESTDIR)$(PREFIX)
UNITS_IN := $(patsubst contrib/systemd/%.in,%,$(wildcard contrib/systemd/*.in))
install: all ## DESTDIR= PREFIX=
	install -d '$(D)/bin' '$(D)/sbin' '$(D)/libexec/bleherd' '$(D)/lib/pkgconfig' '$(D)/lib/tmpfiles.d' \
		'$(D)/share/bleherd/python' \
		'$(D)/include' '$(D)/share/man/man1' '$(D)/share/man/man3' '$(D)/share/man/man5' \
		'$(D)/share/man/man8' '$(D)/share/bash-completion/completions' '$(D)/share/doc/bleherd'
	install -m 755 $(B)/bin/bleherd $(B)/bin/bleherd-sim $(B)/bin/bleherd-soak '$(D)/bin'
	install -m 755 $(B)/bin/bleherdd '$(D)/sbin'
	install -m 755 $(addprefix $(B)/bin/,$(ROLES)) '$(D)/libexec/bleherd'
	install -m 644 $(LIB_A) '$(D)/lib'
	install -m 755 $(LIB_SO) '$(D)/lib'
	ln -sf $(notdir $(LIB_SO)) '$(D)/lib/libbleherd.so.$(SOVERSION)'
	ln -sf libbleherd.so.$(SOVERSION) '$(D)/lib/libbleherd.so'
	install -m 644 $(wildcard ipc/bleherd*.h) '$(D)/include'
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' contrib/bleherd.pc.in \
		> '$(D)/lib/pkgconfig/bleherd.pc'
	for s in 1 3 5 8; do install -m 644 contrib/man/*.$$s '$(D)/share/man/man'$$s; done
	install -m 644 contrib/completion/bleherd.bash '$(D)/share/bash-completion/completions/bleherd'
	install -m 644 README.md ARCHITECTURE.md SECURITY.md contrib/bleherd.conf \
		'$(D)/share/doc/bleherd'
	install -d '$(D)/share/doc/bleherd/examples'
	install -m 644 contrib/examples/* '$(D)/share/doc/bleherd/examples'
	install -d '$(D)/share/bleherd/soak/plans' '$(D)/share/bleherd/sim'
	install -m 644 $(wildcard contrib/soak/plans/*) '$(D)/share/bleherd/soak/plans'
	install -m 755 contrib/soak/outsider.py '$(D)/share/bleherd/soak'
	install -m 755 contrib/sim/world '$(D)/share/bleherd/sim'
	install -m 644 contrib/python/bleherd_lock.py '$(D)/share/bleherd/python'
	install -m 644 contrib/systemd/tmpfiles.d/bleherd.conf '$(D)/lib/tmpfiles.d'
	install -d '$(D)/lib/systemd/catalog'
	install -m 644 contrib/systemd/bleherd.catalog '$(D)/lib/systemd/catalog' # journalctl --update-catalog
	install -d '$(D)/lib/sysusers.d' '$(D)/share/dbus-1/system.d' '$(D)/lib/systemd/system'
	install -m 644 contrib/systemd/sysusers.d/bleherd.conf '$(D)/lib/sysusers.d'
	install -m 644 contrib/systemd/dbus-1/bleherd.conf '$(D)/share/dbus-1/system.d'
	install -m 644 contrib/systemd/*.socket '$(D)/lib/systemd/system'
	for u in $(UNITS_IN); do sed -e 's|@PREFIX@|$(PREFIX)|' "contrib/systemd/$$u.in" \
		> '$(D)/lib/systemd/system'/"$$u"; done

uninstall:
	rm -f '$(D)/bin/bleherd' '$(D)/bin/bleherd-sim' '$(D)/bin/bleherd-soak' '$(D)/sbin/bleherdd' \
		'$(D)/lib/libbleherd.a' '$(D)/lib/libbleherd.so' '$(D)/lib/libbleherd.so.$(SOVERSION)' \
		'$(D)/lib/$(notdir $(LIB_SO))' '$(D)/lib/pkgconfig/bleherd.pc' '$(D)/include/bleherd.h' \
		$(patsubst ipc/%,'$(D)/include/%',$(wildcard ipc/bleherd_*.h)) \
		'$(D)/share/bash-completion/completions/bleherd' '$(D)/lib/tmpfiles.d/bleherd.conf' \
		'$(D)/lib/sysusers.d/bleherd.conf' '$(D)/lib/systemd/catalog/bleherd.catalog' '$(D)/share/dbus-1/system.d/bleherd.conf' \
		$(patsubst %,'$(D)/lib/systemd/system/%',$(UNITS_IN) $(notdir $(wildcard contrib/systemd/*.socket)))
	for s in 1 3 5 8; do for f in contrib/man/*.$$s; do \
		rm -f '$(D)/share/man/man'$$s/"$${f##*/}"; done; done
	rm -rf '$(D)/libexec/bleherd' '$(D)/share/doc/bleherd' '$(D)/share/bleherd'

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

clean:
	rm -rf build

-include $(shell find $(O) -name '*.d' 2>/dev/null)
