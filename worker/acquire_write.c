/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/acquire_write.h"

#include "ipc/clock.h"
#include "worker/gatt.h"
#include "worker/objpath.h"

#include <fcntl.h>
#include <linux/sock_diag.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/*
 * CALL_MS: as of other calls that need no answer of the peripheral.
 * OURS_MS: how long bluetoothd may take to see that we have closed a socket.
 * UNREAD_MIN: no datagram takes less of a socket's memory. The kernel subtracts it in two parts and
 * tells us after the first one, when one octet is left.
 * BUFFER: what bluetoothd 5.66 reads at once.
 */
enum { CALL_MS = 30000, OURS_MS = 1000, UNREAD_MIN = 64, BUFFER = 512, ATT_HEADER = 3 };

enum state {
	ASKING, /* AcquireWrite is under way */
	OPEN,
	CLOSED, /* refused, let go, or broken: WriteValue */
};

struct acquired {
	TAILQ_ENTRY(acquired) entry;
	struct link *link;
	uint16_t chrc;
	enum state state;
	size_t len_max;
	unsigned n_sent; /* since it was seen empty */
	int fd;
	sd_event_source *io;
	struct bus_call *call;
};

static struct acquired *find(const struct link *link, uint16_t chrc)
{
	struct acquired *a;

	TAILQ_FOREACH(a, &link->acquired, entry)
	if (a->chrc == chrc)
		return a;
	return NULL;
}

static void close_socket(struct acquired *a)
{
	a->io = sd_event_source_disable_unref(a->io);
	if (a->fd >= 0)
		a->link->acquired_until_ms = clock_now_ms();
	a->fd = close_fd(a->fd);
	a->n_sent = 0;
	a->state = CLOSED;
}

static void acquired_free(struct acquired *a)
{
	close_socket(a);
	if (a->call)
		bus_abandon(a->call);
	TAILQ_REMOVE(&a->link->acquired, a, entry);
	free(a);
}

/* bluetoothd has taken all of it. */
static bool is_read(const struct acquired *a)
{
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(memory);

	/* What SIOCOUTQ says too; a worker has no ioctl (ipc/guard/filter.c). */
	return a->n_sent == 0 || getsockopt(a->fd, SOL_SOCKET, SO_MEMINFO, memory, &len) < 0 ||
	       memory[SK_MEMINFO_WMEM_ALLOC] < UNREAD_MIN;
}

/* What was sent by it and not answered. @class: CLASS_NONE: it was read. */
static void answer(struct acquired *a, enum err_class class, const char *text)
{
	struct request *request = TAILQ_FIRST(&a->link->flying);
	struct request *next;

	for (; request; request = next) {
		next = TAILQ_NEXT(request, flying);
		if (!request->by_socket || request->chrc != a->chrc)
			continue;
		if (class == CLASS_NONE)
			request_done(request, 0);
		else
			request_lost(request, class, text);
	}
}

/* If all of it was read, it is answered. */
static bool settle(struct acquired *a)
{
	if (!is_read(a))
		return false;
	a->n_sent = 0;
	answer(a, CLASS_NONE, "");
	return true;
}

/* With the link, or with the characteristic: what was not read is lost, nobody knows how much. */
static void fail(struct acquired *a)
{
	close_socket(a);
	answer(a, CLASS_LINK_LOST, "the link broke before bluetoothd had taken the write");
}

static int on_socket(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct acquired *a = userdata;
	struct link *link = a->link;

	(void)source;
	(void)fd;
	if (revents & (EPOLLHUP | EPOLLERR)) {
		fail(a);
	} else if (!settle(a)) {
		return 0;
	}
	link_review(link);
	return 0;
}

static int open_socket(struct acquired *a, sd_bus_message *reply)
{
	uint16_t mtu;
	int fd;
	int r = sd_bus_message_read(reply, "hq", &fd, &mtu);

	if (r < 0)
		return r;
	if (mtu <= ATT_HEADER)
		return -EBADMSG;
	a->len_max = mtu - ATT_HEADER < BUFFER ? mtu - ATT_HEADER : BUFFER;
	a->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (a->fd < 0)
		return -errno;
	/* Edges: each datagram that is read is one, while the socket is always writable. */
	return sd_event_add_io(a->link->w->event, &a->io, a->fd, EPOLLOUT | EPOLLET, on_socket, a);
}

