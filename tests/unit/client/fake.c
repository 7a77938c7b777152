/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/client/fake.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

const struct bh_uuid FAKE_UUID = { { 0, 0, 0xff, 0xf3, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5f, 0x9b,
				     0x34, 0xfb } };

static void peer_init(struct fake_peer *peer)
{
	*peer = (struct fake_peer){ .chan = NULL };
}

void fake_open(struct fake *fake)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	memset(fake, 0, sizeof(*fake));
	(void)snprintf(fake->dir, sizeof(fake->dir), "/tmp/bh-client-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fake->dir));
	(void)snprintf(fake->path, sizeof(fake->path), "%s/s", fake->dir);
	memcpy(addr.sun_path, fake->path, sizeof(fake->path));
	fake->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fake->listen_fd, 0);
	ck_assert_int_eq(bind(fake->listen_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(fake->listen_fd, 8), 0);
	ck_assert_int_eq(chan_buf_new(&fake->buf, CHAN_BODY_DATA), 0);
}

void fake_close(struct fake *fake)
{
	fake_drop(&fake->control);
	fake->listen_fd = close_fd(fake->listen_fd);
	fake->buf = chan_buf_free(fake->buf);
	(void)unlink(fake->path);
	(void)rmdir(fake->dir);
}

void fake_accept(struct fake *fake)
{
	int fd = accept4(fake->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	peer_init(&fake->control);
	ck_assert_int_eq(chan_new(&fake->control.chan, fd, fake->buf, CHAN_BODY_CONTROL), 0);
}

void fake_greet(struct fake *fake, uint64_t run)
{
	Bh__HelloOk ok = BH__HELLO_OK__INIT;
	uint32_t id = fake_take_id(fake, &fake->control, BH__TYPE__HELLO);

	ok.has_version = true;
	ok.version = 1;
	ok.has_run = run != 0;
	ok.run = run;
	fake_send(&fake->control, BH__TYPE__HELLO_OK, id, &ok.base, -1);
}

struct bh_client *fake_client(struct fake *fake)
{
	struct bh_client *client;

	ck_assert_int_eq(bh_new(&client, fake->path, "test"), 0);
	fake_accept(fake);
	fake_greet(fake, 1);
	ck_assert_int_eq(fake_settle(fake, client), 0);
	return client;
}

void fake_restart(struct fake *fake, struct bh_client *client)
{
	struct pollfd p = { .fd = fake->listen_fd, .events = POLLIN };

	fake_drop(&fake->control);
	while (poll(&p, 1, 0) == 0)
		ck_assert_int_eq(bh_wait(client, -1), 0);
	fake_accept(fake);
}

static void store(struct fake_peer *peer, const struct chan_frame *frame)
{
	struct fake_frame *copy = calloc(1, sizeof(*copy) + frame->len);
	struct fake_frame **at = &peer->head;

	ck_assert_ptr_nonnull(copy);
	copy->type = frame->type;
	copy->id = frame->id;
	copy->epoch = frame->epoch;
	copy->n_fds = frame->n_fds;
	copy->len = frame->len;
	memcpy(copy->body, frame->body, frame->len);
	while (*at)
		at = &(*at)->next;
	*at = copy;
}

void fake_pump(struct fake *fake, struct fake_peer *peer)
{
	struct chan_frame frame;
	int r = CHAN_FRAME;

	(void)fake;
	while (peer->chan && r == CHAN_FRAME) {
		r = chan_recv(peer->chan, &frame);
		ck_assert_int_ge(r, 0);
		if (r == CHAN_FRAME) {
			store(peer, &frame);
			chan_frame_done(&frame);
		}
		if (r == CHAN_EOF)
			peer->is_eof = true;
	}
}

struct fake_frame *fake_take(struct fake *fake, struct fake_peer *peer, uint16_t type)
{
	struct fake_frame *frame;

	fake_pump(fake, peer);
	frame = peer->head;
	ck_assert_msg(frame != NULL, "expected a frame of type %u, there is none", type);
	ck_assert_uint_eq(frame->type, type);
	peer->head = frame->next;
	return frame;
}

uint32_t fake_take_id(struct fake *fake, struct fake_peer *peer, uint16_t type)
{
	struct fake_frame *frame = fake_take(fake, peer, type);
	uint32_t id = frame->id;

	free(frame);
	return id;
}

void fake_nothing(struct fake *fake, struct fake_peer *peer)
{
	fake_pump(fake, peer);
	ck_assert_msg(peer->head == NULL, "a frame of type %u came",
		      peer->head ? peer->head->type : 0);
}

int fake_settle(struct fake *fake, struct bh_client *client)
{
	struct pollfd p = { .fd = bh_fd(client), .events = POLLIN };
	int quiet = 0;
	int r = 0;

	while (quiet < 2 && r == 0) {
		fake_pump(fake, &fake->control);
		quiet++;
		if (poll(&p, 1, 0) > 0)
			quiet = 0;
		r = bh_process(client);
	}
	return r;
}

/* --- sending --- */

void fake_send(struct fake_peer *peer, uint16_t type, uint32_t id, const ProtobufCMessage *msg,
	       int fd)
{
	ck_assert_int_eq(chan_send(peer->chan, type, id, 0, msg, &fd, fd >= 0 ? 1 : 0), 0);
}

void fake_send_done(struct fake_peer *peer, uint32_t id)
{
	Bh__Done msg = BH__DONE__INIT;

	fake_send(peer, BH__TYPE__DONE, id, &msg.base, -1);
}

void fake_send_error(struct fake_peer *peer, uint32_t id, Bh__Class class, const char *text)
{
	Bh__Error msg = BH__ERROR__INIT;

	msg.has_class_ = true;
	msg.class_ = class;
	msg.text = (char *)(uintptr_t)text;
	fake_send(peer, BH__TYPE__ERROR, id, &msg.base, -1);
}

void fake_send_value(struct fake_peer *peer, uint32_t id, const void *value, size_t len)
{
	Bh__Value msg = BH__VALUE__INIT;

	msg.has_value = true;
	msg.value.len = len;
	msg.value.data = (uint8_t *)(uintptr_t)value;
	fake_send(peer, BH__TYPE__VALUE, id, &msg.base, -1);
}

void fake_send_connected(struct fake_peer *peer, uint32_t id)
{
	Bh__Connected msg = BH__CONNECTED__INIT;

	msg.has_attempts = true;
	msg.attempts = 1;
	fake_send(peer, BH__TYPE__CONNECTED, id, &msg.base, -1);
}

void fake_send_link_lost(struct fake_peer *peer)
{
	Bh__LinkLost msg = BH__LINK_LOST__INIT;

	msg.has_class_ = true;
	msg.class_ = BH__CLASS__CLASS_LINK_LOST;
	msg.text = (char *)(uintptr_t) "supervision timeout";
	fake_send(peer, BH__TYPE__LINK_LOST, 0, &msg.base, -1);
}

void fake_notify(struct fake_peer *peer, uint32_t id, uint64_t first_seq, uint32_t lost, size_t n,
		 uint8_t first_value)
{
	Bh__Notified msg = BH__NOTIFIED__INIT;
	ProtobufCBinaryData values[16];
	uint8_t bytes[16];
	size_t i;

	ck_assert_uint_le(n, ARRAY_LEN(values));
	for (i = 0; i < n; i++) {
		bytes[i] = (uint8_t)(first_value + i);
		values[i] = (ProtobufCBinaryData){ .len = 1, .data = &bytes[i] };
	}
	msg.has_first_seq = true;
	msg.first_seq = first_seq;
	msg.has_lost = true;
	msg.lost = lost;
	msg.n_values = n;
	msg.values = values;
	fake_send(peer, BH__TYPE__NOTIFIED, id, &msg.base, -1);
}

/* --- sessions --- */

void fake_pair(struct fake *fake, struct fake_peer *worker, int *out_fd)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	peer_init(worker);
	ck_assert_int_eq(chan_new(&worker->chan, fds[0], fake->buf, CHAN_BODY_DATA), 0);
	*out_fd = fds[1];
}

