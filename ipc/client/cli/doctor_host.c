/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/doctor_host.c - the collector of what files say: kernel, adapters, rfkill, bluetoothd's
 * version and configuration, slot files and who has them locked.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "ipc/client/cli/doctor.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

enum { PATH_LEN = 480, FILES_MAX = 256, SLOT_FILES = 2 /* bleak-connection-manager's max_slots */ };

static const char DEFAULT_SLOT_DIR[] = "/run";

/*
 * Where distributions put it. A fixed list: a process may call itself anything, and what it calls
 * itself is not what we run.
 */
static const char *const BLUETOOTHD[] = {
	"/usr/libexec/bluetooth/bluetoothd",
	"/usr/lib/bluetooth/bluetoothd",
	"/usr/sbin/bluetoothd",
	"/usr/local/libexec/bluetooth/bluetoothd",
};

static _Noreturn void exec_version(const char *path, int out_fd)
{
	char *const argv[] = { (char[]){ "bluetoothd" }, (char[]){ "-v" }, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 ||
	    dup2(out_fd, STDOUT_FILENO) < 0)
		_exit(127);
	(void)execv(path, argv);
	_exit(127);
}

/* Reads until the end, a full buffer or the deadline. */
static void read_until(int fd, char *out, size_t size, uint64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	while (len < size - 1) {
		if (poll(&p, 1, (int)clock_left_ms(until_ms, clock_now_ms())) <= 0)
			break;
		n = read(fd, out + len, size - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	out[len] = '\0';
}

static void ask_version(const char *path, char *out, size_t size)
{
	int fds[2];
	pid_t pid;

	*out = '\0';
	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0)
		exec_version(path, fds[1]);
	(void)close(fds[1]);
	if (pid > 0) {
		read_until(fds[0], out, size, clock_now_ms() + DOCTOR_WAIT_MS);
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	(void)close(fds[0]);
}

static void collect_version(struct doctor_facts *facts, const char *root)
{
	char path[PATH_LEN];
	char text[64];
	size_t i;

	for (i = 0; i < ARRAY_LEN(BLUETOOTHD); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", root, BLUETOOTHD[i]);
		if (access(path, X_OK) == 0)
			break;
	}
	if (i == ARRAY_LEN(BLUETOOTHD))
		return;
	ask_version(path, text, sizeof(text));
	if (sscanf(text, "%u.%u", &facts->bluez_major, &facts->bluez_minor) != 2)
		facts->bluez_major = 0;
}

/* `Experimental = true` in main.conf does what --experimental does. */
static void collect_main_conf(struct doctor_facts *facts, const char *root)
{
	char text[32768];
	char *rest = text;
	char *line;
	char value[8];

	if (doctor_read(root, "/etc/bluetooth/main.conf", false, text, sizeof(text)) < 0)
		return;
	while ((line = strsep(&rest, "\n")))
		if (sscanf(line, " Experimental = %7s", value) == 1 && strcmp(value, "true") == 0)
			facts->is_experimental = true;
}

static void collect_adapters(struct doctor_facts *facts, const char *root)
{
	char path[PATH_LEN];
	struct doctor_adapter *adapter;
	struct dirent *entry;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/sys/class/bluetooth", root);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		/* hci0:64 is a link, not an adapter. */
		if (!words_is_adapter(entry->d_name))
			continue;
		adapter = doctor_adapter(facts, entry->d_name);
		if (adapter)
			adapter->is_in_kernel = true;
	}
	(void)closedir(dir);
}

static void take_switch(struct doctor_facts *facts, const char *root, const char *entry)
{
	static const char *const files[] = { "type", "name", "soft", "hard" };
	char path[128];
	char text[4][32];
	struct doctor_adapter *adapter;
	size_t i;

	for (i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof(path), "/sys/class/rfkill/%.60s/%s", entry, files[i]);
		if (doctor_read(root, path, true, text[i], sizeof(text[i])) < 0)
			return;
	}
	/* Laptops have a second switch of this type, named after the vendor; it turns the first. */
	if (strcmp(text[0], "bluetooth") != 0 || !words_is_adapter(text[1]))
		return;
	adapter = doctor_adapter(facts, text[1]);
	if (!adapter)
		return;
	adapter->is_soft_blocked |= text[2][0] == '1';
	adapter->is_hard_blocked |= text[3][0] == '1';
}

static void collect_rfkill(struct doctor_facts *facts, const char *root)
{
	char path[PATH_LEN];
	struct dirent *entry;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/sys/class/rfkill", root);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			take_switch(facts, root, entry->d_name);
	(void)closedir(dir);
}

/* --- slot files --- */

struct slot_file {
	char name[64];
	dev_t dev;
	ino_t ino;
};

