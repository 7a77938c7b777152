/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/gate.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { BACKLOG = 128, LISTEN_FD = 3 /* sd_listen_fds(3) */ };

int gate_open(struct gate *out, const char *socket_path, const char *config, const char *log)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct gate gate = GATE_INIT;

	(void)snprintf(gate.socket, sizeof(gate.socket), "%s", socket_path);
	(void)snprintf(gate.config, sizeof(gate.config), "%s", config);
	(void)snprintf(gate.log, sizeof(gate.log), "%s", log);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	gate.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (gate.fd < 0)
		return -errno;
	if (bind(gate.fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(gate.fd, BACKLOG) < 0 || setenv("BLEHERD_SOCKET", socket_path, 1) < 0) {
		int r = -errno;

		(void)close(gate.fd);
		return r;
	}
	*out = gate;
	return 0;
}

static void exec_daemon(const struct gate *gate)
{
	char text[16];

	(void)dup2(open(gate->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), STDERR_FILENO);
	/* Not CLOEXEC any more, also where it has that number already. */
	if (gate->fd == LISTEN_FD)
		(void)fcntl(LISTEN_FD, F_SETFD, 0);
	else
		(void)dup2(gate->fd, LISTEN_FD);
	(void)snprintf(text, sizeof(text), "%d", getpid());
	(void)setenv("LISTEN_PID", text, 1);
	(void)setenv("LISTEN_FDS", "1", 1);
	(void)execlp("bleherdd", "bleherdd", "--config", gate->config, (char *)NULL);
	_exit(127);
}

int gate_start(struct gate *gate)
{
	pid_t parent = getpid();
	pid_t pid;

	assert(gate->daemon == 0);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			exec_daemon(gate);
		_exit(1);
	}
	gate->daemon = pid;
	return 0;
}

/* Our child until we have waited for it: the number is nobody else's. */
void gate_signal(const struct gate *gate, int signal)
{
	if (gate->daemon > 0)
		(void)kill(gate->daemon, signal);
}

bool gate_reap(struct gate *gate, int *out_status)
{
	if (gate->daemon == 0 || waitpid(gate->daemon, out_status, WNOHANG) != gate->daemon)
		return false;
	gate->daemon = 0;
	return true;
}

void gate_close(struct gate *gate)
{
	gate_signal(gate, SIGKILL);
	if (gate->daemon > 0)
		(void)waitpid(gate->daemon, NULL, 0);
	gate->daemon = 0;
	gate->fd = close_fd(gate->fd);
}
