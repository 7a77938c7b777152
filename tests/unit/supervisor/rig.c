/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/supervisor/rig.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "ipc/clock.h"
#include "ipc/log.h"
#include "ipc/boot_clock.h"
#include "supervisor/daemon.h"
#include "supervisor/instance.h"
#include "supervisor/mgmt_codec.h"

/* --- fake MGMT --- */

static void mgmt_event(struct rig *rig, uint16_t code, uint16_t index, const uint8_t *data,
		       size_t len)
{
	uint8_t out[MGMT_PACKET_MAX] = { (uint8_t)code,	 (uint8_t)(code >> 8),
					 (uint8_t)index, (uint8_t)(index >> 8),
					 (uint8_t)len,	 (uint8_t)(len >> 8) };

	if (len > 0)
		memcpy(out + MGMT_HEADER_LEN, data, len);
	(void)!send(rig->mgmt, out, MGMT_HEADER_LEN + len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static size_t fill_list(const struct rig *rig, uint8_t *data)
{
	size_t i;

	for (i = 0; i < RIG_INDEXES; i++)
		if (!rig->is_unplugged[i])
			data[2 + 2 * data[0]++] = (uint8_t)i;
	return 2u + 2u * data[0];
}

static size_t fill_links(uint64_t address, uint8_t *data)
{
	size_t i;

	if (address == 0)
		return 2;
	data[0] = 1;
	for (i = 0; i < 6; i++)
		data[2 + i] = (uint8_t)(address >> 8 * i);
	data[2 + 6] = MGMT_LE_RANDOM;
	return 2 + 7;
}

static void mgmt_answer(struct rig *rig, const struct mgmt_packet *command)
{
	uint8_t data[300] = { (uint8_t)command->code, (uint8_t)(command->code >> 8), 0 };
	size_t len = 3;

	if (command->code == MGMT_READ_INDEX_LIST)
		len += fill_list(rig, data + 3);
	if (command->code == MGMT_READ_INFO) {
		data[3] = rig->addresses[command->index];
		data[3 + 13] = MGMT_SETTING_POWERED;
		data[3 + 14] = rig->has_no_le[command->index] ? 0 : MGMT_SETTING_LE >> 8;
		len += 280;
	}
	if (command->code == MGMT_GET_CONNECTIONS)
		len += fill_links(rig->listed[command->index], data + 3);
	if (command->code == MGMT_DISCONNECT) {
		rig->disconnects++;
		data[2] = rig->disconnect_status;
		if (rig->disconnect_status == MGMT_STATUS_SUCCESS)
			rig->listed[command->index] = 0;
	}
	if (command->code == MGMT_SET_POWERED) {
		rig->powers[command->params[0]]++;
		data[2] = command->params[0] ? rig->power_status : MGMT_STATUS_SUCCESS;
		len += 4;
		if (rig->is_mute)
			return;
	}
	mgmt_event(rig, MGMT_EV_COMMAND_COMPLETE, command->index, data, len);
}

static void serve_mgmt(struct rig *rig)
{
	uint8_t data[MGMT_PACKET_MAX];
	struct mgmt_packet packet;
	ssize_t n = -1;

	if (rig->mgmt < 0 && rig->mgmt_listen >= 0)
		rig->mgmt = accept4(rig->mgmt_listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (rig->mgmt >= 0 && (n = recv(rig->mgmt, data, sizeof(data), MSG_DONTWAIT)) > 0)
		if (mgmt_codec_packet(data, (size_t)n, &packet) == 0)
			mgmt_answer(rig, &packet);
	/* It opens another one. */
	if (rig->mgmt >= 0 && n == 0)
		rig->mgmt = close_fd(rig->mgmt);
}

void rig_plug(struct rig *rig, uint16_t index, bool is_in)
{
	rig->is_unplugged[index] = !is_in;
	mgmt_event(rig, is_in ? MGMT_EV_INDEX_ADDED : MGMT_EV_INDEX_REMOVED, index, NULL, 0);
}

/* In the daemon's process: the file "slept" says how long the machine has slept so far. */
uint64_t boot_clock_ms(void)
{
	char text[24] = "0";

	(void)agent_read("slept", text, sizeof(text));
	return clock_now_ms() + strtoull(text, NULL, 10);
}

void rig_settings(struct rig *rig, uint16_t index, bool has_le)
{
	uint8_t data[4] = { MGMT_SETTING_POWERED, has_le ? MGMT_SETTING_LE >> 8 : 0, 0, 0 };

	rig->has_no_le[index] = !has_le;
	mgmt_event(rig, MGMT_EV_NEW_SETTINGS, index, data, sizeof(data));
}

void rig_renumber(struct rig *rig, uint16_t from, uint16_t to)
{
	rig_plug(rig, from, false);
	rig->addresses[to] = rig->addresses[from];
	rig_plug(rig, to, true);
}

void rig_tell_agents(struct rig *rig, const char *file, const char *text)
{
	char path[128];
	FILE *stream;

	(void)snprintf(path, sizeof(path), "%s/%s", rig->dir, file);
	stream = fopen(path, "w");
	ck_assert_ptr_nonnull(stream);
	ck_assert_int_ge(fputs(text, stream), 0);
	ck_assert_int_eq(fclose(stream), 0);
}

void rig_cause(struct rig *rig, uint16_t code, uint16_t index, uint64_t address, uint8_t reason)
{
	uint8_t data[MGMT_PARAMS_MAX];
	size_t len = mgmt_codec_put_peer(data, address, MGMT_LE_PUBLIC);

	data[len++] = reason;
	mgmt_event(rig, code, index, data, len);
}

void rig_link(struct rig *rig, uint16_t index, uint64_t address)
{
	uint8_t data[MGMT_PARAMS_MAX] = { 0 };

	(void)mgmt_codec_put_peer(data, address, MGMT_LE_RANDOM);
	mgmt_event(rig, MGMT_EV_DEVICE_CONNECTED, index, data, 13);
}

/* --- waiting --- */

static void wait_for(struct rig *rig, struct chan *chan, uint64_t until_ms, uint16_t type)
{
	struct pollfd p[] = {
		{ .fd = chan_fd(chan), .events = POLLIN },
		{ .fd = rig->mgmt >= 0 ? rig->mgmt : rig->mgmt_listen, .events = POLLIN },
	};
	uint64_t now_ms = clock_now_ms();

	ck_assert_msg(now_ms < until_ms, "no frame of type %u came", type);
	(void)poll(p, 2, (int)clock_left_ms(until_ms, now_ms));
	serve_mgmt(rig);
}

void rig_expect(struct rig *rig, struct chan *chan, uint16_t type, struct chan_frame *out)
{
	uint64_t until_ms = clock_now_ms() + RIG_WAIT_MS;
	int r;

	for (;;) {
		r = chan_recv(chan, out);
		ck_assert_msg(r == 0 || r == CHAN_FRAME, "waiting for %u: %d", type, r);
		if (r == CHAN_FRAME && (type == 0 || out->type == type))
			return;
		if (r == CHAN_FRAME)
			chan_frame_done(out);
		else
			wait_for(rig, chan, until_ms, type);
	}
}

void rig_expect_end(struct rig *rig, struct chan *chan)
{
	uint64_t until_ms = clock_now_ms() + RIG_WAIT_MS;
	struct chan_frame frame;
	int r;

	while ((r = chan_recv(chan, &frame)) != CHAN_EOF) {
		ck_assert_int_ge(r, 0);
		if (r == CHAN_FRAME)
			chan_frame_done(&frame);
		else
			wait_for(rig, chan, until_ms, 0);
	}
}

/* --- the program --- */

uint32_t rig_ask(struct rig *rig, struct chan *chan, uint16_t type, const ProtobufCMessage *msg)
{
	ck_assert_int_eq(chan_send(chan, type, ++rig->last_id, 1, msg, NULL, 0), 0);
	return rig->last_id;
}

void rig_order(struct rig *rig, struct chan *session, const char *word)
{
	Bh__Write msg = BH__WRITE__INIT;

	msg.has_value = 1;
	msg.value.data = (uint8_t *)(uintptr_t)word;
	msg.value.len = strlen(word);
	(void)rig_ask(rig, session, BH__TYPE__WRITE, &msg.base);
}

/* Waits where there are many before us. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

struct chan *rig_wrap(struct rig *rig, int fd, size_t body_max)
{
	struct chan **at = &rig->chans[rig->n_chans++];

	ck_assert_uint_le(rig->n_chans, RIG_CHANS_MAX);
	ck_assert_int_eq(chan_new(at, fd, rig->buf, body_max), 0);
	return *at;
}

void rig_close(struct rig *rig, struct chan *chan)
{
	size_t i;

	for (i = 0; i < rig->n_chans; i++)
		if (rig->chans[i] == chan)
			rig->chans[i] = chan_free(rig->chans[i]);
}

void rig_follow(struct rig *rig)
{
	Bh__EventsRequest request = BH__EVENTS_REQUEST__INIT;

	request.has_follow = 1;
	request.follow = 1;
	rig->events = rig_connect(rig);
	rig_ask(rig, rig->events, BH__TYPE__EVENTS_REQUEST, &request.base);
}

void rig_expect_event(struct rig *rig, const char *kind, const char *text)
{
	const Bh__Event *event;
	struct chan_frame frame;

	do {
		rig_expect(rig, rig->events, BH__TYPE__EVENT, &frame);
		event = chan_unpack(rig->events, &frame, &bh__event__descriptor);
		ck_assert_ptr_nonnull(event);
	} while (strcmp(event->kind, kind) != 0 || (text && !strstr(event->text, text)));
}

struct chan *rig_connect(struct rig *rig)
{
	Bh__Hello hello = BH__HELLO__INIT;
	struct chan_frame frame;
	struct chan *chan;

	chan = rig_wrap(rig, connect_to(rig->config.socket), CHAN_BODY_CONTROL);
	hello.has_version = 1;
	hello.version = 1;
	rig_ask(rig, chan, BH__TYPE__HELLO, &hello.base);
	rig_expect(rig, chan, BH__TYPE__HELLO_OK, &frame);
	return chan;
}

/* --- the world --- */

static void make_listener(struct rig *rig)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig->config.mgmt);
	rig->mgmt_listen = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(rig->mgmt_listen, (const struct sockaddr *)&address, sizeof(address)),
			 0);
	ck_assert_int_eq(listen(rig->mgmt_listen, 4), 0);
}

