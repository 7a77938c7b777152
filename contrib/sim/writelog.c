/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/writelog.c - see writelog.h. One write(2) with O_APPEND per line: a reader never sees
 * half a line, and what is logged survives a kill of the simulator.
 */
#include "contrib/sim/writelog.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

int writelog_open(struct writelog *log, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	log->fd = fd;
	return 0;
}

void writelog_close(struct writelog *log)
{
	log->fd = close_fd(log->fd);
}

void writelog_observe(const struct model_write_record *record, void *data)
{
	static const char digits[] = "0123456789abcdef";
	const struct writelog *log = data;
	char line[256 + 2 * MODEL_VALUE_BYTES], address[MODEL_ADDRESS_CHARS];
	size_t at;

	model_address_format(record->device->address, address);
	at = (size_t)snprintf(line, sizeof(line),
			      "{\"at_ms\":%" PRIu64 ",\"device\":\"%s\",\"uuid\":\"%04x\","
			      "\"kind\":\"%s\",\"adapter\":%d,\"hex\":\"",
			      record->at_ms, address, record->attr->type,
			      record->kind == MODEL_WRITE_COMMAND ? "command" : "request",
			      record->device->link);
	for (size_t i = 0; i < record->len_bytes; i++) {
		line[at++] = digits[record->data[i] >> 4];
		line[at++] = digits[record->data[i] & 15];
	}
	line[at++] = '"';
	line[at++] = '}';
	line[at++] = '\n';
	/* A full disk loses lines; the test that counts them will say so. */
	if (write(log->fd, line, at) < 0)
		perror("bleherd-sim: write log");
}
