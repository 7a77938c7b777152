/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_socket.c - the sockets of AcquireNotify and AcquireWrite, and what comes by the
 * latter: a datagram is a write without response.
 */
#include "contrib/sim/fake_gatt.h"

#include <sys/epoll.h>
#include <sys/socket.h>

void fake_socket_close(struct fake_device *device, const struct model_attr *row,
		       struct fake_socket *socket)
{
	struct fake_object object = fake_attr_object(device, row - 1);
	struct fake_value *value = fake_value_of(device, row);
	struct fake_listener *next;

	if (socket->fd < 0)
		return;
	socket->source = sd_event_source_disable_unref(socket->source);
	socket->fd = close_fd(socket->fd);
	if (socket == &value->write) {
		FAKE_CHANGED(&object, &fake_characteristic1, "WriteAcquired");
		return;
	}
	for (struct fake_listener *l = value->listeners; l; l = next) {
		next = l->next;
		if (l->acquired)
			fake_listener_remove(device, row, l);
	}
	FAKE_CHANGED(&object, &fake_characteristic1, "NotifyAcquired");
}

/* What a socket's source needs to know; the fd tells which one it is. */
static const struct model_attr *row_of_socket(struct fake_device *device, int fd,
					      struct fake_socket **out)
{
	const struct model_kind *kind = device->model->kind;

	for (size_t i = 0; i < kind->attr_count; i++) {
		struct fake_value *value = &device->gatt->values[i];

		if (value->notify.fd != fd && value->write.fd != fd)
			continue;
		*out = value->notify.fd == fd ? &value->notify : &value->write;
		return &kind->attrs[i];
	}
	return NULL;
}

static int on_socket(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct fake_device *device = userdata;
	uint8_t data[MODEL_VALUE_BYTES];
	struct fake_socket *socket;
	const struct model_attr *row = row_of_socket(device, fd, &socket);
	ssize_t n;

	if (!row)
		return 0;
	/* Its end comes first: what was sent before, and not read, is lost. */
	if (revents & (EPOLLHUP | EPOLLERR)) {
		fake_socket_close(device, row, socket);
		return 0;
	}
	/* Stopped, it does nothing; fake_gatt_continue(). */
	if (device->adapter->fake->hung)
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	if (n < 0)
		return 0;
	/* The real one takes an empty write for the end and reads no more; WriteAcquired stays. */
	if (n == 0)
		return sd_event_source_set_io_events(source, 0);
	if (!fake_is_deaf(device) && n <= FAKE_ATT_MTU - 3)
		(void)!model_write(device->model, row->handle, 0, data, (size_t)n,
				   MODEL_WRITE_COMMAND, fake_now_ms());
	return 0;
}

int fake_socket_open(const struct fake_object *on, sd_bus_message *m, struct fake_socket *socket,
		     const char *property)
{
	struct fake_device *device = on->device;
	const uint16_t mtu = FAKE_ATT_MTU;
	sd_bus_message *reply = NULL;
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = sd_bus_message_append(reply, "hq", fds[1], mtu);
	if (r >= 0)
		r = sd_event_add_io(device->adapter->fake->event, &socket->source, fds[0], EPOLLIN,
				    on_socket, device);
	(void)close_fd(fds[1]);
	if (r < 0) {
		(void)close_fd(fds[0]);
		sd_bus_message_unref(reply);
		return r;
	}
	socket->fd = fds[0];
	/* gdbus sends what has changed before any answer. */
	FAKE_CHANGED(on, &fake_characteristic1, property);
	fake_answer(device->adapter->fake, m, reply);
	return 0;
}

int fake_acquire_write(sd_bus_message *m, const struct fake_object *object)
{
	struct fake_value *value = fake_value_of(object->device, object->attr + 1);

	if (!object->device->connected)
		return fake_fail(object->fake, m, "Failed", "Not connected");
	if (value->write.fd >= 0)
		return fake_fail(object->fake, m, "NotPermitted", "Write acquired");
	if (!(object->attr->props & MODEL_PROP_COMMAND))
		return fake_fail(object->fake, m, "NotSupported", "Operation is not supported");
	if (fake_socket_open(object, m, &value->write, "WriteAcquired") < 0)
		return fake_fail(object->fake, m, "Failed", "Input/output error");
	return 0;
}

static void wake_socket(const struct fake_socket *socket)
{
	if (socket->source)
		(void)sd_event_source_set_enabled(socket->source, SD_EVENT_ON);
}

void fake_gatt_continue(struct fake *fake)
{
	for (struct fake_gatt *gatt = fake->gatts; gatt; gatt = gatt->next) {
		for (size_t i = 0; i < gatt->device->model->kind->attr_count; i++) {
			wake_socket(&gatt->values[i].notify);
			wake_socket(&gatt->values[i].write);
		}
	}
}
