/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/havoc.h"

#include "tests/support/churn.h"
#include "tests/support/growth.h"
#include "tests/support/world.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	HELD_MAX = 32, /* stopped at once: none for longer than 3 s */
	ARGS_MAX = 64,
	ARGS_LEN = 4096,
	STOPPED_US = 18000,
	RUNNING_US = 2000,
	UP_MS = 20000, /* until the bus is there again */
};

/* A service that the world has started and that is started again here. */
struct service {
	pid_t pid;
	bool is_ours; /* our child */
	const char *log;
	char args[ARGS_LEN];
	char *argv[ARGS_MAX];
};

/* A process that is stopped, or starved. */
struct held {
	int pidfd; /* -1: free */
	bool is_starved;
	bool is_stopped;
	int64_t until_us, turn_us;
};

struct havoc {
	const struct world *world;
	struct door door;
	struct service sim, bus;
	struct held held[HELD_MAX];
	void (*kill_client)(void *ctx, uint32_t which);
	void *ctx;
	uint32_t *sim_beginnings;
};

/* --- the schedule --- */

/* Of a hundred. What all share is hit often enough to meet each of its own recoveries. */
static const uint8_t shares[HAVOC_TARGETS] = {
	[HAVOC_WORKER] = 50, [HAVOC_LOCKD] = 64, [HAVOC_DAEMON] = 74,  [HAVOC_SIM] = 82,
	[HAVOC_BLUEZ] = 87,  [HAVOC_BUS] = 92,	 [HAVOC_CLIENT] = 100,
};

static void plan_one(struct havoc_blow *blow, uint32_t *random, int alone)
{
	uint32_t dice = churn_random(random, 100);
	uint32_t long_one = churn_random(random, 40);
	uint32_t for_ms = 20 + churn_random(random, 380);

	*blow = (struct havoc_blow){ .which = (uint8_t)churn_random(random, 12),
				     .act = (uint8_t)churn_random(random, HAVOC_ACTS),
				     .for_ms = long_one == 0 ? 3000 : for_ms };
	while (dice >= shares[blow->target])
		blow->target++;
	if (alone >= 0) {
		blow->target = HAVOC_WORKER;
		blow->is_alone = true;
		blow->which = (uint8_t)alone;
	} else if (blow->target == HAVOC_WORKER) {
		blow->which %= HAVOC_ADAPTERS;
	}
	/* bluetoothd alone can only be gone, and a client is not what is tested. */
	if (blow->target == HAVOC_BLUEZ || blow->target == HAVOC_CLIENT)
		blow->act = HAVOC_KILL;
}

void havoc_plan(uint32_t seed, struct havoc_blow *out, size_t n)
{
	uint32_t random = seed * 2654435761u + 1;
	int alone = -1;

	for (size_t i = 0; i < n; i++) {
		if (i % HAVOC_ROUND == 0)
			alone = (i / HAVOC_ROUND) % 4 == 1
					? (int)churn_random(&random, HAVOC_ADAPTERS)
					: -1;
		plan_one(&out[i], &random, alone);
	}
}

const char *havoc_target_name(enum havoc_target target)
{
	static const char *const names[HAVOC_TARGETS] = { "worker", "lockd",	  "supervisor",
							  "sim",    "bluetoothd", "dbus-daemon",
							  "client" };

	return names[target];
}

const char *havoc_blow_text(const struct havoc_blow *blow, char out[64])
{
	static const char *const acts[HAVOC_ACTS] = { "kill", "stop", "starve" };

	(void)snprintf(out, 64, "%s %s %u for %u ms", acts[blow->act],
		       havoc_target_name((enum havoc_target)blow->target), blow->which,
		       blow->for_ms);
	return out;
}

/* --- who is there --- */

struct search {
	const char *name;
	const char *adapter; /* NULL: any */
	pid_t pid;
};

/* A worker's adapter is in its arguments. */
static bool is_worker_of(pid_t pid, const char *adapter)
{
	char args[512];
	char path[64];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(args, 1, sizeof(args), f);
	(void)fclose(f);
	return memmem(args, n, adapter, strlen(adapter) + 1) != NULL;
}

static void look_at(void *ctx, pid_t pid, const char *name)
{
	struct search *search = ctx;

	if (strcmp(name, search->name) == 0 &&
	    (!search->adapter || is_worker_of(pid, search->adapter)))
		search->pid = pid;
}

