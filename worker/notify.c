/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/notify_state.h"

#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/gatt.h"
#include "worker/objpath.h"
#include "worker/resume.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { CALL_MS = 30000, REOPEN_MAX = 3 };

static const char CHRC[] = "org.bluez.GattCharacteristic1";

/* --- a subscription's life --- */

struct sub *sub_find(const struct link *link, uint16_t chrc)
{
	struct sub *sub;

	TAILQ_FOREACH(sub, &link->subs, entry)
	if (sub->chrc == chrc)
		return sub;
	return NULL;
}

struct gatt_chrc *sub_chrc(const struct sub *sub)
{
	const struct device *device = mirror_device(sub->link->w->mirror, sub->link->addr);

	return device ? gatt_db_chrc(&device->db, sub->chrc) : NULL;
}

void sub_close_socket(struct sub *sub)
{
	sub->io = sd_event_source_disable_unref(sub->io);
	sub->fd = close_fd(sub->fd);
}

void sub_drop_values(struct value_list *list)
{
	struct value *v;

	while ((v = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, v, entry);
		free(v);
	}
}

void sub_want_values(struct sub *sub, bool is_wanted)
{
	if (sub->wants_values == is_wanted)
		return;
	sub->wants_values = is_wanted;
	mirror_want_values(sub->link->w->mirror, is_wanted);
}

void sub_free(struct sub *sub)
{
	sub_close_socket(sub);
	sub_want_values(sub, false);
	sub_drop_values(&sub->held);
	sub_drop_values(&sub->due);
	if (sub->link->w->links->due == sub)
		sub->link->w->links->due = NULL;
	if (sub->call)
		bus_abandon(sub->call);
	deadline_clear(sub->link->w->deadlines, &sub->quiet);
	TAILQ_REMOVE(&sub->link->subs, sub, entry);
	free(sub);
}

struct sub *sub_new(struct link *link, const struct gatt_chrc *chrc)
{
	struct sub *sub = calloc(1, sizeof(*sub));

	if (!sub)
		return NULL;
	sub->link = link;
	sub->chrc = chrc->handle;
	sub->has_notify = chrc->flags & GATT_NOTIFY;
	sub->fd = -EBADF;
	sub->quiet.fire = quiet_on_deadline;
	TAILQ_INIT(&sub->held);
	TAILQ_INIT(&sub->due);
	TAILQ_INIT(&sub->subscribers);
	TAILQ_INSERT_TAIL(&link->subs, sub, entry);
	return sub;
}

void subscriber_unhook(struct subscriber *s)
{
	if (s->sub)
		TAILQ_REMOVE(&s->sub->subscribers, s, on_sub);
	s->sub = NULL;
}

void subscriber_free(struct subscriber *s)
{
	fanout_clear(s);
	subscriber_unhook(s);
	TAILQ_REMOVE(&s->seat->subscribers, s, on_seat);
	s->seat->n_subscribers--;
	free(s);
}

/* It is on: whoever waited for that is told. */
void sub_tell_done(struct sub *sub)
{
	struct subscriber *s;

	sub->was_on = true;
	TAILQ_FOREACH(s, &sub->subscribers, on_sub)
	if (s->request) {
		struct request *request = s->request;

		s->request = NULL;
		s->since_ms = clock_now_ms();
		if (request->is_resuming)
			resume_done(request);
		else
			request_done(request, 0);
		fanout_more(s);
	}
	quiet_review(sub);
}

void subscriber_tell_end(struct subscriber *s, enum err_class class, const char *text)
{
	Bh__Error error = BH__ERROR__INIT;
	struct request *request = s->request;

	if (request) {
		s->request = NULL;
		request_fail(request, class, text);
		return;
	}
	error.has_class_ = 1;
	error.class_ = (Bh__Class) class;
	error.text = (char *)(uintptr_t)text;
	error.advice = (char *)(uintptr_t)class_advice(class);
	port_send(s->seat->port, BH__TYPE__ERROR, s->id, s->seat->epoch, &error.base);
}

