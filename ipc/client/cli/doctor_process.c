/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/doctor_process.c - the collector that walks over /proc once: bluetoothd, the arbiter's
 * directory, the daemon's capabilities, and whose the HCI sockets are. Reads only; what a process
 * says of itself (name, arguments) is never executed or opened for writing.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/doctor.h"

enum { PATH_LEN = 320, CMDLINE_LEN = 1024 };

struct walk {
	struct doctor_facts *facts;
	const char *root;
	unsigned long inodes[DOCTOR_INODES_MAX]; /* of HCI sockets */
	size_t n_inodes;
};

/* Who is expected to have HCI sockets; btmon only listens. */
static const char *const EXPECTED[] = { "bluetoothd", "bleherdd", "bleherd-rescue", "btmon" };

int doctor_read(const char *root, const char *path, bool is_line, char *out, size_t size)
{
	_cleanup_close_ int fd = -EBADF;
	char full[PATH_LEN];
	size_t len = 0;
	ssize_t n;

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		n = read(fd, out + len, size - 1 - len);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	out[len] = '\0';
	if (is_line)
		out[strcspn(out, "\n")] = '\0';
	return (int)len;
}

static must_check int read_of(const struct walk *walk, uint32_t pid, const char *file, char *out,
			      size_t size)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
	return doctor_read(walk->root, path, false, out, size);
}

/* State and parent: behind the name, which may hold anything. */
static char read_state(const struct walk *walk, uint32_t pid, uint32_t *out_parent)
{
	char text[512];
	const char *at;
	char state;

	*out_parent = 0;
	if (read_of(walk, pid, "stat", text, sizeof(text)) < 0)
		return 0;
	at = strrchr(text, ')');
	if (!at || sscanf(at, ") %c %u", &state, out_parent) != 2)
		return 0;
	return state;
}

/* -E, also among others as in -nE; the letters after one that takes a value are its value. */
static bool has_letter(const char *arg, char letter)
{
	const char *at;

	if (arg[0] != '-' || arg[1] == '-')
		return false;
	for (at = arg + 1; *at && !strchr("pPfK", *at); at++)
		if (*at == letter)
			return true;
	return false;
}

static void take_options(struct doctor_facts *facts, const char *cmdline, int len)
{
	size_t used = strlen(cmdline) + 1; /* argv[0] */
	char *list = facts->bluetoothd_options;
	size_t max = sizeof(facts->bluetoothd_options);

	for (; used < (size_t)len; used += strlen(cmdline + used) + 1) {
		const char *arg = cmdline + used;
		size_t at = strlen(list);

		(void)snprintf(list + at, max - at, "%s%s", at > 0 ? " " : "", arg);
		facts->is_experimental |=
			has_letter(arg, 'E') || strcmp(arg, "--experimental") == 0;
		facts->is_debug |= has_letter(arg, 'd') || strncmp(arg, "--debug", 7) == 0;
	}
}

static void take_bluetoothd(struct walk *walk, uint32_t pid)
{
	struct doctor_facts *facts = walk->facts;
	char cmdline[CMDLINE_LEN];
	uint32_t parent;
	char state = read_state(walk, pid, &parent);
	int len;

	if (state == 'Z' || state == 'X')
		return;
	facts->n_bluetoothd++;
	/* Any program may call itself bluetoothd; the one that has the name on the bus is it. */
	if (facts->bluetoothd_pid != 0 && facts->owner_pid != pid)
		return;
	facts->bluetoothd_pid = pid;
	facts->bluetoothd_state = state;
	facts->bluetoothd_options[0] = '\0';
	facts->is_experimental = facts->is_debug = false;
	len = read_of(walk, pid, "cmdline", cmdline, sizeof(cmdline));
	if (len > 0)
		take_options(facts, cmdline, len);
}

/* The arbiter knows which directory it uses: --dir DIR in its arguments. */
static void take_lockd(struct walk *walk, uint32_t pid)
{
	struct doctor_facts *facts = walk->facts;
	char cmdline[CMDLINE_LEN];
	uint32_t parent;
	size_t at;
	int len;

	(void)read_state(walk, pid, &parent);
	if (parent != facts->daemon_pid || parent == 0)
		return;
	len = read_of(walk, pid, "cmdline", cmdline, sizeof(cmdline));
	for (at = 0; len > 0 && at < (size_t)len; at += strlen(cmdline + at) + 1) {
		size_t next = at + strlen(cmdline + at) + 1;

		if (strcmp(cmdline + at, "--dir") != 0 || next >= (size_t)len)
			continue;
		(void)snprintf(facts->slot_dir, sizeof(facts->slot_dir), "%s", cmdline + next);
	}
}