static pid_t target_pid(const struct havoc *havoc, const struct havoc_blow *blow)
{
	char adapter[8] = "hci0";
	struct search search = { .name = "bleherd-lockd" };

	if (blow->target == HAVOC_DAEMON)
		return havoc->door.daemon;
	if (blow->target == HAVOC_SIM)
		return havoc->sim.pid;
	if (blow->target == HAVOC_BUS)
		return havoc->bus.pid;
	if (blow->target == HAVOC_WORKER) {
		adapter[3] = (char)('0' + blow->which);
		search = (struct search){ .name = "bleherd-worker", .adapter = adapter };
	}
	growth_children(havoc->door.daemon, look_at, &search);
	return search.pid;
}

static int open_process(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int send_signal(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

/* --- services --- */

static void read_arguments(struct service *service)
{
	char path[64];
	size_t len;
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", service->pid);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	len = fread(service->args, 1, sizeof(service->args) - 1, f);
	(void)fclose(f);
	for (size_t at = 0; at < len && n < ARGS_MAX - 1; at += strlen(&service->args[at]) + 1)
		service->argv[n++] = &service->args[at];
	ck_assert_uint_gt(n, 0);
}

static void begin_service(struct service *service, const char *variable, const char *log)
{
	service->pid = (pid_t)strtol(world_env(variable), NULL, 10);
	service->log = log;
	read_arguments(service);
}

static void start_service(struct service *service)
{
	const char *logs = getenv("BLEHERD_TEST_LOGS");
	pid_t parent = getpid();
	char path[512];
	int fd;

	service->is_ours = true;
	service->pid = fork();
	ck_assert_int_ge(service->pid, 0);
	if (service->pid > 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(path, sizeof(path), "%s/%s", logs ? logs : getenv("BLEHERD_WORLD"),
		       service->log);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	if (getppid() == parent)
		(void)execvp(service->argv[0], service->argv);
	_exit(127);
}

static void kill_service(struct service *service)
{
	struct pollfd end = { .fd = open_process(service->pid), .events = POLLIN };

	ck_assert_msg(end.fd >= 0, "%s has ended by itself", service->argv[0]);
	(void)send_signal(end.fd, SIGKILL);
	ck_assert_int_eq(poll(&end, 1, -1), 1);
	(void)close(end.fd);
	if (service->is_ours)
		ck_assert_int_eq(waitpid(service->pid, NULL, 0), service->pid);
	service->pid = 0;
}

/* --- blows --- */

static bool hold(struct havoc *havoc, pid_t pid, const struct havoc_blow *blow)
{
	int pidfd = open_process(pid);
	int64_t now_us = churn_now_us();
	struct held *held = havoc->held;

	while (held < havoc->held + HELD_MAX && held->pidfd >= 0)
		held++;
	if (pidfd < 0 || held == havoc->held + HELD_MAX || send_signal(pidfd, SIGSTOP) < 0) {
		(void)(pidfd >= 0 && close(pidfd));
		return false;
	}
	*held = (struct held){ .pidfd = pidfd,
			       .is_starved = blow->act == HAVOC_STARVE,
			       .is_stopped = true,
			       .until_us = now_us + (int64_t)blow->for_ms * 1000,
			       .turn_us = now_us + STOPPED_US };
	if (!held->is_starved)
		held->turn_us = held->until_us;
	return true;
}

/* Nobody waits for its answer: the sim may be stopped. */
static void tell_sim(const char *command)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	(void)snprintf(where.sun_path, sizeof(where.sun_path), "%s", getenv("BLEHERD_SIM_CONTROL"));
	if (connect(fd, (struct sockaddr *)&where, sizeof(where)) == 0)
		(void)send(fd, command, strlen(command), MSG_NOSIGNAL);
	(void)close(fd);
}

static void begin_sim(struct havoc *havoc)
{
	++*havoc->sim_beginnings;
	start_service(&havoc->sim);
}

static bool is_bus_up(void)
{
	const char *path = strchr(world_env("DBUS_SYSTEM_BUS_ADDRESS"), '/');
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	ck_assert(path != NULL && fd >= 0);
	(void)snprintf(where.sun_path, sizeof(where.sun_path), "%s", path);
	r = connect(fd, (struct sockaddr *)&where, sizeof(where));
	(void)close(fd);
	return r == 0;
}

/* Whoever is on it goes with it: bluetoothd, too, and as the sim is one program, all of it. */
static void restart_bus(struct havoc *havoc)
{
	int64_t limit_us = churn_now_us() + (int64_t)UP_MS * 1000;

	kill_service(&havoc->sim);
	kill_service(&havoc->bus);
	start_service(&havoc->bus);
	while (!is_bus_up()) {
		ck_assert_msg(churn_now_us() < limit_us, "dbus-daemon does not come up");
		havoc_run_until(havoc, churn_now_us() + 1000);
	}
	begin_sim(havoc);
}

static bool kill_one(struct havoc *havoc, pid_t pid, const struct havoc_blow *blow)
{
	char command[64];

	switch ((enum havoc_target)blow->target) {
	case HAVOC_DAEMON:
		ck_assert(WIFSIGNALED(door_end(&havoc->door, SIGKILL)));
		door_start(&havoc->door);
		return true;
	case HAVOC_SIM:
		kill_service(&havoc->sim);
		begin_sim(havoc);
		return true;
	case HAVOC_BLUEZ:
		(void)snprintf(command, sizeof(command), "restart-bluetoothd %u kill",
			       blow->for_ms);
		tell_sim(command);
		return true;
	case HAVOC_CLIENT:
		havoc->kill_client(havoc->ctx, blow->which);
		return true;
	case HAVOC_WORKER:
	case HAVOC_LOCKD:
		return kill(pid, SIGKILL) == 0;
	case HAVOC_BUS:
		restart_bus(havoc);
		return true;
	case HAVOC_TARGETS:
		break;
	}
	return false;
}

bool havoc_deal(struct havoc *havoc, const struct havoc_blow *blow)
{
	pid_t pid = blow->target == HAVOC_CLIENT ? 1 : target_pid(havoc, blow);

	if (pid <= 0)
		return false;
	return blow->act == HAVOC_KILL ? kill_one(havoc, pid, blow) : hold(havoc, pid, blow);
}

/* --- time --- */

static void let_go(struct held *held)
{
	(void)send_signal(held->pidfd, SIGCONT);
	(void)close(held->pidfd);
	held->pidfd = -1;
}

static void turn(struct held *held, int64_t now_us)
{
	if (now_us >= held->until_us) {
		let_go(held);
		return;
	}
	held->is_stopped = !held->is_stopped;
	(void)send_signal(held->pidfd, held->is_stopped ? SIGSTOP : SIGCONT);
	held->turn_us = now_us + (held->is_stopped ? STOPPED_US : RUNNING_US);
}

static void sleep_until(int64_t until_us)
{
	struct timespec t = { .tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

void havoc_run_until(struct havoc *havoc, int64_t until_us)
{
	int64_t now_us;
	int64_t next_us;

	while ((now_us = churn_now_us()) < until_us) {
		next_us = until_us;
		for (size_t i = 0; i < HELD_MAX; i++) {
			struct held *held = &havoc->held[i];

			if (held->pidfd >= 0 && now_us >= held->turn_us)
				turn(held, now_us);
			if (held->pidfd >= 0 && held->turn_us < next_us)
				next_us = held->turn_us;
		}
		sleep_until(next_us);
	}
}

void havoc_rest(struct havoc *havoc)
{
	for (size_t i = 0; i < HELD_MAX; i++)
		if (havoc->held[i].pidfd >= 0)
			let_go(&havoc->held[i]);
}

/* --- itself --- */

struct havoc *havoc_new(const struct world *world, void (*kill_client)(void *ctx, uint32_t which),
			void *ctx)
{
	struct havoc *havoc = calloc(1, sizeof(*havoc));
	void *shared = mmap(NULL, sizeof(uint32_t), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_nonnull(havoc);
	ck_assert(shared != MAP_FAILED);
	havoc->world = world;
	havoc->kill_client = kill_client;
	havoc->ctx = ctx;
	havoc->sim_beginnings = shared;
	for (size_t i = 0; i < HELD_MAX; i++)
		havoc->held[i].pidfd = -1;
	begin_service(&havoc->sim, "BLEHERD_SIM_PID", "sim-again.log");
	begin_service(&havoc->bus, "BLEHERD_BUS_PID", "bus-again.log");
	door_open(&havoc->door, world);
	door_start(&havoc->door);
	return havoc;
}

pid_t havoc_daemon(const struct havoc *havoc)
{
	return havoc->door.daemon;
}

static void count_zombie(void *ctx, pid_t pid, const char *name)
{
	unsigned *n = ctx;
	char path[64];
	char state = '?';
	FILE *f;

	(void)name;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) == 1)
		*n += state == 'Z';
	(void)fclose(f);
}

unsigned havoc_zombies(const struct havoc *havoc)
{
	unsigned n = 0;

	growth_children(havoc->door.daemon, count_zombie, &n);
	return n;
}

const volatile uint32_t *havoc_sim_beginnings(const struct havoc *havoc)
{
	return havoc->sim_beginnings;
}

struct havoc *havoc_free(struct havoc *havoc)
{
	if (!havoc)
		return NULL;
	havoc_rest(havoc);
	door_close(&havoc->door);
	if (havoc->sim.is_ours)
		kill_service(&havoc->sim);
	if (havoc->bus.is_ours)
		kill_service(&havoc->bus);
	(void)munmap(havoc->sim_beginnings, sizeof(uint32_t));
	free(havoc);
	return NULL;
}
