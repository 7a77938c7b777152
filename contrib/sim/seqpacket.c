/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/seqpacket.c - see seqpacket.h. Owns the listening socket, the peers and their
 * sources.
 */
#include "contrib/sim/seqpacket.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PACKET_BYTES 65536
/* Statistics of many devices are one packet; the kernel caps this at net.core.wmem_max. */
#define SEND_BUFFER_BYTES (1 << 20)
/* Packets read from one peer per wake-up, so that one flood does not starve the others. */
#define PACKETS_PER_TURN 32

struct seqpacket_peer {
	struct seqpacket *server;
	struct seqpacket_peer *next;
	uint64_t number;
	sd_event_source *source;
	int fd;
};

struct seqpacket {
	sd_event *event;
	sd_event_source *source;
	int fd;
	struct sockaddr_un address;
	struct seqpacket_peer *peers;
	uint64_t last_number;
	void (*on_packet)(struct seqpacket_peer *peer, const uint8_t *data, size_t len,
			  void *userdata);
	void *userdata;
	uint8_t packet[PACKET_BYTES];
};

static void peer_free(struct seqpacket_peer *peer)
{
	struct seqpacket_peer **link = &peer->server->peers;

	while (*link != peer)
		link = &(*link)->next;
	*link = peer->next;
	sd_event_source_disable_unref(peer->source);
	peer->fd = close_fd(peer->fd);
	free(peer);
}

static int on_readable(sd_event_source *source _unused_, int fd, uint32_t revents, void *userdata)
{
	struct seqpacket_peer *peer = userdata;
	struct seqpacket *server = peer->server;
	ssize_t n = -1;

	for (int i = 0; i < PACKETS_PER_TURN; i++) {
		n = recv(fd, server->packet, sizeof(server->packet), MSG_DONTWAIT);
		if (n <= 0)
			break;
		server->on_packet(peer, server->packet, (size_t)n, server->userdata);
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR) && !(revents & EPOLLHUP)))
		return 0;
	peer_free(peer);
	return 0;
}

static int on_connect(sd_event_source *source _unused_, int fd, uint32_t revents _unused_,
		      void *userdata)
{
	const int send_bytes = SEND_BUFFER_BYTES;
	struct seqpacket *server = userdata;
	struct seqpacket_peer *peer;
	int r;

	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return 0;
	peer->server = server;
	peer->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	peer->number = ++server->last_number;
	peer->next = server->peers;
	server->peers = peer;
	if (peer->fd < 0) {
		peer_free(peer);
		return 0;
	}
	(void)setsockopt(peer->fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
	r = sd_event_add_io(server->event, &peer->source, peer->fd, EPOLLIN, on_readable, peer);
	if (r < 0)
		peer_free(peer);
	return 0;
}

/* A socket that a killed run left behind must not keep the next one from starting. */
static void remove_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
}

static int listen_on(struct seqpacket *server, const char *path)
{
	int r;

	server->address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(server->address.sun_path))
		return -ENAMETOOLONG;
	memcpy(server->address.sun_path, path, strlen(path) + 1);

	server->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd < 0)
		return -errno;
	remove_stale(path);
	r = bind(server->fd, (const struct sockaddr *)&server->address, sizeof(server->address));
	if (r < 0) {
		r = -errno;
		/* Whatever is there is not ours: it must not be removed at the end. */
		server->address.sun_path[0] = '\0';
		return r;
	}
	if (listen(server->fd, SOMAXCONN) < 0)
		return -errno;
	return sd_event_add_io(server->event, &server->source, server->fd, EPOLLIN, on_connect,
			       server);
}

int seqpacket_new(struct seqpacket **out, sd_event *event, const char *path,
		  void (*on_packet)(struct seqpacket_peer *peer, const uint8_t *data, size_t len,
				    void *userdata),
		  void *userdata)
{
	struct seqpacket *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->fd = -EBADF;
	server->event = sd_event_ref(event);
	server->on_packet = on_packet;
	server->userdata = userdata;
	r = listen_on(server, path);
	if (r < 0) {
		seqpacket_free(server);
		return r;
	}
	*out = server;
	return 0;
}

struct seqpacket *seqpacket_free(struct seqpacket *server)
{
	if (!server)
		return NULL;
	while (server->peers)
		peer_free(server->peers);
	sd_event_source_disable_unref(server->source);
	server->fd = close_fd(server->fd);
	if (server->address.sun_path[0])
		(void)unlink(server->address.sun_path);
	sd_event_unref(server->event);
	free(server);
	return NULL;
}

void seqpacket_send(struct seqpacket_peer *peer, const void *data, size_t len)
{
	/* A peer that is gone or does not read is noticed by the next event on its socket. */
	(void)send(peer->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void seqpacket_broadcast(struct seqpacket *server, const struct seqpacket_peer *except,
			 const void *data, size_t len)
{
	for (struct seqpacket_peer *peer = server->peers; peer; peer = peer->next) {
		if (peer != except)
			seqpacket_send(peer, data, len);
	}
}

uint64_t seqpacket_peer_number(const struct seqpacket_peer *peer)
{
	return peer->number;
}

struct seqpacket_peer *seqpacket_peer(const struct seqpacket *server, uint64_t number)
{
	struct seqpacket_peer *peer = server->peers;

	while (peer && peer->number != number)
		peer = peer->next;
	return peer;
}

bool seqpacket_has_peers(const struct seqpacket *server)
{
	return server->peers;
}