static void take_caps(struct walk *walk)
{
	char text[4096];
	const char *at;
	unsigned long long caps;

	if (read_of(walk, walk->facts->daemon_pid, "status", text, sizeof(text)) < 0)
		return;
	at = strstr(text, "\nCapEff:");
	if (!at || sscanf(at, "\nCapEff: %llx", &caps) != 1)
		return;
	walk->facts->caps = caps;
	walk->facts->has_caps = true;
}

static bool has_inode(const struct walk *walk, const char *link)
{
	unsigned long inode;
	size_t i;

	if (sscanf(link, "socket:[%lu]", &inode) != 1)
		return false;
	for (i = 0; i < walk->n_inodes; i++)
		if (walk->inodes[i] == inode)
			return true;
	return false;
}

static bool has_hci_socket(struct walk *walk, uint32_t pid)
{
	char path[PATH_LEN];
	char link[64];
	struct dirent *entry;
	bool is_found = false;
	ssize_t n;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/proc/%u/fd", walk->root, pid);
	dir = opendir(path);
	if (!dir) {
		walk->facts->is_raw_hidden |= errno == EACCES;
		return false;
	}
	while (!is_found && (entry = readdir(dir))) {
		n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = '\0';
		is_found = has_inode(walk, link);
	}
	(void)closedir(dir);
	return is_found;
}

static void take_raw(struct walk *walk, uint32_t pid, const char *comm)
{
	struct doctor_facts *facts = walk->facts;
	struct doctor_holder *holder = &facts->raw[facts->n_raw];
	size_t i;

	if (walk->n_inodes == 0 || facts->n_raw == DOCTOR_HOLDERS_MAX)
		return;
	for (i = 0; i < ARRAY_LEN(EXPECTED); i++)
		if (strcmp(comm, EXPECTED[i]) == 0)
			return;
	if (!has_hci_socket(walk, pid))
		return;
	*holder = (struct doctor_holder){ .pid = pid };
	(void)snprintf(holder->comm, sizeof(holder->comm), "%s", comm);
	facts->n_raw++;
}

/* /proc/net/hci: a table with a title line; the column is found by its title. */
static void read_inodes(struct walk *walk)
{
	char text[8192];
	char *line;
	char *rest = text;
	char *word;
	char *words;
	int column = -1;
	int i;

	if (doctor_read(walk->root, "/proc/net/hci", false, text, sizeof(text)) < 0)
		return;
	while ((line = strsep(&rest, "\n")) && walk->n_inodes < DOCTOR_INODES_MAX) {
		bool is_title = column < 0;

		for (i = 0; (word = strtok_r(i == 0 ? line : NULL, " \t", &words)); i++) {
			if (is_title && strcmp(word, "Inode") == 0)
				column = i;
			else if (!is_title && i == column)
				walk->inodes[walk->n_inodes++] = strtoul(word, NULL, 10);
		}
		if (column < 0)
			return;
	}
}

static void look_at(struct walk *walk, uint32_t pid)
{
	struct doctor_facts *facts = walk->facts;
	char comm[20];

	if (read_of(walk, pid, "comm", comm, sizeof(comm)) < 0)
		return;
	comm[strcspn(comm, "\n")] = '\0';
	if (strcmp(comm, "bluetoothd") == 0)
		take_bluetoothd(walk, pid);
	else if (strcmp(comm, "bleherd-lockd") == 0)
		take_lockd(walk, pid);
	else if (strcmp(comm, "bleherdd") == 0 && pid == facts->daemon_pid)
		take_caps(walk);
	take_raw(walk, pid, comm);
}

void doctor_collect_processes(struct doctor_facts *facts, const char *root)
{
	struct walk walk = { .facts = facts, .root = root };
	char path[PATH_LEN];
	struct dirent *entry;
	unsigned long pid;
	char *end;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/proc", root);
	dir = opendir(path);
	if (!dir)
		return;
	read_inodes(&walk);
	while ((entry = readdir(dir))) {
		pid = strtoul(entry->d_name, &end, 10);
		if (*end == '\0' && pid > 0 && pid <= INT32_MAX)
			look_at(&walk, (uint32_t)pid);
	}
	(void)closedir(dir);
}