static _Noreturn void run_daemon(const struct rig *rig, pid_t parent, const int ready[2])
{
	char path[96];
	const struct config_sources sources = { .path = path };
	struct instance instance = INSTANCE_INIT;
	struct config_reading *reading;
	char why[INSTANCE_WHY_LEN];

	(void)snprintf(path, sizeof(path), "%s/" RIG_CONFIG, rig->dir);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || instance_open(&instance, &rig->config, why) != 0 ||
	    config_reading_new(&reading) < 0)
		_exit(1);
	reading->config = rig->config;
	access_world(&reading->world);
	(void)!write(ready[1], "", 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	_exit(daemon_run(reading, &sources, instance.listen_fd) == 0 ? 0 : 1);
}

/* How many adapters are ready. */
static unsigned count_ready(struct rig *rig)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	const Bh__Adapter *adapter;
	struct chan_frame frame;
	unsigned n = 0;

	rig_ask(rig, rig->control, BH__TYPE__ADAPTERS_REQUEST, &empty.base);
	for (;;) {
		rig_expect(rig, rig->control, 0, &frame);
		if (frame.type == BH__TYPE__DONE)
			return n;
		adapter = chan_unpack(rig->control, &frame, &bh__adapter__descriptor);
		n += strcmp(adapter->state, "ready") == 0;
	}
}

