/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/doctor.h - `bleherd doctor`: what is collected about this machine, and what is to be thought
 * of it.
 *
 * Three steps that know nothing of each other: the collectors (doctor_host.c, doctor_bus.c,
 * cmd_doctor.c for the daemon) fill struct doctor_facts and judge nothing; each row of
 * DOCTOR_CHECKS is a pure function of the facts; doctor_report.c prints findings. What could not be
 * found out is a fact too: nothing here fails because bluetoothd or the daemon is down.
 */
#include "ipc/bleherd.h"
#include "ipc/client/cli/out.h"

enum {
	DOCTOR_WAIT_MS = 2000, /* for any one party to answer; they are on this machine */
	DOCTOR_ADAPTERS_MAX = 16,
	DOCTOR_HOLDERS_MAX = 16,
	DOCTOR_INODES_MAX = 64,
};

enum doctor_verdict { DOCTOR_PASS, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_SKIP };

struct doctor_finding {
	enum doctor_verdict verdict;
	char text[240];
	char remedy[240]; /* "" where there is nothing to mend */
};

/* How a question on the bus ended. */
enum doctor_reply {
	DOCTOR_REPLY_UNASKED,
	DOCTOR_REPLY_OK,
	DOCTOR_REPLY_NOBODY, /* the name has no owner */
	DOCTOR_REPLY_DENIED,
	DOCTOR_REPLY_LATE,
	DOCTOR_REPLY_ERROR,
};

/* One adapter, as up to three parties see it. */
struct doctor_adapter {
	char name[16];
	/* the kernel: /sys/class/bluetooth, /sys/class/rfkill */
	bool is_in_kernel;
	bool is_soft_blocked;
	bool is_hard_blocked;
	/* bluetoothd */
	bool is_in_bluez;
	bool is_powered;
	bool is_discovering;
	uint32_t links;
	/* the daemon */
	bool is_in_daemon;
	bool is_scan_held; /* somebody has the arbiter's lock for scanning it */
	char state[24];
	enum bh_class trouble;
	char trouble_text[120];
	uint32_t missing_files; /* of the slot files that programs outside use */
};

struct doctor_holder {
	uint32_t pid;  /* 0: not visible from here */
	char comm[20]; /* of /proc/PID/comm: 15 bytes, and chosen by its owner */
	char file[64]; /* "" for a socket */
};

struct doctor_facts {
	struct doctor_adapter adapters[DOCTOR_ADAPTERS_MAX];
	size_t n_adapters;

	char kernel_release[96];  /* "6.1.0-50-amd64" */
	char kernel_version[256]; /* /proc/version */

	/* bluetoothd as a process */
	uint32_t n_bluetoothd;
	uint32_t bluetoothd_pid;
	char bluetoothd_state; /* of /proc/PID/stat: 'S', 'T', ...; 0: unknown */
	bool is_experimental;
	bool is_debug;
	char bluetoothd_options[120];
	uint32_t bluez_major; /* 0: unknown */
	uint32_t bluez_minor;

	/* the system bus */
	int bus_error; /* 0 or -errno */
	enum doctor_reply owner;
	uint32_t owner_pid;
	enum doctor_reply objects; /* to GetManagedObjects */
	char objects_error[96];
	enum doctor_reply names;
	uint32_t connections;	   /* of all users */
	uint32_t most_connections; /* of the user who has most */
	uint32_t most_uid;

	/* the daemon */
	char socket[112];
	int connect_error;
	bool has_socket;
	uint32_t socket_mode;
	enum doctor_reply status;
	char status_error[96];
	char daemon_version[32];
	uint32_t daemon_pid;
	bool has_arbiter;
	bool has_mgmt;
	bool has_locks; /* the lock table was read */
	bool has_caps;
	uint64_t caps; /* CapEff */

	/* slot files, and who else uses the radio */
	char slot_dir[112];
	int slot_dir_error;
	bool is_slot_dir_unsafe; /* others may replace files in it */
	struct doctor_holder holders[DOCTOR_HOLDERS_MAX];
	size_t n_holders;
	struct doctor_holder raw[DOCTOR_HOLDERS_MAX]; /* HCI sockets of other programs */
	size_t n_raw;
	bool is_raw_hidden; /* there are some, and only root sees whose they are */
};

struct doctor_check {
	const char *name; /* at most 12 characters */
	void (*check)(const struct doctor_facts *facts, struct doctor_finding *out);
};

/* The end is a row without a name. */
extern const struct doctor_check DOCTOR_CHECKS[];

/* --- the checks, by what they look at; all pure --- */
void doctor_check_kernel(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_adapters(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_rfkill(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_raw(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_slot_files(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_slot_users(const struct doctor_facts *facts, struct doctor_finding *out);

void doctor_check_bus(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_bus_limit(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_bluetoothd(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_bluez_version(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_bluez_options(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_policy(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_power(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_discovery(const struct doctor_facts *facts, struct doctor_finding *out);

void doctor_check_daemon(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_socket(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_version(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_workers(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_arbiter(const struct doctor_facts *facts, struct doctor_finding *out);
void doctor_check_mgmt(const struct doctor_facts *facts, struct doctor_finding *out);

/* --- doctor.c: what checks and collectors share --- */

/* Writes a finding; @remedy may be "". */
void doctor_say(struct doctor_finding *out, enum doctor_verdict verdict, const char *remedy,
		const char *format, ...) _printf_(4, 5);

/* The adapter of that name, made if it is new; NULL: there are too many. */
struct doctor_adapter *doctor_adapter(struct doctor_facts *facts, const char *name);

/* Appends to a list of words with commas; what does not fit becomes "...". */
void doctor_list(char *list, size_t size, const char *word);

/* Names of the adapters for which @is_wanted holds. Returns how many. */
size_t doctor_adapters(const struct doctor_facts *facts,
		       bool (*is_wanted)(const struct doctor_adapter *adapter), char *list,
		       size_t size);

/* --- the collectors --- */

/**
 * doctor_collect_host() - /sys, /proc, slot files, the version of bluetoothd
 * @root: "" for this machine; in tests the directory that stands for /
 *
 * Reads facts->daemon_pid. Blocks: until bluetoothd has said its version, DOCTOR_WAIT_MS at most.
 */
void doctor_collect_host(struct doctor_facts *facts, const char *root);

/* The part that walks over /proc: bluetoothd, the daemon's capabilities, who locks and scans. */
void doctor_collect_processes(struct doctor_facts *facts, const char *root);

/**
 * doctor_collect_bus() - what the system bus and bluetoothd say
 * @signal_fd: readable when we are to end; -1: none
 * Blocks: DOCTOR_WAIT_MS at most. bluetoothd is not started by it.
 */
void doctor_collect_bus(struct doctor_facts *facts, int signal_fd);

/* The first @size - 1 bytes of a file, up to its first newline if @is_line. Errors: -errno. */
must_check int doctor_read(const char *root, const char *path, bool is_line, char *out,
			   size_t size);

/* --- doctor_report.c --- */

/* Runs all checks and prints what they found. Returns: true unless one failed. */
must_check bool doctor_report(const struct doctor_facts *facts, struct out *out);