void sub_fail(struct sub *sub, enum err_class class, const char *text)
{
	struct subscriber *s;

	while ((s = TAILQ_FIRST(&sub->subscribers))) {
		if (resume_park(s, class))
			continue;
		subscriber_tell_end(s, class, text);
		subscriber_free(s);
	}
	sub_free(sub);
}

/* --- the socket --- */

/* Reads what is there, at most NOTIFY_READS_MAX. Returns how many; *out_end: it was closed. */
static size_t read_values(struct sub *sub, uint8_t (*space)[SUB_VALUE_MAX], struct span *out_values,
			  bool *out_end)
{
	size_t n = 0;
	ssize_t len;

	while (n < NOTIFY_READS_MAX) {
		len = recv(sub->fd, space[n], SUB_VALUE_MAX, MSG_DONTWAIT);
		if (len < 0 && errno == EINTR)
			continue;
		/* An empty value cannot be told from the end here; BlueZ sends none. */
		if (len <= 0) {
			*out_end = len == 0 || errno != EAGAIN;
			return n;
		}
		out_values[n].data = space[n];
		out_values[n++].len = (size_t)len;
	}
	return n;
}

void sub_catch_up(struct sub *sub)
{
	struct span values[NOTIFY_READS_MAX];
	uint8_t space[NOTIFY_READS_MAX][SUB_VALUE_MAX];
	bool is_over;
	size_t n;

	notify_flush(sub->link->w->links);
	do {
		n = sub->fd >= 0 ? read_values(sub, space, values, &is_over) : 0;
		if (n > 0)
			fanout_values(sub, values, n);
	} while (n == NOTIFY_READS_MAX);
}

static int on_socket(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct sub *sub = userdata;
	struct span values[NOTIFY_READS_MAX];
	uint8_t space[NOTIFY_READS_MAX][SUB_VALUE_MAX];
	struct link *link = sub->link;
	bool is_over = false;
	size_t n;

	(void)source;
	(void)fd;
	(void)revents;
	n = read_values(sub, space, values, &is_over);
	if (n > 0)
		fanout_values(sub, values, n);
	if (!is_over)
		return 0;
	sub_close_socket(sub);
	/* As was asked: notify_renew_link(). */
	if (sub->call)
		return 0;
	/* The link went (the mirror will say so), or some program's StopNotify closed it. */
	if (link->state == LINK_UP && sub->reopened++ < REOPEN_MAX)
		sub_start(sub);
	else if (link->state == LINK_UP)
		sub_fail(sub, CLASS_LINK_LOST, "another program keeps ending the notifications");
	return 0;
}

static int open_socket(struct sub *sub, sd_bus_message *reply)
{
	struct gatt_chrc *chrc = sub_chrc(sub);
	uint16_t mtu;
	int fd;
	int r = sd_bus_message_read(reply, "hq", &fd, &mtu);

	if (r < 0)
		return r;
	if (chrc)
		chrc->mtu = mtu;
	sub->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (sub->fd < 0)
		return -errno;
	r = sd_event_add_io(sub->link->w->event, &sub->io, sub->fd, EPOLLIN, on_socket, sub);
	/* Before all else: bluetoothd drops what does not fit the socket. */
	if (r >= 0)
		r = sd_event_source_set_priority(sub->io, SD_EVENT_PRIORITY_NORMAL - 10);
	if (r < 0)
		sub_close_socket(sub);
	return r;
}

/* --- calls --- */

int sub_call(struct sub *sub, const char *member, bus_done done)
{
	struct gatt_chrc *chrc = sub_chrc(sub);
	bool has_options = strcmp(member, "AcquireNotify") == 0;
	sd_bus_message *m = NULL;
	char path[OBJPATH_LEN];
	int r;

	if (!chrc)
		return -ENOENT;
	if (strcmp(member, "StopNotify") == 0)
		chrc->has_session = false;
	gatt_path(sub->link, chrc, path);
	r = bus_message(sub->link->w->bus, &m, path, CHRC, member);
	if (r < 0)
		return r;
	if (has_options)
		r = sd_bus_message_append(m, "a{sv}", 0);
	if (r >= 0)
		r = bus_call(sub->link->w->bus, m, ERRORS_CALL_GATT, CALL_MS, done, sub,
			     &sub->call);
	sd_bus_message_unref(m);
	return r;
}

