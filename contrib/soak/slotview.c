/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/slotview.h"

#include "contrib/soak/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { DEPTH_MAX = 4 /* bleherd lock, a shell, the command, what that starts */ };

int slotview_parse(const char *name, struct slotview_file *out)
{
	static const char prefix[] = "bleak-cm-";
	char rest[SLOTVIEW_NAME_LEN] = "";
	unsigned slot;
	int end = 0;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return -EINVAL;
	name += sizeof(prefix) - 1;
	if (sscanf(name, "%23[a-z0-9]-%n", rest, &end) != 1 || end == 0)
		return -EINVAL;
	name += end;
	out->is_scan = strcmp(name, "scan.lock") == 0;
	end = 0;
	if (!out->is_scan && (sscanf(name, "slot-%u.lock%n", &slot, &end) != 1 || end == 0))
		return -EINVAL;
	(void)snprintf(out->adapter, sizeof(out->adapter), "%s", rest);
	return 0;
}

int slotview_lock_line(const char *line, pid_t *out_pid, uint64_t *out_dev, uint64_t *out_inode)
{
	unsigned major_number, minor_number;
	int pid;

	if (strncmp(line, "lock:", 5) == 0)
		line += 5;
	/* `1: FLOCK  ADVISORY  WRITE 1234 00:19:5678 0 EOF`; who waits has `->` after the number.
	 */
	if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%" SCNu64, &pid, &major_number, &minor_number,
		   out_inode) != 4)
		return -EINVAL;
	*out_pid = pid;
	*out_dev = makedev(major_number, minor_number);
	return 0;
}

/* --- which files there are --- */

static void list_dir(struct slotview *v, const char *path)
{
	struct slotview_file file;
	struct dirent *entry;
	struct stat st;
	DIR *dir = opendir(path);

	if (!dir)
		return;
	while (v->n_files < SLOTVIEW_FILES_MAX && (entry = readdir(dir)) != NULL) {
		memset(&file, 0, sizeof(file));
		if (slotview_parse(entry->d_name, &file) < 0 ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		file.dev = st.st_dev;
		file.inode = st.st_ino;
		v->files[v->n_files++] = file;
	}
	(void)closedir(dir);
}

/* Files come, they never go: the directories are read again only when they have changed. */
static void list_files(struct slotview *v)
{
	int64_t changed[2] = { 0 };
	struct stat st;

	for (size_t i = 0; i < 2; i++)
		if (v->dirs[i] && stat(v->dirs[i], &st) == 0)
			changed[i] = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (v->n_files == 0 || memcmp(changed, v->dir_changed, sizeof(changed)) != 0) {
		v->n_files = 0;
		for (size_t i = 0; i < 2; i++)
			if (v->dirs[i])
				list_dir(v, v->dirs[i]);
		memcpy(v->dir_changed, changed, sizeof(changed));
	}
	for (size_t i = 0; i < v->n_files; i++) {
		v->files[i].is_locked = v->files[i].is_outside = v->files[i].is_in_hands = false;
		v->files[i].pid = 0;
	}
}

static struct slotview_file *file_of(struct slotview *v, const char *line, pid_t *out_pid)
{
	uint64_t dev, inode;

	if (slotview_lock_line(line, out_pid, &dev, &inode) < 0)
		return NULL;
	for (size_t i = 0; i < v->n_files; i++)
		if (v->files[i].inode == inode && v->files[i].dev == dev)
			return &v->files[i];
	return NULL;
}

/* --- who has locked them --- */

/* A lockd, also one that is gone and left its locks in the hands of holders. */
static bool is_lockd(pid_t pid)
{
	char name[PROC_NAME_LEN];

	return !proc_name(pid, name) || strcmp(name, "bleherd-lockd") == 0;
}

static void read_locks(struct slotview *v)
{
	struct slotview_file *file;
	char line[256];
	pid_t pid;
	FILE *f = fopen("/proc/locks", "re");

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		file = file_of(v, line, &pid);
		if (!file)
			continue;
		file->is_locked = true;
		file->pid = pid;
		file->is_outside = !is_lockd(pid);
	}
	(void)fclose(f);
}

/* --- who has them in hands --- */

static void add_holder(struct slotview *v, pid_t root, const struct slotview_file *file)
{
	struct slotview_holder *holder;

	for (size_t i = 0; i < v->n_holders; i++) {
		holder = &v->holders[i];
		if (holder->root == root && holder->is_scan == file->is_scan &&
		    strcmp(holder->adapter, file->adapter) == 0)
			return;
	}
	if (v->n_holders == SLOTVIEW_HOLDERS_MAX)
		return;
	holder = &v->holders[v->n_holders++];
	holder->root = root;
	holder->is_scan = file->is_scan;
	memcpy(holder->adapter, file->adapter, sizeof(holder->adapter));
}

