/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/pattern.h - which devices a line of the configuration means: an address, `name:PATTERN`,
 * `service:UUID`, or `*`. Pure.
 */
#include "ipc/base.h"
#include "ipc/uuid.h"

enum pattern_kind { PATTERN_ANY, PATTERN_ADDRESS, PATTERN_NAME, PATTERN_SERVICE };

enum { PATTERN_NAME_LEN = 64 };

struct pattern {
	enum pattern_kind kind;
	uint64_t address;
	struct uuid service;
	char name[PATTERN_NAME_LEN]; /* a pattern of fnmatch(3) */
};

/* What is known of a device. */
struct pattern_device {
	uint64_t address;
	const char *name; /* NULL or "": not known */
	const struct uuid *services;
	size_t n_services;
};

/* Errors: -EINVAL. */
must_check int pattern_parse(const char *text, struct pattern *out);

bool pattern_equal(const struct pattern *a, const struct pattern *b);

bool pattern_fits(const struct pattern *pattern, const struct pattern_device *device);