static void on_stopped(void *ctx, const struct bus_result *result)
{
	struct sub *sub = ctx;
	struct link *link = sub->link;

	(void)result;
	sub->call = NULL;
	/* Somebody may have come meanwhile. */
	if (TAILQ_EMPTY(&sub->subscribers))
		sub_free(sub);
	else
		sub_start(sub);
	link_review(link);
}

/* Nobody listens any more. */
void sub_stop(struct sub *sub)
{
	sub_want_values(sub, false);
	sub_close_socket(sub);
	if (sub->state != SUB_SIGNALS || sub->is_guest || sub->link->state != LINK_UP) {
		/* Closing the socket is the end; a call under way is abandoned with its socket. */
		sub_free(sub);
		return;
	}
	sub->state = SUB_STOPPING;
	if (sub_call(sub, "StopNotify", on_stopped) < 0)
		sub_free(sub);
}

/*
 * Whether a socket of it may be one of ours that bluetoothd has not seen the end of. It ends with
 * its link: so one that we had on this link, or an earlier worker, whose link we took over and
 * whose program says that it was subscribed there.
 */
static bool may_be_ours(const struct sub *sub)
{
	const struct subscriber *s;

	if (sub->was_on)
		return true;
	TAILQ_FOREACH(s, &sub->subscribers, on_sub)
	if (sub->link->is_adopted && s->request && s->request->is_again)
		return true;
	return false;
}

/*
 * BlueZ has notifications of it on for somebody: what an earlier one of us left behind (a
 * StartNotify outlives its link, and one that is under way outlives its caller), or a program that
 * lives. StopNotify ends a StartNotify of our own only, but anybody's socket, and BlueZ does not
 * say whose that is. No more than that is tried.
 */
bool sub_clear_leftover(struct sub *sub, const struct bus_result *result)
{
	if (result->class != CLASS_BUSY_SAME_DEVICE || sub->has_cleared ||
	    !(result->is_busy || may_be_ours(sub)))
		return false;
	sub->has_cleared = true;
	return sub_call(sub, "StopNotify", on_stopped) == 0;
}

/* What a refused AcquireNotify means: BlueZ may still be able to send signals. */
static bool may_start(const struct bus_result *result)
{
	return result->class == CLASS_GATT_REFUSED || result->class == CLASS_INTERNAL ||
	       result->is_busy;
}

static void on_acquired(void *ctx, const struct bus_result *result)
{
	struct sub *sub = ctx;
	struct link *link = sub->link;

	sub->call = NULL;
	if (!result->reply && may_start(result)) {
		sub_start_signals(sub);
	} else if (!result->reply && sub_clear_leftover(sub, result)) {
		return;
	} else if (!result->reply) {
		sub_fail(sub, result->class, result->text);
	} else if (TAILQ_EMPTY(&sub->subscribers)) {
		sub_free(sub); /* with the reply goes the socket */
	} else if (open_socket(sub, result->reply) < 0) {
		sub_fail(sub, CLASS_INTERNAL, "BlueZ's answer to AcquireNotify was odd");
	} else {
		sub->state = SUB_SOCKET;
		sub_tell_done(sub);
	}
	link_review(link);
}

void sub_start(struct sub *sub)
{
	if (!sub->has_notify || sub->link->rules.notify == BH__CTL__NOTIFY__NOTIFY_START) {
		sub_start_signals(sub);
		return;
	}
	sub_want_values(sub, false);
	sub->state = SUB_ACQUIRING;
	if (sub_call(sub, "AcquireNotify", on_acquired) < 0)
		sub_fail(sub, CLASS_BLUEZ_GONE, "the subscription could not be sent");
}
