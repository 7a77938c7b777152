/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/server.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "ipc/log.h"
#include "supervisor/admission.h"
#include "supervisor/events.h"
#include "supervisor/lock_peers.h"
#include "supervisor/requests.h"
#include "supervisor/sessions.h"
#include "supervisor/streams.h"

enum {
	ACCEPTS_PER_WAKEUP = 16,
	PAUSE_MS = 100,	     /* after running out of descriptors */
	STREAM_RETRY_MS = 2, /* while a peer does not read */
};

struct server {
	struct sup *sup;
	int fd;
	sd_event_source *accept;
	sd_event_source *pause;
	sd_event_source *pump;	     /* streams: now */
	sd_event_source *pump_later; /* streams: when the peers had time to read */
	TAILQ_HEAD(, client) clients;
	uint32_t n;
	uint64_t last_serial;
	bool has_told_foreign;
};

static void client_free(struct client *client)
{
	struct server *server = client->sup->server;

	sessions_client_gone(client->sup, client);
	lock_peers_client_gone(client);
	TAILQ_REMOVE(&server->clients, client, entry);
	server->n--;
	admission_leave(client);
	port_free(client->port);
	free(client);
}

static void on_closed(struct port *port, void *ctx, int error)
{
	struct client *client = ctx;

	(void)port;
	if (error < 0)
		events_add(client->sup->events,
			   &(struct event){ .kind = EVENT_CLIENT_DROPPED, .class = CLASS_INVALID },
			   "%s (pid %d uid %u): %s", client->label[0] ? client->label : "a program",
			   client->pid, client->peer.uid,
			   error == -EBADMSG   ? "it broke the protocol"
			   : error == -ENOBUFS ? "it does not read"
					       : strerror(-error));
	client_free(client);
}

static const struct port_ops PORT = {
	.rules = REQUESTS_RULES,
	.n_rules = REQUESTS_RULES_LEN,
	.closed = on_closed,
};

/* Its pid means nothing here, and nothing is decided by pids: it is only shown as 0. Told once. */
static void note_foreign(struct server *server, uid_t uid)
{
	const struct event event = { .kind = EVENT_CLIENT_FOREIGN };

	if (!server->has_told_foreign)
		events_add(server->sup->events, &event,
			   "a program of uid %u is in another pid namespace (a container): it is "
			   "shown with pid 0",
			   uid);
	server->has_told_foreign = true;
}

static int adopt(struct server *server, int fd)
{
	struct sup *sup = server->sup;
	struct client *client = calloc(1, sizeof(*client));
	struct ucred creds = { .pid = 0 };
	socklen_t len = sizeof(creds);
	int r;

	if (!client)
		return -ENOMEM;
	client->sup = sup;
	client->serial = ++server->last_serial;
	r = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &creds, &len) < 0 ? -errno : 0;
	client->pid = creds.pid;
	client->peer.uid = creds.uid;
	client->peer.gid = creds.gid;
	if (r == 0 && creds.pid == 0)
		note_foreign(server, creds.uid);
	if (r == 0)
		r = admission_enter(client, fd);
	if (r == 0)
		r = port_new(&client->port, sup->event, fd, sup->buf, CHAN_BODY_CONTROL, &PORT,
			     client, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0) {
		admission_leave(client);
		free(client);
		return r;
	}
	TAILQ_INSERT_TAIL(&server->clients, client, entry);
	server->n++;
	return 0;
}

/* Without descriptors the queue of connections stays full and would wake us for ever. */
static void pause_accepting(struct server *server, int error)
{
	log_warn("socket=paused error=\"%s\"", strerror(error));
	(void)sd_event_source_set_enabled(server->accept, SD_EVENT_OFF);
	(void)sd_event_source_set_time_relative(server->pause, PAUSE_MS * 1000);
	(void)sd_event_source_set_enabled(server->pause, SD_EVENT_ONESHOT);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct server *server = userdata;

	(void)source;
	(void)usec;
	return sd_event_source_set_enabled(server->accept, SD_EVENT_ON);
}

