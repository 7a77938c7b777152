/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/faults_model.c - the commands that both faces have because they only set the model.
 *
 * A face that must do more (end a link, wake a pending connect) registers a row of the same name.
 */
#include <ctype.h>
#include <string.h>

#include "contrib/sim/faults.h"
#include "contrib/sim/model.h"
#include "contrib/sim/stats.h"

static int run_silent(void *face _unused_, const struct fault_args *args,
		      struct fault_reply *reply _unused_)
{
	args->device->silent = args->on;
	return 0;
}

/* on: arrives nowhere; replies: arrives and is carried out, only the answer is lost. */
static int run_mute(void *face _unused_, const struct fault_args *args, struct fault_reply *reply)
{
	static const struct {
		const char *word;
		enum model_mute mute;
	} rows[] = {
		{ "off", MODEL_MUTE_OFF },
		{ "on", MODEL_MUTE_ON },
		{ "replies", MODEL_MUTE_REPLIES },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(args->words[0], rows[i].word) == 0) {
			args->device->mute = rows[i].mute;
			return 0;
		}
	}
	fault_reply_set(reply, "usage: mute ADDR on|off|replies");
	return -EINVAL;
}

static int run_refuse(void *face _unused_, const struct fault_args *args,
		      struct fault_reply *reply _unused_)
{
	if (args->numbers[0] > UINT32_MAX)
		return -ERANGE;
	args->device->refuse = (unsigned)args->numbers[0];
	return 0;
}

static int run_pad(void *face _unused_, const struct fault_args *args,
		   struct fault_reply *reply _unused_)
{
	if (args->numbers[0] > MODEL_EMIT_BYTES)
		return -ERANGE;
	args->device->pad_bytes = (unsigned)args->numbers[0];
	return 0;
}

static int run_connect_ms(void *face _unused_, const struct fault_args *args,
			  struct fault_reply *reply)
{
	const char *text = args->words[0];
	unsigned long long value = 0;
	char *end = NULL;

	if (strcmp(text, "default") == 0) {
		args->device->connect_ms = -1;
		return 0;
	}
	if (isdigit((unsigned char)text[0]))
		value = strtoull(text, &end, 10);
	if (!end || *end) {
		fault_reply_set(reply, "usage: connect-ms ADDR T|default");
		return -EINVAL;
	}
	if (value > INT32_MAX)
		return -ERANGE;
	args->device->connect_ms = (int)value;
	return 0;
}

static int run_stats(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	if (args->words[0][0] && strcmp(args->words[0], "totals") != 0) {
		fault_reply_set(reply, "usage: stats [totals]");
		return -EINVAL;
	}
	reply->text = stats_json(face, !args->words[0][0]);
	return reply->text ? 0 : -ENOMEM;
}

const struct fault_command faults_model_table[] = {
	{ "silent", "db", "ADDR on|off", run_silent },
	{ "mute", "dw", "ADDR on|off|replies", run_mute },
	{ "pad", "dn", "ADDR BYTES", run_pad },
	{ "refuse", "dn", "ADDR N", run_refuse },
	{ "connect-ms", "dw", "ADDR T|default", run_connect_ms },
	{ "stats", "?w", "[totals]", run_stats },
};
const size_t faults_model_count = ARRAY_LEN(faults_model_table);
