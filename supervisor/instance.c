/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/instance.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

enum { BACKLOG = 128, PATH_LEN = CONFIG_PATH_LEN + 16 };

static const struct {
	int error;
	const char *text;
} ADVICE[] = {
	{ ENOSPC, "free some space there, or set another path" },
	{ EDQUOT, "free some space there, or set another path" },
	{ EACCES, "run it as root or as the user who owns that folder" },
	{ EPERM, "run it as root or as the user who owns that folder" },
	{ EROFS, "set a path that can be written" },
	{ ENOENT, "make the folder that it is in" },
};

/* By errno of the call that failed. */
static int no_runtime(char *why, const char *what, const char *path)
{
	const char *advice = "set another path";
	int error = errno;
	size_t i;

	for (i = 0; i < ARRAY_LEN(ADVICE); i++)
		if (ADVICE[i].error == error)
			advice = ADVICE[i].text;
	(void)snprintf(why, INSTANCE_WHY_LEN, "cannot %s %s: %s; %s", what, path, strerror(error),
		       advice);
	return INSTANCE_NO_RUNTIME;
}

static int running(char *why, const char *path)
{
	(void)snprintf(why, INSTANCE_WHY_LEN,
		       "another bleherdd is running already (%s); stop it first", path);
	return INSTANCE_RUNNING;
}

/* The last part only: a missing parent is a mistake to be told. */
static int make_folder(const char *path, char *why)
{
	struct stat st;

	if (mkdir(path, 0755) == 0)
		return 0;
	if (errno != EEXIST)
		return no_runtime(why, "make", path);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	errno = ENOTDIR;
	return no_runtime(why, "use", path);
}

/* Nobody but lockd, which has our uid, is to hold these. */
static int make_own_locks(const struct config *config, char *why)
{
	char path[PATH_LEN];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/" INSTANCE_OWN_LOCKS, config->runtime_dir);
	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return no_runtime(why, "make", path);
	if (lstat(path, &st) < 0)
		return no_runtime(why, "look at", path);
	errno = S_ISDIR(st.st_mode) ? EPERM : ENOTDIR;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || chmod(path, 0700) < 0)
		return no_runtime(why, "use", path);
	return 0;
}

/*
 * A lock that goes with us, however we end: a process's own, not flock(), which a child that we had
 * just forked would hold on for a moment. The file has no content: a full disk does not matter.
 */
static int take_lock(struct instance *instance, const struct config *config, char *why)
{
	const struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int fd = -EBADF;
	char path[PATH_LEN];

	(void)snprintf(path, sizeof(path), "%s/lock", config->runtime_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return no_runtime(why, "make", path);
	if (fcntl(fd, F_SETLK, &whole) < 0)
		return errno == EAGAIN || errno == EACCES ? running(why, path)
							  : no_runtime(why, "lock", path);
	instance->lock_fd = take_fd(&fd);
	return 0;
}

/* --- the socket --- */

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Somebody who locks another runtime directory may serve this socket. */
static bool is_served(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = new_socket();

	return fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
			   errno == EAGAIN);
}

/* Outcome 0: the path is free now. What is no socket is not ours to delete. */
static int clear_path(const struct sockaddr_un *address, char *why)
{
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : no_runtime(why, "look at", address->sun_path);
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return no_runtime(why, "make socket", address->sun_path);
	}
	if (is_served(address))
		return running(why, address->sun_path);
	if (unlink(address->sun_path) < 0)
		return no_runtime(why, "replace", address->sun_path);
	return 0;
}

static int listen_on_path(struct instance *instance, const struct config *config, char *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -EBADF;
	mode_t mask;
	int r;

	memcpy(address.sun_path, config->socket, strlen(config->socket) + 1);
	r = clear_path(&address, why);
	if (r != 0)
		return r;
	fd = new_socket();
	if (fd < 0)
		return no_runtime(why, "make socket", config->socket);
	/* Born with its mode: between bind and chmod anybody could connect. */
	mask = umask(0777 & ~(mode_t)config->socket_mode);
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	(void)umask(mask);
	if (r < 0 || listen(fd, BACKLOG) < 0)
		return no_runtime(why, "make socket", config->socket);
	instance->is_own_socket = true;
	memcpy(instance->socket, config->socket, sizeof(instance->socket));
	instance->listen_fd = take_fd(&fd);
	return 0;
}

static bool is_from_systemd(struct instance *instance)
{
	int fd = SD_LISTEN_FDS_START;

	if (sd_listen_fds(1) != 1 || sd_is_socket(fd, AF_UNIX, SOCK_SEQPACKET, 1) <= 0)
		return false;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return false;
	instance->listen_fd = fd;
	return true;
}

int instance_open(struct instance *instance, const struct config *config,
		  char out_why[INSTANCE_WHY_LEN])
{
	int r = make_folder(config->runtime_dir, out_why);

	if (r == 0)
		r = take_lock(instance, config, out_why);
	if (r == 0)
		r = make_own_locks(config, out_why);
	if (r != 0 || is_from_systemd(instance))
		return r;
	return listen_on_path(instance, config, out_why);
}

void instance_close(struct instance *instance)
{
	if (instance->is_own_socket)
		(void)unlink(instance->socket);
	instance->listen_fd = close_fd(instance->listen_fd);
	instance->lock_fd = close_fd(instance->lock_fd);
}