static void read_descriptor(struct slotview *v, pid_t root, int dir_fd, const char *name)
{
	struct slotview_file *file;
	char text[1024];
	char *rest = text;
	const char *line;
	ssize_t len;
	pid_t pid;
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	len = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[len > 0 ? len : 0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		file = strncmp(line, "lock:", 5) == 0 ? file_of(v, line, &pid) : NULL;
		if (!file)
			continue;
		/* Where a dead lockd's pid means nothing here, /proc/locks does not list it. */
		file->is_locked = true;
		file->is_in_hands = true;
		add_holder(v, root, file);
	}
}

static void read_descriptors(struct slotview *v, pid_t root, pid_t pid)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	if (!dir) {
		v->is_blind |= errno == EACCES;
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			read_descriptor(v, root, dirfd(dir), entry->d_name);
	(void)closedir(dir);
}

static bool is_among(pid_t pid, const pid_t *roots, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (roots[i] == pid)
			return true;
	return false;
}

/* The processes of a tree, breadth first, without those that count for themselves. */
static size_t list_tree(pid_t root, const pid_t *others, size_t n_others,
			pid_t out[PROC_CHILDREN_MAX])
{
	pid_t children[PROC_CHILDREN_MAX];
	size_t n = 1, from = 0, end, n_children;

	out[0] = root;
	for (int depth = 0; depth < DEPTH_MAX && from < n; depth++) {
		for (end = n; from < end; from++) {
			n_children = proc_children(out[from], children, PROC_CHILDREN_MAX);
			for (size_t i = 0; i < n_children && n < PROC_CHILDREN_MAX; i++)
				if (!is_among(children[i], others, n_others))
					out[n++] = children[i];
		}
	}
	return n;
}

static void look_at_trees(struct slotview *v, pid_t daemon, const pid_t *roots, size_t n_roots)
{
	pid_t others[SLOTVIEW_ROOTS_MAX + 1], tree[PROC_CHILDREN_MAX];
	size_t n_tree;

	if (n_roots > SLOTVIEW_ROOTS_MAX)
		n_roots = SLOTVIEW_ROOTS_MAX;
	for (size_t i = 0; i < n_roots; i++)
		others[i] = roots[i];
	others[n_roots] = daemon;
	for (size_t i = 0; i < n_roots; i++) {
		n_tree = list_tree(roots[i], others, n_roots + 1, tree);
		for (size_t k = 0; k < n_tree; k++)
			read_descriptors(v, roots[i], tree[k]);
	}
}

void slotview_look(struct slotview *v, pid_t daemon, const pid_t *roots, size_t n_roots)
{
	pid_t children[PROC_CHILDREN_MAX];
	size_t n = daemon > 0 ? proc_children(daemon, children, PROC_CHILDREN_MAX) : 0;

	list_files(v);
	read_locks(v);
	v->n_holders = 0;
	v->is_blind = false;
	for (size_t i = 0; i < n; i++)
		if (!is_lockd(children[i]))
			read_descriptors(v, children[i], children[i]);
	look_at_trees(v, daemon, roots, n_roots);
}

/* --- what follows from it --- */

static bool is_same(const char *adapter, bool is_scan, const struct slotview_file *of)
{
	return is_scan == of->is_scan && strcmp(adapter, of->adapter) == 0;
}

uint32_t slotview_ours(const struct slotview *v, const struct slotview_file *of)
{
	uint32_t n = 0;

	for (size_t i = 0; i < v->n_holders; i++)
		n += is_same(v->holders[i].adapter, v->holders[i].is_scan, of);
	return n;
}

uint32_t slotview_outside(const struct slotview *v, const struct slotview_file *of)
{
	uint32_t n = 0;

	for (size_t i = 0; i < v->n_files; i++)
		n += v->files[i].is_outside &&
		     is_same(v->files[i].adapter, v->files[i].is_scan, of);
	return n;
}

bool slotview_is_crowded(const struct slotview *v, const struct slotview_file *of, uint32_t units)
{
	uint32_t ours = slotview_ours(v, of);

	return ours > 0 && ours + slotview_outside(v, of) > units;
}

bool slotview_is_stale(const struct slotview *v, const struct slotview_file *of)
{
	return of->is_locked && !of->is_outside && slotview_ours(v, of) == 0;
}
