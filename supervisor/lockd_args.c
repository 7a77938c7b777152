/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/lockd_args.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/instance.h"

static const struct {
	const char *name;
	size_t offset;
} NUMBERS[] = {
	{ "--connect-slots", offsetof(struct config, connect_slots) },
	{ "--scan-slots", offsetof(struct config, scan_slots) },
	{ "--log-level", offsetof(struct config, log_level) },
	{ "--foreign-slots", offsetof(struct config, foreign_slots) },
	{ "--foreign-yield-ms", offsetof(struct config, foreign_yield_ms) },
	{ "--age-step-ms", offsetof(struct config, age_step_ms) },
	{ "--hold-total-ms", offsetof(struct config, hold_total_ms) },
	{ "--grace-ms", offsetof(struct config, grace_ms) },
	{ "--dirty-ms", offsetof(struct config, dirty_ms) },
	{ "--per-user", offsetof(struct config, per_user) },
};

struct args {
	const char **argv;
	size_t n;
	char *text;
	size_t left;
};

static void add(struct args *args, const char *name, const char *value)
{
	assert(args->n + 2 < SPAWN_ARGS_MAX - 1);
	args->argv[args->n++] = name;
	args->argv[args->n++] = value;
}

static void _printf_(3, 4) print(struct args *args, const char *name, const char *format, ...)
{
	va_list list;
	int len;

	va_start(list, format);
	len = vsnprintf(args->text, args->left, format, list);
	va_end(list);
	assert(len >= 0 && (size_t)len < args->left);
	add(args, name, args->text);
	args->text += len + 1;
	args->left -= (size_t)len + 1;
}

size_t lockd_args(const struct config *config, pid_t parent, uint32_t settle_ms,
		  const char *argv[SPAWN_ARGS_MAX], char *text, size_t text_size)
{
	struct args args = { .argv = argv, .text = text, .left = text_size };
	uint32_t number;
	size_t i;

	add(&args, "--dir", config->lock_dir);
	print(&args, "--own-dir", "%s/" INSTANCE_OWN_LOCKS, config->runtime_dir);
	print(&args, "--parent", "%d", parent);
	print(&args, "--settle-ms", "%u", settle_ms);
	print(&args, "--hold-ms", "%u,%u,%u,%u,%u", config->hold_recovery_ms,
	      config->hold_interactive_ms, config->hold_connect_ms, config->hold_scan_ms,
	      config->hold_background_ms);
	for (i = 0; i < ARRAY_LEN(NUMBERS); i++) {
		memcpy(&number, (const char *)config + NUMBERS[i].offset, sizeof(number));
		print(&args, NUMBERS[i].name, "%u", number);
	}
	return args.n;
}