void fake_send_opened(struct fake *fake, uint32_t id, uint32_t session, uint32_t epoch,
		      struct fake_peer *out_worker)
{
	Bh__SessionOpened msg = BH__SESSION_OPENED__INIT;
	int fd;

	fake_pair(fake, out_worker, &fd);
	msg.has_session = true;
	msg.session = session;
	msg.has_epoch = true;
	msg.epoch = epoch;
	msg.adapter = (char *)(uintptr_t) "hci0";
	fake_send(&fake->control, BH__TYPE__SESSION_OPENED, id, &msg.base, fd);
	(void)close_fd(fd);
}

void fake_send_moved(struct fake *fake, uint32_t session, uint32_t epoch, const uint32_t *issued,
		     size_t n_issued, struct fake_peer *out_worker)
{
	Bh__Moved msg = BH__MOVED__INIT;
	int fd;

	fake_pair(fake, out_worker, &fd);
	msg.has_session = true;
	msg.session = session;
	msg.has_epoch = true;
	msg.epoch = epoch;
	msg.adapter = (char *)(uintptr_t) "hci1";
	msg.reason = (char *)(uintptr_t) "the worker died";
	msg.n_issued = n_issued;
	msg.issued = (uint32_t *)(uintptr_t)issued;
	fake_send(&fake->control, BH__TYPE__MOVED, 0, &msg.base, fd);
	(void)close_fd(fd);
}