struct slots {
	struct slot_file files[FILES_MAX];
	size_t n;
};

static void list_slots(struct doctor_facts *facts, const char *root, struct slots *slots)
{
	char path[PATH_LEN];
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s%s", root, facts->slot_dir);
	dir = opendir(path);
	if (!dir) {
		facts->slot_dir_error = -errno;
		return;
	}
	if (fstat(dirfd(dir), &st) == 0)
		facts->is_slot_dir_unsafe = (st.st_mode & S_IWOTH) != 0;
	while (slots->n < FILES_MAX && (entry = readdir(dir))) {
		struct slot_file *file = &slots->files[slots->n];
		const char *name = entry->d_name;

		if (strncmp(name, "bleak-cm-", 9) != 0 || strlen(name) >= sizeof(file->name))
			continue;
		if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		file->dev = st.st_dev;
		file->ino = st.st_ino;
		memcpy(file->name, name, strlen(name) + 1);
		slots->n++;
	}
	(void)closedir(dir);
}

static bool has_slot(const struct slots *slots, const char *name)
{
	size_t i;

	for (i = 0; i < slots->n; i++)
		if (strcmp(slots->files[i].name, name) == 0)
			return true;
	return false;
}

static void count_missing(struct doctor_facts *facts, const struct slots *slots)
{
	char name[64];
	size_t i;
	unsigned k;

	for (i = 0; i < facts->n_adapters; i++) {
		struct doctor_adapter *adapter = &facts->adapters[i];

		(void)snprintf(name, sizeof(name), "bleak-cm-%s-scan.lock", adapter->name);
		adapter->missing_files = !has_slot(slots, name);
		for (k = 0; k < SLOT_FILES; k++) {
			(void)snprintf(name, sizeof(name), "bleak-cm-%s-slot-%u.lock",
				       adapter->name, k);
			adapter->missing_files += !has_slot(slots, name);
		}
	}
}

static void take_holder(struct doctor_facts *facts, const char *root, const struct slot_file *file,
			uint32_t pid)
{
	struct doctor_holder *holder = &facts->holders[facts->n_holders];
	char path[64];

	if (facts->n_holders == DOCTOR_HOLDERS_MAX)
		return;
	*holder = (struct doctor_holder){ .pid = pid };
	(void)snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	if (doctor_read(root, path, true, holder->comm, sizeof(holder->comm)) < 0)
		holder->pid = 0;
	if (strcmp(holder->comm, "bleherd-lockd") == 0)
		return;
	(void)snprintf(holder->file, sizeof(holder->file), "%s", file->name);
	facts->n_holders++;
}

/* "1: FLOCK  ADVISORY  WRITE 123 00:19:456 0 EOF"; who waits has "->" before FLOCK. */
static void take_lock(struct doctor_facts *facts, const char *root, const struct slots *slots,
		      const char *line)
{
	unsigned maj;
	unsigned min;
	unsigned long ino;
	uint32_t pid;
	size_t i;

	if (sscanf(line, "%*u: FLOCK %*s %*s %u %x:%x:%lu", &pid, &maj, &min, &ino) != 4)
		return;
	for (i = 0; i < slots->n; i++)
		if (slots->files[i].ino == ino && slots->files[i].dev == makedev(maj, min))
			take_holder(facts, root, &slots->files[i], pid);
}

static void collect_slots(struct doctor_facts *facts, const char *root)
{
	struct slots *slots = calloc(1, sizeof(*slots));
	char path[PATH_LEN];
	char line[256];
	FILE *locks;

	if (!slots)
		return;
	list_slots(facts, root, slots);
	count_missing(facts, slots);
	(void)snprintf(path, sizeof(path), "%s/proc/locks", root);
	locks = fopen(path, "re");
	while (locks && fgets(line, sizeof(line), locks))
		take_lock(facts, root, slots, line);
	if (locks)
		(void)fclose(locks);
	free(slots);
}

void doctor_collect_host(struct doctor_facts *facts, const char *root)
{
	(void)snprintf(facts->slot_dir, sizeof(facts->slot_dir), "%s", DEFAULT_SLOT_DIR);
	if (doctor_read(root, "/proc/sys/kernel/osrelease", true, facts->kernel_release,
			sizeof(facts->kernel_release)) < 0)
		facts->kernel_release[0] = '\0';
	if (doctor_read(root, "/proc/version", true, facts->kernel_version,
			sizeof(facts->kernel_version)) < 0)
		facts->kernel_version[0] = '\0';
	collect_adapters(facts, root);
	collect_rfkill(facts, root);
	collect_version(facts, root);
	doctor_collect_processes(facts, root);
	collect_main_conf(facts, root);
	collect_slots(facts, root);
}