const Bh__Status *rig_status(struct rig *rig)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	struct chan_frame frame;

	rig_ask(rig, rig->control, BH__TYPE__STATUS_REQUEST, &empty.base);
	rig_expect(rig, rig->control, BH__TYPE__STATUS, &frame);
	return chan_unpack(rig->control, &frame, &bh__status__descriptor);
}

void rig_quick(struct config *config)
{
	config->restart_base_ms = 20;
	config->restart_max_ms = 40;
	config->crash_loop_deaths = 3;
}

void rig_slow(struct config *config)
{
	config->restart_base_ms = config->restart_max_ms = 30000;
}

/* A daemon that listens. */
static void start_daemon(struct rig *rig)
{
	pid_t parent = getpid();
	int ready[2];
	char byte;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	rig->daemon = fork();
	ck_assert_int_ge(rig->daemon, 0);
	if (rig->daemon == 0)
		run_daemon(rig, parent, ready);
	(void)close(ready[1]);
	ck_assert_msg(read(ready[0], &byte, 1) == 1, "bleherdd did not come up");
	(void)close(ready[0]);
}

struct rig *rig_start(void (*adjust)(struct config *config))
{
	struct rig *rig = calloc(1, sizeof(*rig));
	bool is_arbitrated;
	char path[128];
	size_t i;