static int on_accept(sd_event_source *source, int listener, uint32_t revents, void *userdata)
{
	struct server *server = userdata;
	unsigned i;

	(void)source;
	(void)revents;
	for (i = 0; i < ACCEPTS_PER_WAKEUP; i++) {
		_cleanup_close_ int fd = -EBADF;

		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
			return 0;
		if (fd < 0) {
			pause_accepting(server, errno);
			return 0;
		}
		if (server->n >= SERVER_CLIENTS_MAX) {
			log_warn("client=refused clients=%u", server->n);
			continue;
		}
		if (adopt(server, fd) == 0)
			(void)take_fd(&fd);
	}
	return 0;
}

/* --- streams --- */

static int on_pump(sd_event_source *source, void *userdata)
{
	struct server *server = userdata;
	enum streams_state worst = STREAMS_IDLE;
	struct client *client;

	(void)source;
	TAILQ_FOREACH(client, &server->clients, entry)
	{
		enum streams_state state = streams_push(client);

		if (state > worst)
			worst = state;
	}
	if (worst == STREAMS_MORE)
		server_wake_streams(server);
	if (worst == STREAMS_BLOCKED) {
		(void)sd_event_source_set_time_relative(server->pump_later, STREAM_RETRY_MS * 1000);
		(void)sd_event_source_set_enabled(server->pump_later, SD_EVENT_ONESHOT);
	}
	return 0;
}

static int on_pump_later(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)usec;
	return on_pump(source, userdata);
}

void server_wake_streams(struct server *server)
{
	const struct client *client;

	if (!server)
		return;
	TAILQ_FOREACH(client, &server->clients, entry)
	if (client->n_streams > 0) {
		(void)sd_event_source_set_enabled(server->pump, SD_EVENT_ONESHOT);
		return;
	}
}

/* --- the whole --- */

static int add_sources(struct server *server)
{
	sd_event *event = server->sup->event;
	int r;

	r = sd_event_add_time(event, &server->pause, CLOCK_MONOTONIC, 0, 1000, on_pause_over,
			      server);
	if (r >= 0)
		r = sd_event_source_set_enabled(server->pause, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_defer(event, &server->pump, on_pump, server);
	if (r >= 0)
		r = sd_event_source_set_enabled(server->pump, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(event, &server->pump_later, CLOCK_MONOTONIC, 0, 500,
				      on_pump_later, server);
	if (r >= 0)
		r = sd_event_source_set_enabled(server->pump_later, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_io(event, &server->accept, server->fd, EPOLLIN, on_accept, server);
	return r < 0 ? r : 0;
}

int server_new(struct server **out, struct sup *sup, int fd)
{
	struct server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->sup = sup;
	server->fd = fd;
	TAILQ_INIT(&server->clients);
	r = add_sources(server);
	if (r < 0) {
		server->fd = -EBADF;
		server_free(server);
		return r;
	}
	*out = server;
	return 0;
}

struct server *server_free(struct server *server)
{
	struct client *client;

	if (!server)
		return NULL;
	while ((client = TAILQ_FIRST(&server->clients)))
		client_free(client);
	sd_event_source_disable_unref(server->accept);
	sd_event_source_disable_unref(server->pause);
	sd_event_source_disable_unref(server->pump);
	sd_event_source_disable_unref(server->pump_later);
	(void)close_fd(server->fd);
	free(server);
	return NULL;
}

struct client *server_find(struct server *server, uint64_t serial)
{
	struct client *client;

	TAILQ_FOREACH(client, &server->clients, entry)
	if (client->serial == serial)
		return client;
	return NULL;
}

void server_each(struct server *server, void (*each)(void *ctx, struct client *client), void *ctx)
{
	struct client *client;

	TAILQ_FOREACH(client, &server->clients, entry)
	each(ctx, client);
}

uint32_t server_clients(const struct server *server)
{
	return server->n;
}