void fake_send_closed(struct fake *fake, uint32_t session, Bh__Class class, const uint32_t *issued,
		      size_t n_issued)
{
	Bh__SessionClosed msg = BH__SESSION_CLOSED__INIT;

	msg.has_session = true;
	msg.session = session;
	msg.has_class_ = true;
	msg.class_ = class;
	msg.text = (char *)(uintptr_t) "closed for good";
	msg.n_issued = n_issued;
	msg.issued = (uint32_t *)(uintptr_t)issued;
	fake_send(&fake->control, BH__TYPE__SESSION_CLOSED, 0, &msg.base, -1);
}

void fake_drop(struct fake_peer *worker)
{
	struct fake_frame *frame;

	while ((frame = worker->head)) {
		worker->head = frame->next;
		free(frame);
	}
	worker->chan = chan_free(worker->chan);
}

struct bh_session *fake_session(struct fake *fake, struct bh_client *client,
				struct fake_peer *out_worker)
{
	struct bh_session *session;
	uint32_t id;

	ck_assert_int_eq(bh_session_open(&session, client, FAKE_ADDRESS, NULL, 0, NULL, NULL, NULL),
			 0);
	id = fake_take_id(fake, &fake->control, BH__TYPE__SESSION_OPEN);
	fake_send_opened(fake, id, FAKE_SESSION, 1, out_worker);
	ck_assert_int_eq(fake_settle(fake, client), 0);
	return session;
}

/* --- callbacks --- */

void fake_on_result(void *ctx, const struct bh_result *result)
{
	struct fake_tally *tally = ctx;

	tally->calls++;
	tally->error = result->error;
	tally->timings = result->timings;
	tally->attempts = result->attempts;
	(void)snprintf(tally->text, sizeof(tally->text), "%.191s", result->text);
	(void)snprintf(tally->adapter, sizeof(tally->adapter), "%.15s", result->adapter);
	ck_assert_uint_le(result->len_bytes, sizeof(tally->value));
	tally->len = result->len_bytes;
	if (result->len_bytes > 0)
		memcpy(tally->value, result->value, result->len_bytes);
}

void fake_on_notify(void *ctx, const uint8_t *value, size_t len, uint64_t seq, uint32_t lost)
{
	struct fake_tally *tally = ctx;

	ck_assert_uint_eq(len, 1);
	ck_assert_uint_eq(seq, tally->seq + 1 + lost);
	tally->items++;
	tally->value[0] = value[0];
	tally->seq = seq;
	tally->lost += lost;
}

int fake_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}