	ck_assert_ptr_nonnull(rig);
	(void)snprintf(rig->dir, sizeof(rig->dir), "/tmp/bhs.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig->dir));
	config_defaults(&rig->config);
	(void)snprintf(rig->config.rescue_socket, CONFIG_PATH_LEN, "%s/rescue", rig->dir);
	(void)snprintf(rig->config.runtime_dir, CONFIG_PATH_LEN, "%s", rig->dir);
	(void)snprintf(rig->config.lock_dir, CONFIG_PATH_LEN, "%s", rig->dir);
	(void)snprintf(rig->config.socket, CONFIG_PATH_LEN, "%s/s", rig->dir);
	(void)snprintf(rig->config.mgmt, CONFIG_PATH_LEN, "%s/m", rig->dir);
	(void)snprintf(rig->config.bus, CONFIG_BUS_LEN, "unix:path=%s/none", rig->dir);
	(void)snprintf(path, sizeof(path), "%s/bleherd-worker", rig->dir);
	ck_assert_int_eq(symlink("/proc/self/exe", path), 0);
	(void)snprintf(path, sizeof(path), "%s/bleherd-lockd", rig->dir);
	ck_assert_int_eq(symlink("/proc/self/exe", path), 0);
	(void)snprintf(path, sizeof(path), "%s/bleherd-rescue", rig->dir);
	ck_assert_int_eq(symlink("/proc/self/exe", path), 0);
	for (i = 0; i < RIG_INDEXES; i++) {
		rig->is_unplugged[i] = i >= RIG_ADAPTERS;
		rig->addresses[i] = (uint8_t)(i + 1);
	}
	(void)setenv("BLEHERD_LIBEXEC", rig->dir, 1);
	if (adjust)
		adjust(&rig->config);
	rig->mgmt = -EBADF;
	make_listener(rig);
	ck_assert_int_eq(chan_buf_new(&rig->buf, CHAN_BODY_DATA), 0);
	log_setup("bleherdd", getenv("RIG_DEBUG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	start_daemon(rig);
	rig->control = rig_connect(rig);
	is_arbitrated = access(rig->config.lock_dir, F_OK) == 0;
	while (count_ready(rig) < RIG_ADAPTERS || rig_status(rig)->arbiter != is_arbitrated)
		(void)poll(NULL, 0, 5);
	return rig;
}

struct rig *rig_stop(struct rig *rig)
{
	char command[128];
	int status;

	while (rig->n_chans > 0)
		chan_free(rig->chans[--rig->n_chans]);
	(void)kill(rig->daemon, SIGTERM);
	ck_assert_int_eq(waitpid(rig->daemon, &status, 0), rig->daemon);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
	/* Its children are ours by now, if it left any. */
	ck_assert_int_eq(waitpid(-1, &status, WNOHANG), -1);
	(void)close_fd(rig->mgmt);
	(void)close_fd(rig->mgmt_listen);
	chan_buf_free(rig->buf);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", rig->dir);
	ck_assert_int_eq(system(command), 0);
	free(rig);
	return NULL;
}