static void on_acquired(void *ctx, const struct bus_result *result)
{
	struct acquired *a = ctx;
	struct link *link = a->link;

	a->call = NULL;
	if (result->reply && open_socket(a, result->reply) >= 0)
		a->state = OPEN;
	else
		close_socket(a);
	link_review(link);
}

static bool ask(struct link *link, const struct gatt_chrc *chrc)
{
	struct acquired *a = calloc(1, sizeof(*a));
	sd_bus_message *m = NULL;
	char path[OBJPATH_LEN];
	int r;

	if (!a)
		return false;
	a->link = link;
	a->chrc = chrc->handle;
	a->fd = -EBADF;
	TAILQ_INSERT_TAIL(&link->acquired, a, entry);
	gatt_path(link, chrc, path);
	r = bus_message(link->w->bus, &m, path, "org.bluez.GattCharacteristic1", "AcquireWrite");
	if (r >= 0)
		r = sd_bus_message_append(m, "a{sv}", 0);
	if (r >= 0)
		r = bus_call(link->w->bus, m, ERRORS_CALL_GATT, CALL_MS, on_acquired, a, &a->call);
	sd_bus_message_unref(m);
	if (r < 0)
		acquired_free(a);
	return r >= 0;
}

bool acquire_write_is_behind(const struct request *request, bool by_socket)
{
	const struct request *r;

	for (r = TAILQ_FIRST(&request->seat->requests); r != request; r = TAILQ_NEXT(r, entry))
		if (r->state != REQUEST_QUEUED && !r->is_resuming && r->by_socket != by_socket)
			return true;
	return false;
}

enum acquire_write_way acquire_write_way(struct link *link, struct request *request,
					 const struct gatt_chrc *chrc)
{
	struct acquired *a = find(link, chrc->handle);
	bool is_wanted = link->rules.write == BH__CTL__WRITE__WRITE_ACQUIRE &&
			 request->no_response && request->len > 0;

	if (!a && is_wanted && ask(link, chrc))
		return ACQUIRE_WRITE_WAIT;
	if (a && a->state == ASKING)
		return ACQUIRE_WRITE_WAIT;
	if (a && a->state == OPEN && is_wanted && request->len <= a->len_max) {
		if (a->n_sent >= ACQUIRE_WRITE_SENT_MAX || acquire_write_is_behind(request, true))
			return ACQUIRE_WRITE_WAIT;
		return ACQUIRE_WRITE_SOCKET;
	}
	if (a && a->state == OPEN) {
		if (!settle(a))
			return ACQUIRE_WRITE_WAIT;
		close_socket(a);
		link_review(link); /* those who waited for what has been answered: after this */
	}
	return acquire_write_is_behind(request, false) ? ACQUIRE_WRITE_WAIT : ACQUIRE_WRITE_CALL;
}

int acquire_write_send(struct link *link, struct request *request)
{
	struct acquired *a = find(link, request->chrc);
	int error;

	if (send(a->fd, request->value, request->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		error = -errno;
		if (error == -EAGAIN && a->n_sent > 0)
			return error;
		fail(a);
		return error == -EAGAIN ? -ENOBUFS : error;
	}
	a->n_sent++;
	request->by_socket = true;
	return 0;
}

bool acquire_write_is_ours(const struct link *link, const struct bus_result *result)
{
	return result->class == CLASS_BUSY_SAME_DEVICE && link->acquired_until_ms != 0 &&
	       clock_now_ms() - link->acquired_until_ms < OURS_MS;
}

void acquire_write_let_go(struct link *link)
{
	struct acquired *next;
	struct acquired *a;

	for (a = TAILQ_FIRST(&link->acquired); a; a = next) {
		next = TAILQ_NEXT(a, entry);
		/* What is under way is waited for: its end comes back here. */
		if (a->state == ASKING || (a->state == OPEN && !is_read(a)))
			continue;
		acquired_free(a);
	}
}

void acquire_write_drop(struct link *link)
{
	struct acquired *a;

	while ((a = TAILQ_FIRST(&link->acquired))) {
		fail(a);
		acquired_free(a);
	}
}
